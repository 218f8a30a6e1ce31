from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.bundles.delegations import Role
from device.clock import NS, Verdict
from device.commands.deeds import Erase, LaneMode, Open, Replay, Restart, SetMode, SetTime
from device.domain import Direction, EventType
from device.gate.act import LaneState
from device.gate.carrying_out import OPEN_WITHIN_NS
from device.turnstile.freedom import Cause
from tests.device.commands.orders import DEEDS
from tests.device.gate.command_bench import NUMBER, SECOND_OPERATOR, CommandBench

OPERATOR, RECORDER, OFFICER, TECHNICIAN = (NUMBER[role] for role in (Role.OPERATOR, Role.RECORDER, Role.HEALTH_OFFICER, Role.TECHNICIAN))
UTC_MS = 1_795_000_000_123
UTC_THEN = datetime.fromtimestamp(UTC_MS / 1000, UTC)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[CommandBench]:
    with closing(CommandBench(tmp_path)) as bench:
        yield bench


@pytest.mark.parametrize("direction", [Direction.ENTRY, Direction.EXIT])
def test_one_person_is_let_through_by_the_record_of_the_order(bench: CommandBench, direction: Direction) -> None:
    told = bench.prepared(Open(direction))
    bench.send(told, OPERATOR)
    ((facts, way, subject, deadline_ns),) = bench.opened
    assert (facts["args"], way, subject, deadline_ns) == (
        {"direction": direction},
        direction,
        f"order-{told.id.hex()}",
        bench.now_ns + OPEN_WITHIN_NS,
    )


def test_nobody_is_let_into_a_lane_that_does_not_serve_and_everybody_out_of_it(bench: CommandBench) -> None:
    bench.lane.lane = LaneState(serves_entry=False)
    assert bench.give(Open(Direction.ENTRY), OPERATOR) == {"outcome": "failed", "why": "out_of_service"}
    assert bench.give(Open(Direction.EXIT), OPERATOR) == {"outcome": "done"}
    bench.lane.lane = LaneState(serves_entry=False, free_by=Cause.FIRE)
    assert bench.give(Open(Direction.ENTRY), OPERATOR) == {"outcome": "done"}


@pytest.mark.parametrize("mode", [LaneMode.FREE, LaneMode.LOCKED])
def test_a_mode_is_the_lane_s(bench: CommandBench, mode: LaneMode) -> None:
    bench.give(DEEDS[mode], OPERATOR, SECOND_OPERATOR)
    assert bench.mode.mode is mode


def test_a_drill_stands_free_and_ends(bench: CommandBench) -> None:
    bench.give(DEEDS["drill"], OPERATOR, SECOND_OPERATOR)
    assert bench.mode.is_drill
    bench.later(600)
    assert not bench.mode.is_drill


def test_events_are_given_again_range_by_range(bench: CommandBench) -> None:
    bench.give(DEEDS["replay"], RECORDER)
    assert bench.done == [("again", 1, 5), ("again", 7, 7)]


def test_events_that_cannot_be_given_again_now_are_told(bench: CommandBench) -> None:
    bench.link_has_room = False
    assert bench.give(DEEDS["replay"], RECORDER) == {"outcome": "failed", "why": "busy"}
    bench.store_fails = True
    assert bench.give(DEEDS["replay"], RECORDER) == {"outcome": "failed", "why": "store_failed"}


def test_sealed_identities_are_erased_and_their_number_recorded(bench: CommandBench) -> None:
    assert bench.give(DEEDS["erase"], OFFICER) == {"outcome": "done", "erased": 7}
    assert (bench.done, bench.commanded("what", "erased")) == ([("erase", 3, 9)], [("erase", 7)])


def test_a_disk_that_erases_nothing_is_told(bench: CommandBench) -> None:
    bench.store_fails = True
    assert bench.give(DEEDS["erase"], OFFICER) == {"outcome": "failed", "why": "store_failed"}


