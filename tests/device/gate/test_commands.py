from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.bundles.delegations import Role
from device.clock import NS
from device.commands import asking, chunk, deeds, order
from device.commands.asking import Ask
from device.commands.chunk import Chunk
from device.commands.deeds import Announce, Deed, Diagnose, LaneMode, Open, Restart, SetMode
from device.domain import Direction, EventType
from device.gate.commands import MINUTE_NS, SINGLY_A_MINUTE
from device.gate.transfer import SILENT_NS
from device.seldom import AT_ONCE
from tests.device.commands.orders import BOOT, DEEDS, EPOCH, holder, key, signed
from tests.device.gate.command_bench import NOW_S, NUMBER, SECOND_OPERATOR, CommandBench

OPERATOR, TECHNICIAN, RELEASE = NUMBER[Role.OPERATOR], NUMBER[Role.TECHNICIAN], NUMBER[Role.RELEASE]
IN = Open(Direction.ENTRY)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[CommandBench]:
    with closing(CommandBench(tmp_path)) as bench:
        yield bench


def untouched(bench: CommandBench) -> bool:
    """Nothing was opened, freed, locked, erased, restarted, set or written."""
    lane_told = [each for each in bench.lane.told if each is not False]
    return (bench.opened, lane_told, bench.done, bench.clock.taken, list(bench.inbox.iterdir())) == ([], [], [], [], [])


def signers_for(deed: Deed) -> tuple[int, ...]:
    role = min(deeds.ROLES[deeds.verb_of(deed)])
    return (OPERATOR, SECOND_OPERATOR) if deeds.needs_two(deed) else (NUMBER[role],)


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_an_order_that_counts_is_done_recorded_once_and_answered(bench: CommandBench, deed: Deed) -> None:
    assert bench.give(deed, *signers_for(deed))["outcome"] == "done"
    recorded = [facts for facts, *_ in bench.opened] + [facts for _, facts in bench.events]
    assert [(facts["what"], facts["outcome"], facts["actor"], facts["reason"]) for facts in recorded] == [(deed_verb(deed), "done", "op-1", "test")]
    assert [len(facts["keys"]) for facts in recorded] == [len(signers_for(deed))]


def deed_verb(deed: Deed) -> str:
    return deeds.verb_of(deed).value


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_nobody_without_the_role_does_anything(bench: CommandBench, deed: Deed) -> None:
    for role in set(Role) - deeds.ROLES[deeds.verb_of(deed)]:
        assert bench.give(deed, NUMBER[role]) == {"outcome": "refused", "why": "not_allowed"}
    assert untouched(bench)


def test_an_order_counts_once(bench: CommandBench) -> None:
    told = bench.prepared(IN)
    assert [bench.send(told, OPERATOR) for _ in range(2)] == [{"outcome": "done"}, {"outcome": "refused", "why": "replayed"}]
    assert len(bench.opened) == 1


def test_two_orders_of_one_challenge_are_one_order(bench: CommandBench) -> None:
    first = bench.prepared(IN)
    second = bench.prepared(IN, challenge=first.challenge)
    assert [bench.send(told, OPERATOR)["outcome"] for told in (first, second)] == ["done", "refused"]
    assert len(bench.opened) == 1


@pytest.mark.parametrize(
    ("changes", "after_s", "why"),
    [
        ({"gate": "g-998"}, 0, "misdirected"),
        ({"boot": "boot-0"}, 0, "other_boot"),
        ({"challenge": b"x" * 16}, 0, "unknown_challenge"),
        ({}, 61, "expired"),
        ({"within_s": 5}, 6, "expired"),
        ({"within_s": 600}, 61, "expired"),
    ],
    ids=["another gate", "before a restart", "no challenge of ours", "too late", "later than it says", "alone, and later than one may"],
)
def test_what_is_misdirected_or_late_does_nothing_and_is_recorded(bench: CommandBench, changes: dict[str, Any], after_s: float, why: str) -> None:
    assert bench.give(IN, OPERATOR, after_s=after_s, **changes) == {"outcome": "refused", "why": why}
    assert untouched(bench)
    assert bench.commanded("what", "outcome", "why", "actor") == [("open", "refused", why, "op-1")]


def test_two_signers_have_ten_minutes_where_they_ask_for_them(bench: CommandBench) -> None:
    free = SetMode(LaneMode.FREE)
    for lifetime_s, outcome in ((600, "done"), (60, "refused")):
        told = bench.prepared(free, within_s=600, challenge=bench.ask(lifetime_s).challenge)
        bench.later(599)
        assert bench.send(told, OPERATOR, SECOND_OPERATOR)["outcome"] == outcome


def test_an_order_under_another_verb_does_nothing(bench: CommandBench) -> None:
    assert bench.send(bench.prepared(Restart()), TECHNICIAN, verb="diagnostics") == {"outcome": "refused", "why": "misdirected"}
    assert bench.send(bench.prepared(Restart()), TECHNICIAN, verb="unheard-of") == {"outcome": "refused", "why": "misdirected"}
    bench.later(1)
    assert untouched(bench)


