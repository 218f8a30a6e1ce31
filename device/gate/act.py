"""The acting thread: pins, turnstile, lamps, timers. It has one duty and waits for nothing but its next moment.

No disk and no lock that others hold: a stalled disk never delays the end of a pulse. What it is told comes through one
inbox; what it has to tell (a passage, a forced turn, a broken output) goes back as facts to be recorded.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from device.clock import monotonic_ns
from device.domain import Grant, Passage
from device.errors import HardwareError
from device.gate.outputs import Switch
from device.turnstile.machine import Action, Report, ReportForced, ShowGo, ShowTryAgain, SwitchRelay, Turnstile
from device.turnstile.signals import STEPS, Indicator, Signal, Step

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
IDLE_S = 0.5
"""The thread looks about itself at least this often, so that its heart can be felt."""


@dataclass(frozen=True, slots=True)
class PersonPassed:
    """The passage sensor closed at ``at_ns``."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class Hint:
    """A signal that is worth less than any other: it is shown if the lamps tell nothing else just now."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Standing:
    """A signal about the gate itself: nobody's answer is cut short for it."""

    signal: Signal


@dataclass(frozen=True, slots=True)
class Broken:
    """An output does not obey; the process must end so that ``failsafe`` lets go of everything."""

    error: HardwareError


Fact = Passage | ReportForced | Broken
_Told = Grant | Signal | Hint | Standing | PersonPassed | None


class Act:
    def __init__(self, turnstile: Turnstile, relay: Switch, indicators: Mapping[Indicator, Switch], tell: Callable[[Fact], None]) -> None:
        self._turnstile = turnstile
        self._relay = relay
        self._indicators = indicators
        self._tell = tell
        self._inbox: queue.SimpleQueue[_Told] = queue.SimpleQueue()
        self._song: list[Step] = []
        self._song_began_ns = 0
        self._again = False
        self._standing: Signal | None = None
        self._thread = threading.Thread(target=self._run, name="act", daemon=True)
        self.beat_ns = monotonic_ns()

    # --- for other threads -------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread.start()

    def grant(self, grant: Grant) -> None:
        self._inbox.put(grant)

    def show(self, signal: Signal) -> None:
        self._inbox.put(signal)

    def hint(self, signal: Signal) -> None:
        """Show ``signal``, but not over the song of another one: dropped then, since a hint is repeated."""
        self._inbox.put(Hint(signal))

    def stand(self, signal: Signal) -> None:
        """Show ``signal`` as soon as no other one plays: a camera that fails while somebody passes does not take away the green."""
        self._inbox.put(Standing(signal))

    def person_passed(self) -> None:
        self._inbox.put(PersonPassed(monotonic_ns()))

    def stop(self) -> None:
        """Let go of relay and lamps and end; bounded, because nothing in the loop waits longer."""
        self._inbox.put(None)
        self._thread.join(timeout=2.0)

    # --- the thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._turn():
                self.beat_ns = monotonic_ns()
        except HardwareError as error:
            self._tell(Broken(error))
        finally:
            self._let_go()

    def _turn(self) -> bool:
        """Wait for the next moment or message and do what it asks; false when told to stop."""
        try:
            told = self._inbox.get(timeout=self._wait_s())
        except queue.Empty:
            self._do(self._turnstile.tick(monotonic_ns()))
        else:
            match told:
                case Grant():
                    self._do(self._turnstile.grant(told, monotonic_ns()))
                case Signal():
                    self._begin(told)
                case Hint(signal):
                    if not self._song:
                        self._begin(signal)
                case Standing(signal):
                    self._standing = signal
                case PersonPassed(at_ns):
                    self._do(self._turnstile.person_passed(at_ns, monotonic_ns()))
                case None:
                    return False
            self._do(self._turnstile.tick(monotonic_ns()))
        self._play(monotonic_ns())
        return True

    def _wait_s(self) -> float:
        moments = [moment for moment in (self._turnstile.next_ns(), self._next_step_ns()) if moment is not None]
        wait_s = (min(moments) - monotonic_ns()) / NS_PER_S if moments else IDLE_S
        return min(max(wait_s, 0.0), IDLE_S)

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SwitchRelay(on=True):
                    self._relay.on()
                    self._turnstile.relay_closed(monotonic_ns())
                case SwitchRelay(on=False):
                    self._relay.off()
                case ShowGo():
                    self._begin(Signal.GO)
                case ShowTryAgain():
                    self._again = True
                case Report(passage):
                    self._tell(passage)
                case ReportForced():
                    self._tell(action)

    def _let_go(self) -> None:
        """Everything off, each by itself: one that is broken must not keep another on."""
        for switch in (self._relay, *self._indicators.values()):
            try:
                switch.off()
            except HardwareError as error:
                self._tell(Broken(error))

    # --- lamps and buzzer --------------------------------------------------------------------------------------

    def _begin(self, signal: Signal) -> None:
        for switch in self._indicators.values():
            switch.off()
        self._again = False
        self._song = list(STEPS[signal])
        self._song_began_ns = monotonic_ns()
        self._play(self._song_began_ns)

    def _play(self, now_ns: int) -> None:
        while self._song and self._song_began_ns + self._song[0].at_ms * NS_PER_MS <= now_ns:
            step = self._song.pop(0)
            if switch := self._indicators.get(step.indicator):
                if step.on:
                    switch.on()
                else:
                    switch.off()
        if self._song:
            return  # nothing over the green of somebody who is still passing
        if self._again:
            self._begin(Signal.AGAIN)
        elif self._standing:
            signal, self._standing = self._standing, None
            self._begin(signal)

    def _next_step_ns(self) -> int | None:
        return self._song_began_ns + self._song[0].at_ms * NS_PER_MS if self._song else None