def test_numbers_of_another_epoch_are_other_events(bench: CommandBench) -> None:
    assert bench.give(Replay("8880", ((1, 2),)), RECORDER) == {"outcome": "failed", "why": "other_epoch"}
    assert bench.give(Erase("8880", 1, 2), OFFICER) == {"outcome": "failed", "why": "other_epoch"}
    assert bench.done == []


def test_nothing_that_waits_for_a_stuck_disk_is_lost_to_a_restart(bench: CommandBench) -> None:
    bench.something_waits = True
    assert bench.give(Restart(), TECHNICIAN) == {"outcome": "failed", "why": "busy"}
    bench.later(1)
    assert (bench.done, bench.commanded("what", "outcome", "why")) == ([], [("restart", "failed", "busy")])
    bench.something_waits = False
    assert bench.give(Restart(), TECHNICIAN) == {"outcome": "done"}
    bench.later(1)
    assert bench.done == ["restart"]


@pytest.mark.parametrize("name", ["locked", "normal", "drill", "restart"])
def test_what_cannot_be_recorded_is_not_done(bench: CommandBench, name: str) -> None:
    deed = {**DEEDS, "normal": SetMode(LaneMode.NORMAL), "restart": Restart()}[name]
    bench.store_fails = True
    signers = (TECHNICIAN,) if deed == Restart() else (OPERATOR, SECOND_OPERATOR)
    assert bench.give(deed, *signers) == {"outcome": "failed", "why": "store_failed"}
    bench.later(1)
    assert (bench.mode.mode, bench.mode.is_drill, bench.done, bench.commanded("outcome", "why")) == (
        LaneMode.NORMAL,
        False,
        [],
        [("failed", "store_failed")],
    )


def test_a_disk_that_will_not_do_holds_nobody_in_who_is_freed_by_order(bench: CommandBench) -> None:
    bench.store_fails = True
    assert bench.give(DEEDS["free"], OPERATOR, SECOND_OPERATOR) == {"outcome": "done"}
    assert (bench.mode.mode, bench.lane.told, bench.commanded("what", "outcome")) == (LaneMode.FREE, [False, True], [("mode", "done")])


def test_a_restart_waits_for_what_the_disk_has_not_taken(bench: CommandBench) -> None:
    assert bench.give(Restart(), TECHNICIAN) == {"outcome": "done"}
    bench.something_waits = True
    bench.later(1)
    assert bench.done == []
    bench.something_waits = False
    bench.later(1)
    assert bench.done == ["restart"]


# --- time ------------------------------------------------------------------------------------------------------


def test_the_time_counts_from_the_question_to_the_answer(bench: CommandBench) -> None:
    assert bench.give(SetTime(UTC_MS), RECORDER, after_s=2) == {"outcome": "done", "took_ms": 2000}
    assert (bench.clock.taken, bench.done) == ([(UTC_THEN, bench.now_ns - 2 * NS, bench.now_ns)], ["time taken"])


def test_a_clock_that_differs_is_an_alarm_once(bench: CommandBench) -> None:
    bench.clock.verdict = Verdict.DIFFERS
    for _ in range(2):
        assert bench.give(SetTime(UTC_MS), RECORDER)["outcome"] == "done"
    assert [facts for kind, facts in bench.events if kind is EventType.ALARM] == [{"what": "clock_differs", "utc_ms": UTC_MS}]


@pytest.mark.parametrize("verdict", [Verdict.BEFORE_FLOOR, Verdict.FAR_AHEAD])
def test_a_time_that_is_not_believed_is_not_taken_and_one_alarm(bench: CommandBench, verdict: Verdict) -> None:
    bench.clock.verdict = verdict
    for _ in range(2):
        assert bench.give(SetTime(UTC_MS), RECORDER) == {"outcome": "failed", "why": verdict.value}
    assert [facts for kind, facts in bench.events if kind is EventType.ALARM] == [{"what": "time_refused", "utc_ms": UTC_MS}]
    assert bench.done == []


def test_a_slow_answer_is_not_taken(bench: CommandBench) -> None:
    bench.clock.verdict = Verdict.TOO_SLOW
    assert bench.give(SetTime(UTC_MS), RECORDER) == {"outcome": "failed", "why": "too_slow"}
    assert bench.done == []
