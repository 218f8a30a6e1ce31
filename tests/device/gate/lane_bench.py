"""The acting thread on the bench: switches and contacts that tell what is done to them, and break or hang when a test says so."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from device.clock import NS, monotonic_ns
from device.domain import Grant
from device.errors import HardwareError
from device.gate.act import Act, Fact
from device.gate.lamps import Companion, Lamps
from device.gate.outputs import Lost, Switch
from device.turnstile.freedom import Cause
from device.turnstile.lane import CLOSED_AT_REST, Lane, LaneKind, Relay, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.signals import Indicator

PULSE_NS = NS // 10
LATE_NS = NS  # what a busy machine may take, seen: 0.16 s; how exact a pulse is, the lab measures
WAIT_S = 5.0

LANE = Lane(kind=LaneKind.TRIPOD, pulse_ns=PULSE_NS, max_on_ns=5 * PULSE_NS, wait_ns=10 * NS)
"""One relay, no sensor."""

Change = tuple[str, bool, int]
"""Which switch, whether it is on now, and since when."""


def grant(id_: str = "one", *, within_ns: int = NS) -> Grant:
    return Grant(id_, monotonic_ns() + within_ns)


@dataclass
class BenchSwitch:
    """A switch that tells each change; it breaks, is lost or hangs when it is told to."""

    name: str
    told: queue.Queue[Change] = field(default_factory=queue.Queue)
    broken: set[bool] = field(default_factory=set)
    lost: bool = False
    may_go_on: threading.Event = field(default_factory=threading.Event)
    """Not set: whoever switches it on hangs, after it is on."""
    is_on: bool = False

    def __post_init__(self) -> None:
        self.may_go_on.set()

    def on(self) -> None:
        self._switch(on=True)
        assert self.may_go_on.wait(10 * WAIT_S)

    def off(self) -> None:
        self._switch(on=False)

    def _switch(self, *, on: bool) -> None:
        if self.lost:
            raise Lost(f"{self.name} is lost")
        if on in self.broken:
            raise HardwareError(f"{self.name} is broken")
        if on is not self.is_on:
            self.is_on = on
            self.told.put((self.name, on, monotonic_ns()))


@dataclass
class BenchContact:
    closed: bool

    def is_closed(self) -> bool:
        return self.closed


class LaneBench:
    """An acting thread for ``lane``, whose sensors are all at rest. It runs between ``start`` and ``stop``, or within ``with``."""

    def __init__(
        self,
        lane: Lane = LANE,
        *,
        turnstile: Turnstile | None = None,
        indicators: frozenset[Indicator] = frozenset(Indicator),
        companions: tuple[Companion, ...] = (),
        watched: Callable[[Mapping[Relay, Switch]], Mapping[Relay, Switch]] = lambda relays: relays,
    ) -> None:
        """``watched`` stands between the acting thread and the relays, as the guard does."""
        self.changes: queue.Queue[Change] = queue.Queue()
        self.facts: queue.Queue[Fact] = queue.Queue()
        self.marks: queue.Queue[Cause | None] = queue.Queue()
        self.turns: queue.SimpleQueue[int] = queue.SimpleQueue()
        """When ``alive`` was called."""
        self.decides = True
        """Whether whoever decides turns."""
        self.service = Service.NORMAL
        """As it was marked last."""
        self._cause: Cause | None = None
        self.relays = {relay: BenchSwitch(relay, self.changes) for relay in lane.relays}
        self.lamps = {indicator: BenchSwitch(indicator, self.changes) for indicator in indicators}
        self.contacts = {sensor: BenchContact(sensor in CLOSED_AT_REST) for sensor in lane.sensors}
        self.act = Act(
            turnstile or Turnstile(lane),
            watched(self.relays),
            Lamps(self.lamps, companions),
            self.facts.put,
            lost=lambda: "unplugged" if any(relay.lost for relay in self.relays.values()) else None,
            mark=self._marked,
            alive=self._turned,
        )

    def _marked(self, cause: Cause | None, service: Service) -> None:
        if cause is not self._cause:
            self._cause = cause
            self.marks.put(cause)
        self.service = service

    def _turned(self) -> bool:
        self.turns.put(monotonic_ns())
        return self.decides

    def start(self) -> Self:
        self.act.start(self.contacts)
        return self

    def stop(self) -> None:
        for switch in (*self.relays.values(), *self.lamps.values()):
            switch.may_go_on.set()
        self.act.stop()
        assert not self.act._thread.is_alive()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def move(self, sensor: Sensor, *, closed: bool, told: bool = True) -> int:
        """Close or open a contact; when. ``told`` false: its edge is lost."""
        self.contacts[sensor].closed, at_ns = closed, monotonic_ns()
        if told:
            self.act.moved(sensor, closed=closed, at_ns=at_ns)
        return at_ns

    def await_change(self, name: str, *, on: bool) -> int:
        """When ``name`` switched; what else happens meanwhile is passed over."""
        gives_up_ns = monotonic_ns() + int(WAIT_S * NS)
        while True:
            change, state, at_ns = self.changes.get(timeout=WAIT_S)
            if (change, state) == (name, on):
                return at_ns
            assert at_ns < gives_up_ns, f"{name} does not switch"

    def changed(self) -> list[tuple[str, bool]]:
        """What has switched since it was last asked."""
        return [self.changes.get()[:2] for _ in range(self.changes.qsize())]

    def fact(self) -> Fact:
        return self.facts.get(timeout=WAIT_S)

    def await_turns(self, number: int = 2) -> None:
        """Until the acting thread has looked about itself so many times more; what it was told before has been taken by then."""
        for _ in range(self.turns.qsize()):
            self.turns.get()
        for _ in range(number):
            self.turns.get(timeout=WAIT_S)

    def lit(self) -> set[str]:
        return {switch.name for switch in (*self.relays.values(), *self.lamps.values()) if switch.is_on}
