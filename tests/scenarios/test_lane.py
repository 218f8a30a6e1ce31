"""What a story's lane tells the gate is what the real acting thread tells it."""

from __future__ import annotations

import queue
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, Protocol

import pytest

from device.clock import NS, monotonic_ns
from device.domain import Grant, Passage, PassageOutcome
from device.gate.act import Act
from device.turnstile.machine import Lane, Turnstile
from device.turnstile.signals import Signal
from tests.device.gate.test_act import WAIT_S, Watched
from tests.scenarios.lane import SimulatedAct

MS = NS // 1000
WITH_SENSOR = Lane(pulse_ns=50 * MS, max_on_ns=200 * MS, wait_ns=1000 * MS, has_sensor=True)
WITHOUT = Lane(pulse_ns=50 * MS, max_on_ns=200 * MS, wait_ns=1000 * MS, has_sensor=False)


class Driven(Protocol):
    """A lane of either kind, with whoever stands before it."""

    def grant(self, id_: str, *, people: int = 1, within_ms: int = 5000) -> None: ...
    def show(self) -> None: ...
    def person(self) -> None: ...
    def await_pulse(self) -> None: ...
    def await_fact(self) -> tuple[Any, ...]: ...


def plain(fact: object) -> tuple[Any, ...]:
    """A fact without its times."""
    if isinstance(fact, Passage):
        return fact.grant_id, fact.outcome, fact.people, fact.opened_ns is None
    return (type(fact).__name__,)


class Real:
    def __init__(self, lane: Lane) -> None:
        self.changes: queue.Queue[tuple[str, bool, int]] = queue.Queue()
        self.facts: queue.Queue[object] = queue.Queue()
        self.act = Act(Turnstile(lane), Watched("relay", self.changes), {}, self.facts.put)
        self.act.start()

    def grant(self, id_: str, *, people: int = 1, within_ms: int = 5000) -> None:
        self.act.grant(Grant(id_, monotonic_ns() + within_ms * MS, people))

    def show(self) -> None:
        self.act.show(Signal.NO)

    def person(self) -> None:
        self.act.person_passed()

    def await_pulse(self) -> None:
        while not self.changes.get(timeout=WAIT_S)[1]:
            pass

    def await_fact(self) -> tuple[Any, ...]:
        return plain(self.facts.get(timeout=WAIT_S))


class Simulated:
    def __init__(self, lane: Lane) -> None:
        self.now_ns = 10 * NS
        self.act = SimulatedAct(Turnstile(lane), lambda: self.now_ns)
        self.pulses = 0

    def grant(self, id_: str, *, people: int = 1, within_ms: int = 5000) -> None:
        self.act.grant(Grant(id_, self.now_ns + within_ms * MS, people))
        self.act.turn()

    def show(self) -> None:
        self.act.show(Signal.NO)
        self.act.turn()

    def person(self) -> None:
        self.act.person_passed()

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


def one_passes(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a")
    lane.await_pulse()
    lane.show()
    lane.person()
    return [lane.await_fact()]


def nobody_passes(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a")
    return [lane.await_fact()]


def somebody_without_a_grant(lane: Driven) -> list[tuple[Any, ...]]:
    lane.person()
    return [lane.await_fact()]


def a_grant_that_came_too_late(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", within_ms=-1)
    return [lane.await_fact()]


def the_second_waits(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a")
    lane.await_pulse()
    lane.grant("b")
    lane.person()
    first = lane.await_fact()
    lane.await_pulse()
    lane.person()
    return [first, lane.await_fact()]


def a_party_of_three(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", people=3)
    for _ in range(3):
        lane.await_pulse()
        lane.person()
    return [lane.await_fact()]


def two_of_a_party_of_three(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", people=3)
    for _ in range(2):
        lane.await_pulse()
        lane.person()
    return [lane.await_fact()]


def a_party_without_a_sensor(lane: Driven) -> list[tuple[Any, ...]]:
    lane.grant("a", people=2)
    lane.await_pulse()
    lane.await_pulse()
    return [lane.await_fact()]


@contextmanager
def real(lane: Lane) -> Any:
    driven = Real(lane)
    yield driven
    driven.act.stop()


@pytest.mark.parametrize(
    ("tale", "lane", "told"),
    [
        (one_passes, WITH_SENSOR, [("a", PassageOutcome.TURNED, 1, False)]),
        (nobody_passes, WITH_SENSOR, [("a", PassageOutcome.UNUSED, 0, False)]),
        (nobody_passes, WITHOUT, [("a", PassageOutcome.ASSUMED, 1, False)]),
        (somebody_without_a_grant, WITH_SENSOR, [("ReportForced",)]),
        (a_grant_that_came_too_late, WITH_SENSOR, [("a", PassageOutcome.TOO_LATE, 0, True)]),
        (the_second_waits, WITH_SENSOR, [("a", PassageOutcome.TURNED, 1, False), ("b", PassageOutcome.TURNED, 1, False)]),
        (a_party_of_three, WITH_SENSOR, [("a", PassageOutcome.TURNED, 3, False)]),
        (two_of_a_party_of_three, WITH_SENSOR, [("a", PassageOutcome.TURNED, 2, False)]),
        (a_party_without_a_sensor, WITHOUT, [("a", PassageOutcome.ASSUMED, 2, False)]),
    ],
    ids=lambda each: each.__name__ if callable(each) else None,
)
def test_both_lanes_tell_the_same(tale: Callable[[Driven], list[tuple[Any, ...]]], lane: Lane, told: list[tuple[Any, ...]]) -> None:
    with real(lane) as acting:
        assert [tale(acting), tale(Simulated(lane))] == [told, told]