def test_a_delegation_that_is_gone_or_over_is_worth_nothing_at_once(bench: CommandBench) -> None:
    told = bench.prepared(IN)
    bench.delegations = (holder(OPERATOR, Role.OPERATOR, until_s=NOW_S - 1),)
    assert bench.send(told, OPERATOR) == {"outcome": "refused", "why": "unknown_key"}
    bench.delegations = ()
    assert bench.send(told, OPERATOR) == {"outcome": "refused", "why": "unknown_key"}
    assert bench.commanded("what", "outcome", "why", "actor") == [("open", "refused", "unknown_key", None)] * 2
    assert untouched(bench)


def test_nothing_that_a_stranger_wrote_is_recorded(bench: CommandBench) -> None:
    told = bench.prepared(Diagnose(), why="a stranger's words")
    bench.send(told, 77, verb="diagnostics")
    bench.commands.take("Robert'); DROP TABLE", b"junk")
    assert bench.events == [
        (EventType.COMMAND, {"what": "diagnostics", "outcome": "refused", "why": "unknown_key"}),
        (EventType.COMMAND, {"what": "unknown", "outcome": "refused", "why": "malformed"}),
    ]


def test_a_restart_is_recorded_and_answered_before_it_happens(bench: CommandBench) -> None:
    assert bench.give(Restart(), TECHNICIAN) == {"outcome": "done"}
    assert (bench.done, bench.commanded("what", "outcome")) == ([], [("restart", "done")])
    bench.later(0)
    bench.later(1)
    assert bench.done == ["restart"]


def test_what_cannot_be_done_is_recorded_and_answered_so(bench: CommandBench) -> None:
    bench.store_fails = True
    assert bench.give(IN, OPERATOR) == {"outcome": "failed", "why": "store_failed"}
    assert bench.commanded("what", "outcome", "why") == [("open", "failed", "store_failed")]


def test_figures_for_a_technician_are_answered_and_not_recorded(bench: CommandBench) -> None:
    assert bench.give(Diagnose(), TECHNICIAN) == {"outcome": "done", "diagnostics": {"version": "1"}}
    assert "diagnostics" not in bench.events[0][1]


# --- knocking --------------------------------------------------------------------------------------------------


def test_knocking_fills_no_store_and_is_counted(bench: CommandBench) -> None:
    for _ in range(1000):
        bench.commands.take("open", b"junk")
        bench.commands.take("chunk", b"")
        bench.commands.take("challenge", b"")
    assert (len(bench.events), bench.said) == (SINGLY_A_MINUTE, [])
    bench.later(MINUTE_NS / NS)
    assert bench.events[-1] == (
        EventType.AUDIT,
        {"what": "commands_folded", "counts": {"malformed": 3000 - SINGLY_A_MINUTE}},
    )


