"""Degraded modes, row by row: each trouble is brought about at a gate for the way in and at one for the way out, and what
happens to people there is what the table says in its own words.

The parts are the gate's own (``tests/scenarios/gate.py``); time and the relays are simulated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from device.clock import NS
from device.degraded import CONDUCT, Health, Trouble, health, signal
from device.domain import Direction, EventType
from device.gate.alive import Alive
from device.gate.eyes import Eyes
from device.gate.rounds import NEARLY_FULL_BYTES, Rounds
from device.links import EyesState, ReaderState
from device.turnstile.contacts import Stuck
from device.turnstile.lane import Sensor
from device.turnstile.machine import Service
from device.turnstile.signals import STANDING, Signal
from tests.gates import Issuer
from tests.scenarios.gate import Fitting, StoryGate
from tests.scenarios.sky import Sky

ISSUER = Issuer(1)
MORNING = datetime(2021, 7, 1, 1, tzinfo=UTC)
POLICY: dict[str, Any] = {"place": "other", "identity": {"sealed": False}, "mode": "verify"}
MISSING = {"lists": {"deny": "refuse"}}
OVERLOOKED = {"lists": {"deny": "overlook"}}
NEXT_YEAR_S = 1_656_633_600  # the first of July 2022


@dataclass
class Shown:
    """What became of a code that was shown."""

    decision: dict[str, Any] | None
    passage: dict[str, Any] | None
    signals: list[Signal] = field(default_factory=list)
    pulses: int = 0

    @property
    def plain(self) -> tuple[str | None, str | None, int]:
        """Reason, outcome of the passage, pulses."""
        reason = self.decision["reason"] if self.decision else None
        outcome = self.passage["outcome"] if self.passage else None
        return reason, outcome, self.pulses


class Bench:
    """A gate, and whoever looks after it and stands before it."""

    def __init__(self, folder: Path, direction: Direction, changes: dict[str, Any]) -> None:
        self.sky = Sky(MORNING)
        self.gate = StoryGate(Fitting("g1", direction, beams=True), POLICY | changes, self.sky, folder)
        self.free_bytes = NEARLY_FULL_BYTES
        self.rounds = Rounds(
            self.gate.condition,
            state=self.gate.state,
            alive=Alive(self.gate.state),
            lists=self.gate.lists,
            now=self.gate.clock.now,
            policy=lambda: self.gate.policy,
            clock_matters=True,
            free_bytes=lambda _folder: self.free_bytes,
        )
        self.rounds.broker(self.now_ns, connected=True)
        self.eyes = Eyes(
            self.now_ns,
            alarm=lambda _facts: None,
            blind=lambda blind: self.gate.condition.set(Trouble.CAMERA_BLIND, on=blind),
            hint=lambda _signal: None,
        )
        self.codes = 0

    @property
    def now_ns(self) -> int:
        return self.gate.uptime()

    def go_on(self, seconds: float) -> None:
        until = self.sky.later(seconds)
        while self.sky.now < until:
            self.sky.now = min(self.sky.later(0.1), until)
            self.gate.look()
            self.rounds.look(self.now_ns)
            self.gate.turn()

    def show(self, payload: bytes | None = None, *, walks: bool = True) -> Shown:
        """Somebody holds up a code, and walks through a second after the lane has opened for him."""
        self.codes += 1
        events, signals, pulses = len(self.gate.events()), len(self.gate.act.seen.signals), len(self.gate.act.seen.pulses)
        track = self.gate.appears(payload or ISSUER.issue(self.codes))
        for _ in range(40):
            self.go_on(0.1)
            if walks and len(self.gate.act.seen.pulses) > pulses:
                self.go_on(1)
                self.gate.act.person_passed()
                break
        self.gate.leaves(track)
        self.go_on(6)
        told = self.gate.events()[events:]
        found = {
            kind: next((event["data"] for event in told if event["type"] == kind and event["subject"] == track), None)
            for kind in ("qrgate.decision", "qrgate.passage")
        }
        seen = self.gate.act.seen
        return Shown(found["qrgate.decision"], found["qrgate.passage"], seen.signals[signals:], len(seen.pulses) - pulses)

    def walk_out(self) -> list[dict[str, Any]]:
        """Somebody goes out without a code; what is recorded of that."""
        events = len(self.gate.events())
        self.gate.act.person_passed(Direction.EXIT)
        self.go_on(1)
        return [event["data"] for event in self.gate.events()[events:]]


@contextmanager
def opened(folder: Path, direction: Direction, changes: dict[str, Any]) -> Iterator[Bench]:
    """``changes`` of the policy; the only ones here ask for lists that never came."""
    bench = Bench(folder, direction, changes)
    with closing(bench.gate.store):
        bench.go_on(1)
        assert bench.gate.condition.troubles == (frozenset({Trouble.LISTS_STALE}) if changes else frozenset())
        yield bench


# --- how each trouble comes about ------------------------------------------------------------------------------


def sense(sensor: Sensor) -> Callable[[Bench], None]:
    return lambda bench: bench.gate.act.sense(sensor, on=True)


def stuck(bench: Bench) -> None:
    act = bench.gate.act
    act._do(act._turnstile.stuck(Stuck(Sensor.INNER_BEAM, stuck=True, at_ns=bench.now_ns), bench.now_ns))


def held(bench: Bench) -> None:
    bench.gate.act.sense(Sensor.OUTER_BEAM, on=True)
    bench.go_on(20)


def broker_away(bench: Bench) -> None:
    bench.rounds.broker(bench.now_ns, connected=False)
    bench.go_on(61)


def disk_is_full(bench: Bench) -> None:
    bench.gate.fill_the_disk()
    bench.gate.deciding.fact(EventType.ALARM, {"what": "something"})  # it cannot be recorded, which is how it is noticed


def disk_nearly_full(bench: Bench) -> None:
    bench.free_bytes -= 1


def said_by_its_keeper(trouble: Trouble) -> Callable[[Bench], None]:
    """How full the store is, is looked after elsewhere (``store_keeping.py``)."""
    return lambda bench: bench.gate.condition.set(trouble, on=True)


def blind(bench: Bench) -> None:
    bench.eyes.says(ReaderState(EyesState.COVERED, frames=1, dropped=0, looks=0, failures=0), bench.now_ns)


BRINGS: dict[Trouble, Callable[[Bench], None]] = {
    Trouble.FREE: sense(Sensor.FIRE),
    Trouble.RELAY_LOST: lambda bench: bench.gate.act.relays_are_lost(),
    Trouble.NOT_READY: sense(Sensor.NOT_READY),
    Trouble.LOCKED: lambda bench: bench.gate.act.order(Service.LOCKED),
    Trouble.SERVICE: lambda bench: bench.gate.act.order(Service.SETUP),
    Trouble.STORE_FAILED: disk_is_full,
    Trouble.CAMERA_BLIND: blind,
    Trouble.CLOCK_UNTRUSTED: lambda bench: bench.gate.set_clock(timedelta(), vouched=False),
    Trouble.LISTS_STALE: lambda _bench: None,  # by its policy
    Trouble.STORE_NEARLY_FULL: said_by_its_keeper(Trouble.STORE_NEARLY_FULL),
    Trouble.STORE_FILLING: said_by_its_keeper(Trouble.STORE_FILLING),
    Trouble.DISK_NEARLY_FULL: disk_nearly_full,
    Trouble.SENSOR_STUCK: stuck,
    Trouble.HELD: held,
    Trouble.ON_BATTERY: sense(Sensor.MAINS),
    Trouble.TAMPER: sense(Sensor.TAMPER),
    Trouble.BROKER_AWAY: broker_away,
}
POLICY_OF: dict[Trouble, dict[str, Any]] = {Trouble.LISTS_STALE: MISSING}


# --- what happens to people, in the table's words --------------------------------------------------------------


def as_ever(bench: Bench) -> None:
    assert bench.show().plain == ("ok", "turned", 1)


def refused(reason: str) -> Callable[[Bench], None]:
    return lambda bench: _refused(bench, reason)


def _refused(bench: Bench, reason: str) -> None:
    shown = bench.show()
    assert shown.plain == (reason, None, 0)
    assert Signal.GO not in shown.signals


def refused_without_a_record(bench: Bench) -> None:
    shown = bench.show()
    assert (shown.plain, set(shown.signals)) == ((None, None, 0), {Signal.OUT_OF_ORDER})
    bench.gate.make_room()
    bench.go_on(1)
    assert [event for event in bench.gate.events() if event["type"] == "qrgate.decision"] == []


def let_out_and_recorded_later(bench: Bench) -> None:
    shown = bench.show()
    assert (shown.decision, shown.passage, shown.pulses) == (None, None, 1)
    bench.gate.make_room()
    bench.go_on(1)
    decided, ended = (event for event in bench.gate.events() if event["type"] in {"qrgate.decision", "qrgate.passage"})
    assert (decided["data"]["admit"], ended["data"]["outcome"], ended["data"]["decision"]) == (True, "turned", decided["id"])


def goes_free(bench: Bench) -> None:
    assert bench.show().plain == ("ok", "free", 0)


def goes_free_and_is_counted(bench: Bench) -> None:
    goes_free(bench)
    assert [(data["outcome"], data["direction"]) for data in bench.walk_out()] == [("counted", "exit")]


def nobody_is_read(bench: Bench) -> None:
    events = bench.gate.events()
    bench.go_on(5)
    assert bench.gate.events() == events


def by_the_button_or_the_mechanics(bench: Bench) -> None:
    for on in (True, False):
        bench.gate.act.sense(Sensor.EXIT_BUTTON, on=on)
    bench.go_on(1)
    assert len(bench.gate.act.seen.pulses) == 1
    by_the_mechanics(bench)


def by_the_mechanics(bench: Bench) -> None:
    """Nothing is ordered, and nobody is accused."""
    assert [(data["outcome"], data["direction"]) for data in bench.walk_out()] == [("counted", "exit")]


def not_ordered_but_by_the_mechanics(bench: Bench) -> None:
    assert bench.show().plain == ("ok", "fault", 0)
    by_the_mechanics(bench)


def refused_only_what_has_a_date(bench: Bench) -> None:
    assert bench.show(ISSUER.issue(99, valid_until_s=NEXT_YEAR_S)).plain == ("clock_untrusted", None, 0)
    as_ever(bench)


def refused_or_let_in_as_the_policy_says(bench: Bench) -> None:
    _refused(bench, "list_stale")
    with opened(bench.gate.state.parent / "overlooks", Direction.ENTRY, OVERLOOKED) as other:
        as_ever(other)


def assumed(bench: Bench) -> None:
    assert bench.show(walks=False).plain == ("ok", "assumed", 1)


def waits_and_is_refused(bench: Bench) -> None:
    shown = bench.show()
    assert (shown.plain, shown.signals) == (("lane_busy", None, 0), [Signal.WAIT, Signal.AGAIN])


def waits_and_goes(bench: Bench) -> None:
    began = bench.now_ns
    shown = bench.show(walks=False)
    (on_ns, _) = bench.gate.act.seen.pulses[-1]
    assert (shown.pulses, shown.signals[:2]) == (1, [Signal.WAIT, Signal.GO])
    assert 3 <= (on_ns - began) / NS < 3.5


def as_ever_and_it_waits_in_the_store(bench: Bench) -> None:
    before = bench.gate.store.unconfirmed()
    as_ever(bench)
    assert bench.gate.store.unconfirmed() == before + 2


ENTRY: dict[str, Callable[[Bench], None]] = {
    "free": goes_free,
    "refused, `out_of_service`": refused("out_of_service"),
    "refused, without a record": refused_without_a_record,
    "nobody is read": nobody_is_read,
    "as the policy says; what has a date is refused, `clock_untrusted`": refused_only_what_has_a_date,
    "as the policy says: refused, `list_stale`, or let in": refused_or_let_in_as_the_policy_says,
    "as ever": as_ever,
    "as ever; passages are assumed; a barrier is not lowered": assumed,  # of the barrier: tests/device/turnstile
    "waits up to 3 s, then refused, `lane_busy`": waits_and_is_refused,
    "as ever; events wait in the store": as_ever_and_it_waits_in_the_store,
}
EXIT: dict[str, Callable[[Bench], None]] = {
    "free; each passage is counted": goes_free_and_is_counted,
    "by the lane's own mechanics": not_ordered_but_by_the_mechanics,
    "is ordered as ever": as_ever,
    "as ever": as_ever,
    "let out at an exit, recorded later": let_out_and_recorded_later,
    "by the button or the lane's mechanics": by_the_button_or_the_mechanics,
    "waits up to 3 s, then goes": waits_and_goes,
}
WITHOUT_SENSOR: dict[tuple[Trouble, Direction], Callable[[Bench], None]] = {(Trouble.SENSOR_STUCK, Direction.EXIT): assumed}
"""Nothing tells any more that somebody has passed."""


@pytest.mark.parametrize("trouble", Trouble)
@pytest.mark.parametrize("direction", [Direction.ENTRY, Direction.EXIT])
def test_people_meet_what_the_table_says(tmp_path: Path, trouble: Trouble, direction: Direction) -> None:
    row = CONDUCT[trouble]
    meets = WITHOUT_SENSOR.get((trouble, direction)) or (ENTRY[row.entry] if direction is Direction.ENTRY else EXIT[row.exit])
    with opened(tmp_path / "gate", direction, POLICY_OF.get(trouble, {})) as bench:
        BRINGS[trouble](bench)
        bench.go_on(1.2)
        gate = bench.gate
        lane = gate.act._turnstile.standing
        assert (gate.condition.troubles, lane or (gate.act.seen.standing or [Signal.DARK])[-1]) == (frozenset({trouble}), row.signal)
        assert json.loads(gate.condition.body())["health"] == gate.health[-1]["health"] == row.health
        meets(bench)


# --- the table itself ------------------------------------------------------------------------------------------


def test_every_trouble_has_its_row_and_every_word_of_the_table_is_proven_above() -> None:
    assert [*CONDUCT] == [*Trouble] == [*BRINGS]
    assert {row.entry for row in CONDUCT.values()} == {*ENTRY}
    assert {row.exit for row in CONDUCT.values()} == {*EXIT}


def test_every_row_says_when_and_stands_by_a_signal_that_may_stand() -> None:
    assert all(row.when and row.signal in STANDING for row in CONDUCT.values())


def test_a_gate_without_troubles_is_dark_and_well() -> None:
    assert (signal(()), health(())) == (Signal.DARK, Health.OK)


@pytest.mark.parametrize("troubles", list(combinations(Trouble, 2)))
def test_of_several_the_gravest_word_stands_and_the_worst_state_is_told_in_any_order(troubles: tuple[Trouble, Trouble]) -> None:
    graver, lesser = troubles
    word = next((CONDUCT[each].signal for each in (graver, lesser) if CONDUCT[each].signal is not Signal.DARK), Signal.DARK)
    assert [signal(each) for each in (troubles, reversed(troubles))] == [word, word]
    worst = max((CONDUCT[graver].health, CONDUCT[lesser].health), key=list(Health).index)
    assert [health(each) for each in (troubles, reversed(troubles))] == [worst, worst]


def test_a_graver_trouble_is_never_told_as_a_better_state() -> None:
    """So that what stands at the lane and what stands at the broker agree."""
    states = [list(Health).index(CONDUCT[each].health) for each in Trouble]
    assert states == sorted(states, reverse=True)
