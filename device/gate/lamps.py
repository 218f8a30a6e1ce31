"""Lamps and buzzer play one signal at a time: answers to people, and in between how the gate itself is.

An answer is played to its end unless the next one comes. Then what stands is shown again, without its tones: a gate that is out
of order does not howl after each person. While the lane is free nothing is answered: whoever is to get out must see nothing else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from device.domain import Reason
from device.gate.outputs import Switch
from device.turnstile.signals import ROUNDS, STANDING, STEPS, Indicator, Signal, Step

NS_PER_MS = 1_000_000

Companion = Callable[[Signal, Reason | None, int | None], None]
"""A display or a voice, told the same as lamps and buzzer: the signal, why, and the short number of the event. It never waits."""


class Lamps:
    """Raises HardwareError where a lamp does not switch."""

    def __init__(self, switches: Mapping[Indicator, Switch], companions: tuple[Companion, ...] = ()) -> None:
        self.switches = switches
        self._companions = companions
        self._steps: deque[Step] = deque()
        self._began_ns = 0
        self._shown = Signal.DARK
        self._answering = False
        self._in_rounds = False
        self._again = False
        self._standing = Signal.DARK
        self._heard = Signal.DARK  # the last standing signal whose tones were played
        self._remembered = Signal.DARK  # what companions come back to by themselves: the last they were told that can stand, be it as an answer

    def answer(self, signal: Signal, now_ns: int, *, reason: Reason | None = None, number: int | None = None) -> None:
        """Tell a person. A signal that stands by itself may be an answer too, for as long as its own steps last."""
        if self._standing is not Signal.WAY_IS_FREE:
            self._again = False
            self._begin(signal, now_ns, answering=True, reason=reason, number=number)

    def hint(self, signal: Signal, now_ns: int) -> None:
        """What is worth less than any answer: shown if nobody is answered just now. Dropped otherwise, since a hint is repeated."""
        if not self._answering and self._standing in {Signal.DARK, Signal.DEGRADED}:
            self.answer(signal, now_ns)

    def try_again(self, now_ns: int) -> None:
        """Tell whoever comes to stand at the lane to show his code once more, when the green of the one who passes is over."""
        if self._answering:
            self._again = True
        else:
            self.answer(Signal.AGAIN, now_ns)

    def stand(self, signal: Signal, now_ns: int) -> None:
        """From now on this is how the gate is. Only that the lane is free cuts an answer short."""
        if signal not in STANDING:
            raise ValueError(signal)
        if signal is self._standing:
            return
        self._standing = signal
        if not self._answering or signal is Signal.WAY_IS_FREE:
            self._again = False
            self._begin(signal, now_ns, answering=False)

    def play(self, now_ns: int) -> None:
        """Do the steps that are due."""
        while True:
            while self._steps and self._at_ns(self._steps[0]) <= now_ns:
                self._switch(self._steps.popleft())
            if self._steps:
                return
            if self._answering and self._again:
                self.answer(Signal.AGAIN, now_ns)
            elif self._answering:
                self._begin(self._standing, now_ns, answering=False)
            elif not self._next_round(now_ns):
                return

    def next_ns(self) -> int | None:
        """When ``play`` has something to do by time alone."""
        return self._at_ns(self._steps[0]) if self._steps else None

    def _begin(self, signal: Signal, now_ns: int, *, answering: bool, reason: Reason | None = None, number: int | None = None) -> None:
        for switch in self.switches.values():
            switch.off()
        self._shown, self._began_ns, self._answering, self._in_rounds = signal, now_ns, answering, False
        silent = not answering and signal is self._heard
        self._steps = deque(step for step in STEPS[signal] if not (silent and step.indicator is Indicator.BUZZER))
        if not answering:
            self._heard = signal
        if answering or signal is not self._remembered:
            for companion in self._companions:
                companion(signal, reason, number)
        if signal in STANDING:
            self._remembered = signal
        self.play(now_ns)

    def _next_round(self, now_ns: int) -> bool:
        """A signal may go on in rounds after its own steps; false where it does not."""
        if self._shown not in ROUNDS:
            return False
        period_ms, steps = ROUNDS[self._shown]
        own_ms = max((step.at_ms for step in STEPS[self._shown]), default=0)
        self._began_ns += (period_ms if self._in_rounds else own_ms) * NS_PER_MS
        self._began_ns = max(self._began_ns, now_ns - period_ms * NS_PER_MS)  # a machine that stood still does not make up for rounds
        self._in_rounds, self._steps = True, deque(steps)
        return True

    def _at_ns(self, step: Step) -> int:
        return self._began_ns + step.at_ms * NS_PER_MS

    def _switch(self, step: Step) -> None:
        if (switch := self.switches.get(step.indicator)) is None:
            return  # not fitted
        if step.on:
            switch.on()
        else:
            switch.off()