def test_knocking_fills_no_log(bench: CommandBench, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(600):
        bench.commands.take("open", b"junk")
        bench.later(0.2)
    first = "a command does not count: malformed"
    assert caplog.messages == [*AT_ONCE * [first], f"{first} (and {SINGLY_A_MINUTE - AT_ONCE} more since)"]  # in two minutes


def test_orders_that_cannot_be_carried_out_fill_no_log(bench: CommandBench, caplog: pytest.LogCaptureFixture) -> None:
    bench.something_waits = True
    for _ in range(2 * AT_ONCE):
        bench.give(Restart(), NUMBER[Role.TECHNICIAN])
    assert caplog.messages == AT_ONCE * [
        "no restart as it was ordered: what the store has not taken yet would be lost",
        "an order cannot be carried out: restart: busy",
    ]


@pytest.mark.parametrize(
    ("deed", "signers", "words"),
    [
        (DEEDS["free"], (NUMBER[Role.OPERATOR], SECOND_OPERATOR), "mode (mode free)"),
        (DEEDS["drill"], (NUMBER[Role.OPERATOR], SECOND_OPERATOR), "drill (minutes 10)"),
        (DEEDS["open for exit"], (NUMBER[Role.OPERATOR],), "open (direction exit)"),
        (DEEDS["replay"], (NUMBER[Role.RECORDER],), f"replay (2 ranges of epoch {EPOCH})"),
        (DEEDS["erase"], (NUMBER[Role.HEALTH_OFFICER],), f"erase (epoch {EPOCH}, first 3, last 9)"),
        (DEEDS["bundle"], (NUMBER[Role.RELEASE],), f"bundle (kind policy, size 100, sha256 {b'h'.hex() * 32})"),
        (DEEDS["diagnostics"], (NUMBER[Role.TECHNICIAN],), "diagnostics"),
    ],
)
def test_the_log_tells_what_was_ordered_and_by_nobody(
    bench: CommandBench, caplog: pytest.LogCaptureFixture, deed: Deed, signers: tuple[int, ...], words: str
) -> None:
    with caplog.at_level(logging.INFO):
        bench.give(deed, *signers)
    assert caplog.messages == [f"order {words} is carried out"]


def test_asking_without_end_gives_no_challenge_and_no_answer(bench: CommandBench) -> None:
    ask = asking.encode_ask(Ask(b"a" * 16))
    for _ in range(100):
        bench.commands.take("challenge", ask)
    assert (len(bench.said), bench.events) == (30, [])


# --- files -----------------------------------------------------------------------------------------------------


def announced(content: bytes, kind: str = "policy") -> Announce:
    return Announce(kind, len(content), hashlib.sha256(content).digest())


def test_a_file_that_was_announced_comes_whole_into_the_inbox(bench: CommandBench) -> None:
    content = bytes(range(256)) * 640  # ten parts
    told = bench.prepared(announced(content))
    assert bench.send(told, RELEASE) == {"outcome": "done", "chunk_bytes": chunk.CONTENT_MAX, "answer_every": chunk.ANSWER_EVERY}
    for part in chunk.split(told.id, content):
        bench.commands.take("chunk", chunk.encode(part))
    answers = [(topic, answer["outcome"], answer["next"], answer["whole"]) for topic, answer in bench.said]
    assert answers == [(asking.reply_topic(told.id), "receiving", 8, False), (asking.reply_topic(told.id), "receiving", 10, True)]
    assert [path.read_bytes() for path in bench.inbox.glob("policy-*.bundle")] == [content]
    assert bench.commanded("what", "outcome") == [("bundle", "done"), ("chunk", "received")]


def test_a_captured_broker_sends_no_file_that_nobody_has_announced(bench: CommandBench) -> None:
    bench.commands.take("chunk", chunk.encode(Chunk(b"x" * 16, 0, b"junk")))
    assert (bench.said[-1][1]["why"], list(bench.inbox.iterdir())) == ("no_such_transfer", [])


def test_a_captured_broker_sends_no_other_file_than_was_announced(bench: CommandBench) -> None:
    told = bench.prepared(announced(b"what the office signed"))
    bench.send(told, RELEASE)
    bench.commands.take("chunk", chunk.encode(Chunk(told.id, 0, b"what somebody else has")))
    assert (bench.said[-1][1]["why"], list(bench.inbox.iterdir())) == ("wrong_sha256", [])
    assert bench.commanded("what", "outcome", "why")[-1] == ("chunk", "refused", "wrong_sha256")


def test_a_file_that_stays_away_is_given_up_and_told(bench: CommandBench) -> None:
    told = bench.prepared(announced(b"never"))
    bench.send(told, RELEASE)
    bench.later(SILENT_NS / NS)
    assert (bench.said[-1], bench.commanded("outcome", "why")[-1]) == (
        (asking.reply_topic(told.id), {"gate": "g-999", "outcome": "failed", "why": "silent"}),
        ("failed", "silent"),
    )


# --- everything that a captured uplink or broker may send --------------------------------------------------------

KNOWN = signed(order.Order(b"i" * 16, SetMode(LaneMode.FREE), "g-999", BOOT, b"c" * 16, 60, "op-1"), OPERATOR, SECOND_OPERATOR)
HOSTILE = st.tuples(
    st.sampled_from(["open", "mode", "erase", "time", "bundle", "chunk", "challenge", "restart", "nonsense", ""]),
    st.binary(max_size=300)
    | st.builds(lambda at, new: KNOWN[:at] + new + KNOWN[at + 1 :], st.integers(0, len(KNOWN)), st.binary(max_size=3))
    | st.just(asking.encode_ask(Ask(b"a" * 16))),
)


@settings(derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HOSTILE, max_size=20))
def test_whatever_the_network_sends_nothing_opens_and_nothing_is_erased(tmp_path: Path, messages: list[tuple[str, bytes]]) -> None:
    with closing(CommandBench(tmp_path)) as bench:
        for verb, payload in messages:
            bench.commands.take(verb, payload)
            bench.later(1)
        assert untouched(bench)


def test_a_challenge_that_a_captured_broker_took_for_itself_signs_nothing(bench: CommandBench) -> None:
    """It knows challenge, gate and boot, and an order of another gate: it lacks a key."""
    stolen = bench.ask()
    elsewhere = signed(bench.prepared(DEEDS["erase"], gate="g-998", challenge=stolen.challenge), NUMBER[Role.HEALTH_OFFICER])
    bench.commands.take("erase", elsewhere)
    payload = order.encode(bench.prepared(deeds.Erase(EPOCH, 1, 9), challenge=stolen.challenge))
    bench.commands.take("erase", order.message([order.sign(key(77), payload)]))
    assert [answer["why"] for _, answer in bench.said] == ["misdirected", "unknown_key"]
    assert untouched(bench)
