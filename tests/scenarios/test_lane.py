"""What a story's lane tells the gate is what the real acting thread tells it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import pytest

from device.clock import NS, monotonic_ns
from device.domain import Crossing, CrossingKind, Direction, Grant, Passage, PassageOutcome
from device.turnstile.actions import Alarm, Mishap
from device.turnstile.lane import CLOSED_AT_REST, Lane, LaneKind, Relay, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.signals import Signal
from tests.device.gate.lane_bench import WAIT_S, LaneBench
from tests.scenarios.lane import SimulatedAct

MS = NS // 1000
WITHOUT = Lane(LaneKind.TRIPOD, pulse_ns=50 * MS, max_on_ns=200 * MS, wait_ns=1000 * MS)
WITH_SENSOR = replace(WITHOUT, sensors=frozenset({Sensor.PASSED}))
TWO_WAY = replace(
    WITHOUT, kind=LaneKind.TWO_WAY, relays=frozenset({Relay.ENTRY, Relay.EXIT}), sensors=frozenset({Sensor.PASSED, Sensor.PASSED_OUT, Sensor.FIRE})
)


class Driven(Protocol):
    """A lane of either kind, with whoever stands before it."""

    def grant(self, id_: str, *, people: int = 1, within_ms: int = 5000, way: Direction = Direction.ENTRY) -> None: ...
    def show(self) -> None: ...
    def order(self, service: Service) -> None: ...
    def sense(self, sensor: Sensor, *, on: bool) -> None: ...
    def await_pulse(self) -> None: ...
    def await_fact(self) -> tuple[Any, ...]: ...


def plain(fact: object) -> tuple[Any, ...]:
    """A fact without its times."""
    match fact:
        case Passage():
            return fact.grant_id, fact.outcome, fact.people, fact.opened_ns is None
        case Crossing():
            return fact.kind, fact.direction, fact.people
        case Alarm():
            return fact.what, fact.on, fact.about
    return (fact,)


class Real:
    def __init__(self, lane: Lane) -> None:
        self.bench = LaneBench(lane).start()

    def grant(self, id_: str, *, people: int = 1, within_ms: int = 5000, way: Direction = Direction.ENTRY) -> None:
        self.bench.act.grant(Grant(id_, monotonic_ns() + within_ms * MS, people, way))

    def show(self) -> None:
        self.bench.act.show(Signal.NO)

    def order(self, service: Service) -> None:
        self.bench.act.order(service)

    def sense(self, sensor: Sensor, *, on: bool) -> None:
        self.bench.move(sensor, closed=on is not (sensor in CLOSED_AT_REST))
        self.bench.await_turns(3)  # a contact is believed after a moment

    def await_pulse(self) -> None:
        relays = {*self.bench.relays}
        while True:
            name, on, _ = self.bench.changes.get(timeout=WAIT_S)
            if on and name in relays:
                return

    def await_fact(self) -> tuple[Any, ...]:
        return plain(self.bench.fact())


class Simulated:
    def __init__(self, lane: Lane) -> None:
        self.now_ns = 10 * NS
        self.act = SimulatedAct(Turnstile(lane), lambda: self.now_ns)
        self.pulses = 0

    def grant(self, id_: str, *, people: int = 1, within_ms: int = 5000, way: Direction = Direction.ENTRY) -> None:
        self.act.grant(Grant(id_, self.now_ns + within_ms * MS, people, way))
        self.act.turn()

    def show(self) -> None:
        self.act.show(Signal.NO)
        self.act.turn()

    def order(self, service: Service) -> None:
        self.act.order(service)

    def sense(self, sensor: Sensor, *, on: bool) -> None:
        self.act.sense(sensor, on=on)

    def await_pulse(self) -> None:
        self._go_on(lambda: len(self.act.seen.pulses) > self.pulses)
        self.pulses += 1

    def await_fact(self) -> tuple[Any, ...]:
        self._go_on(lambda: bool(self.act.facts))
        return plain(self.act.facts.popleft())

    def _go_on(self, until: Callable[[], bool]) -> None:
        while not until():
            next_ns = self.act.next_ns()
            assert next_ns is not None, "nothing will ever happen"
            self.now_ns = max(self.now_ns, next_ns)
            self.act.turn()


def turns(lane: Driven, contact: Sensor = Sensor.PASSED) -> None:
    for on in (True, False):
        lane.sense(contact, on=on)


def one_passes(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a")
    lane.await_pulse()
    lane.show()
    turns(lane)
    return [lane.await_fact()]


def nobody_passes(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a")
    return [lane.await_fact()]


def somebody_without_a_grant(lane: Driven) -> list[tuple[Any, ...]]:
    turns(lane)
    return [lane.await_fact()]


def a_grant_that_came_too_late(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", within_ms=-1)
    return [lane.await_fact()]


def the_second_waits(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a")
    lane.await_pulse()
    lane.grant("b")
    turns(lane)
    first = lane.await_fact()
    lane.await_pulse()
    turns(lane)
    return [first, lane.await_fact()]


def a_party_of_three(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", people=3)
    for _ in range(3):
        lane.await_pulse()
        turns(lane)
    return [lane.await_fact()]


def two_of_a_party_of_three(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", people=3)
    for _ in range(2):
        lane.await_pulse()
        turns(lane)
    return [lane.await_fact()]


def a_party_without_a_sensor(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", people=2)
    lane.await_pulse()
    lane.await_pulse()
    return [lane.await_fact()]


def one_goes_out(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", way=Direction.EXIT)
    lane.await_pulse()
    turns(lane, Sensor.PASSED_OUT)
    return [lane.await_fact()]


def a_locked_lane_lets_out_only(lane: Driven) -> list[tuple[Any, ...]]:
    lane.order(Service.LOCKED)
    lane.grant("in")
    lane.grant("out", way=Direction.EXIT)
    lane.await_pulse()
    told = [lane.await_fact(), lane.await_fact()]
    turns(lane, Sensor.PASSED_OUT)
    return [*told, lane.await_fact()]


def a_fire(lane: Driven) -> list[tuple[Any, ...]]:
    lane.sense(Sensor.FIRE, on=True)
    told = [lane.await_fact(), lane.await_fact()]
    lane.grant("a")
    told.append(lane.await_fact())
    turns(lane)
    return [*told, lane.await_fact()]


@contextmanager
def real(lane: Lane) -> Any:
    driven = Real(lane)
    yield driven
    driven.bench.stop()


@pytest.mark.parametrize(
    ("tale", "lane", "told"),
    [
        (one_passes, WITH_SENSOR, [("a", PassageOutcome.TURNED, 1, False)]),
        (nobody_passes, WITH_SENSOR, [("a", PassageOutcome.UNUSED, 0, False)]),
        (nobody_passes, WITHOUT, [("a", PassageOutcome.ASSUMED, 1, False)]),
        (somebody_without_a_grant, WITH_SENSOR, [(CrossingKind.FORCED, None, 1)]),
        (a_grant_that_came_too_late, WITH_SENSOR, [("a", PassageOutcome.TOO_LATE, 0, True)]),
        (the_second_waits, WITH_SENSOR, [("a", PassageOutcome.TURNED, 1, False), ("b", PassageOutcome.TURNED, 1, False)]),
        (a_party_of_three, WITH_SENSOR, [("a", PassageOutcome.TURNED, 3, False)]),
        (two_of_a_party_of_three, WITH_SENSOR, [("a", PassageOutcome.TURNED, 2, False)]),
        (a_party_without_a_sensor, WITHOUT, [("a", PassageOutcome.ASSUMED, 2, False)]),
        (one_goes_out, TWO_WAY, [("a", PassageOutcome.TURNED, 1, False)]),
        (
            a_locked_lane_lets_out_only,
            TWO_WAY,
            [(Mishap.SERVICE, True, "locked"), ("in", PassageOutcome.OUT_OF_SERVICE, 0, True), ("out", PassageOutcome.TURNED, 1, False)],
        ),
        (
            a_fire,
            TWO_WAY,
            [
                (Mishap.FIRE, True, ""),
                (Mishap.FREE, True, "fire"),
                ("a", PassageOutcome.FREE, 1, True),
                (CrossingKind.COUNTED, Direction.ENTRY, 1),
            ],
        ),
    ],
    ids=lambda each: each.__name__ if callable(each) else None,
)
def test_both_lanes_tell_the_same(tale: Callable[[Driven], list[tuple[Any, ...]]], lane: Lane, told: list[tuple[Any, ...]]) -> None:
    with real(lane) as acting:
        assert [tale(acting), tale(Simulated(lane))] == [told, told]
