"""The acting thread without a thread: the same turnstile, driven by simulated time.

What it is told waits in an inbox as in ``device.gate.act.Act``, so a process that dies between commit and opening leaves
it unread. ``test_lane.py`` shows that it tells the same facts as the real one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from device.domain import Crossing, Direction, Grant, Passage, Reason
from device.gate.act import LaneState
from device.turnstile.actions import Action, Alarm, Mishap, Report, ReportCrossing, Show, ShowTryAgain, SwitchRelay
from device.turnstile.contacts import Change
from device.turnstile.freedom import Cause
from device.turnstile.lane import Relay, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.signals import Signal

Fact = Passage | Crossing | Alarm
WALK = {Direction.ENTRY: (Sensor.OUTER_BEAM, Sensor.INNER_BEAM), Direction.EXIT: (Sensor.INNER_BEAM, Sensor.OUTER_BEAM)}


@dataclass
class Seen:
    """What somebody who stands at the lane sees, and what the drive of the lane feels."""

    signals: list[Signal] = field(default_factory=list)
    standing: list[Signal] = field(default_factory=list)  # of what is not the lane
    pulses: list[tuple[int, int | None]] = field(default_factory=list)  # on and off, in nanoseconds since boot
    pulses_for: list[str] = field(default_factory=list)  # the id of the grant of each; "" for the button
    opened_for: list[str] = field(default_factory=list)  # ids of grants


class SimulatedAct:
    def __init__(self, turnstile: Turnstile, ticks: Callable[[], int], mark_free: Callable[[Cause | None], None] = lambda _cause: None) -> None:
        self._turnstile = turnstile
        self._ticks = ticks
        self._mark_free = mark_free
        self._inbox: deque[Grant | Signal] = deque()
        self.facts: deque[Fact] = deque()
        self.seen = Seen()
        self.stands_free = False

    # --- as Act ------------------------------------------------------------------------------------------------

    @property
    def lane(self) -> LaneState:
        lane = self._turnstile
        return LaneState(lane.free_by, lane.is_latched, lane.serves_entry, lane.is_occupied, lane.service)

    def grant(self, grant: Grant) -> None:
        self._inbox.append(grant)

    def show(self, signal: Signal, *, reason: Reason | None = None, number: int | None = None) -> None:  # noqa: ARG002 - for displays
        self._inbox.append(signal)

    def stand(self, signal: Signal) -> None:
        self.seen.standing.append(signal)

    def order(self, service: Service) -> None:
        self._do(self._turnstile.order(service, self._ticks()))

    # --- what happens in the lane ------------------------------------------------------------------------------

    def sense(self, sensor: Sensor, *, on: bool) -> None:
        self._do(self._turnstile.sense(Change(sensor, on, self._ticks()), self._ticks()))

    def person_passed(self, direction: Direction | None = None) -> None:
        """Whoever is let through goes; where the lane is closed, in if nothing else is said."""
        lane_open = self._turnstile._open
        way = direction or (lane_open.direction if lane_open else Direction.ENTRY)
        sensors = self._turnstile.lane.sensors
        if Sensor.OUTER_BEAM in sensors:
            first, second = WALK[way]
            for sensor, on in ((first, True), (second, True), (first, False), (second, False)):
                self.sense(sensor, on=on)
        else:
            contact = Sensor.PASSED_OUT if way is Direction.EXIT and Sensor.PASSED_OUT in sensors else Sensor.PASSED
            for on in (True, False):
                self.sense(contact, on=on)

    def relays_are_lost(self) -> None:
        self._do(self._turnstile.relay_lost(self._ticks()))

    def relays_are_back(self) -> None:
        self._do(self._turnstile.relay_back(self._ticks()))

    # --- simulated time ----------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Do what was told, and what time has brought about."""
        while self._inbox:
            told = self._inbox.popleft()
            if isinstance(told, Signal):
                self.seen.signals.append(told)
            else:
                self._do(self._turnstile.grant(told, self._ticks()))
        self._do(self._turnstile.tick(self._ticks()))

    def next_ns(self) -> int | None:
        return self._turnstile.next_ns()

    @property
    def is_on(self) -> bool:
        return bool(self.seen.pulses) and self.seen.pulses[-1][1] is None

    def let_go(self) -> None:
        """``failsafe``: the process has died, and the relay is released by another."""
        if self.is_on:
            self._pulse(Relay.ENTRY, on=False)

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SwitchRelay(Relay.FREE, on):
                    self.stands_free = on
                case SwitchRelay(relay, on):
                    self._pulse(relay, on=on)
                case Show(signal):
                    self._show(signal)
                case ShowTryAgain():
                    self.seen.signals.append(Signal.AGAIN)
                case Report(passage):
                    self.facts.append(passage)
                case ReportCrossing(crossing):
                    self.facts.append(crossing)
                case Alarm():
                    self._tell(action)

    def _show(self, signal: Signal) -> None:
        self.seen.signals.append(signal)
        if signal is Signal.GO and (id_ := self._open_id()):
            self.seen.opened_for.append(id_)

    def _tell(self, alarm: Alarm) -> None:
        if alarm.what is Mishap.FREE:
            self._mark_free(self._turnstile.free_by)
        self.facts.append(alarm)

    def _pulse(self, relay: Relay, *, on: bool) -> None:
        if on:
            self.seen.pulses.append((self._ticks(), None))
            self.seen.pulses_for.append(self._open_id())
            self._turnstile.relay_closed(relay, self._ticks())
        else:
            self.seen.pulses[-1] = (self.seen.pulses[-1][0], self._ticks())

    def _open_id(self) -> str:
        lane_open = self._turnstile._open
        assert lane_open is not None
        return lane_open.grant.id if lane_open.grant else ""
