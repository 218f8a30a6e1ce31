"""The acting thread without a thread: the same turnstile, driven by simulated time.

What it is told waits in an inbox as in ``device.gate.act.Act``, so a process that dies between commit and opening leaves
it unread. ``test_lane.py`` shows that it tells the same facts as the real one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from device.domain import Grant, Passage
from device.turnstile.machine import Action, Report, ReportForced, ShowGo, ShowTryAgain, SwitchRelay, Turnstile
from device.turnstile.signals import Signal

Fact = Passage | ReportForced


@dataclass
class Seen:
    """What somebody who stands at the lane sees, and what the drive of the lane feels."""

    signals: list[Signal] = field(default_factory=list)
    pulses: list[tuple[int, int | None]] = field(default_factory=list)  # on and off, in nanoseconds since boot
    pulses_for: list[str] = field(default_factory=list)  # the id of the grant of each
    opened_for: list[str] = field(default_factory=list)  # ids of grants


class SimulatedAct:
    def __init__(self, turnstile: Turnstile, ticks: Callable[[], int]) -> None:
        self._turnstile = turnstile
        self._ticks = ticks
        self._inbox: deque[Grant | Signal] = deque()
        self.facts: deque[Fact] = deque()
        self.seen = Seen()

    # --- as Act ------------------------------------------------------------------------------------------------

    def grant(self, grant: Grant) -> None:
        self._inbox.append(grant)

    def show(self, signal: Signal) -> None:
        self._inbox.append(signal)

    def person_passed(self) -> None:
        self._do(self._turnstile.person_passed(self._ticks(), self._ticks()))

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
            self._switch(on=False)

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SwitchRelay(on):
                    self._switch(on=on)
                case ShowGo():
                    self.seen.signals.append(Signal.GO)
                    self.seen.opened_for.append(self._open_id())
                case ShowTryAgain():
                    self.seen.signals.append(Signal.AGAIN)
                case Report(passage):
                    self.facts.append(passage)
                case ReportForced():
                    self.facts.append(action)

    def _switch(self, *, on: bool) -> None:
        if on:
            self.seen.pulses.append((self._ticks(), None))
            self.seen.pulses_for.append(self._open_id())
            self._turnstile.relay_closed(self._ticks())
        else:
            self.seen.pulses[-1] = (self.seen.pulses[-1][0], self._ticks())

    def _open_id(self) -> str:
        assert self._turnstile._open is not None
        return self._turnstile._open.grant.id
