"""The gate on the bench: its outputs and contacts, opened as the gate itself opens them, and somebody who looks at them."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from device import failsafe
from device.clock import NS, monotonic_ns
from device.errors import HardwareError
from device.gate import pins
from device.gate.guard import Guard
from device.gate.outputs import Closable, Switch, open_indicators, open_relays
from device.gate.wiring import contacts_of
from device.settings import Settings
from device.turnstile.contacts import Change, Contacts
from device.turnstile.lane import Relay, Sensor
from device.turnstile.signals import Indicator


class Outcome(StrEnum):
    OK = "ok"
    FAILED = "FAILED"
    DONE = "done"  # it was moved, and nobody was asked what came of it
    LEFT_OUT = "left out"  # not fitted here


@dataclass(frozen=True, slots=True)
class Step:
    what: str
    outcome: Outcome
    detail: str = ""


class Bench:
    """Opens what is asked for, once. ``close`` lets go of everything; ``failsafe`` follows."""

    def __init__(self, settings: Settings, *, asks: bool, seconds: float) -> None:
        """``asks``: there is somebody at the keyboard. ``seconds``: how long to wait for whoever moves something."""
        self.settings = settings
        self.seconds = seconds
        self._asks = asks
        self._closing = ExitStack()
        self._relays: Mapping[Relay, Switch] | None = None
        self._indicators: Mapping[Indicator, Closable] | None = None

    def close(self) -> None:
        try:
            self._closing.close()
        except HardwareError as error:
            self.say(str(error))

    def say(self, text: str) -> None:
        """To whoever stands there."""
        sys.stderr.write(f"  {text}\n")
        sys.stderr.flush()

    def ask(self, question: str) -> Outcome:
        """What does whoever looks say? ``DONE`` where nobody is asked."""
        if not self._asks:
            return Outcome.DONE
        answer = input(f"  {question} [Y/n] ")
        return Outcome.FAILED if answer.strip().lower().startswith("n") else Outcome.OK

    @property
    def must_be_free(self) -> bool:
        """Is a fire latched? Then nothing may switch the free relay off."""
        return failsafe.must_be_free(self.settings.paths.state, self.settings.paths.runtime)

    def relays(self) -> Mapping[Relay, Switch]:
        """Off, but for the free relay of a lane that must be free. The guard watches them here too. Raises HardwareError."""
        if self._relays is None:
            opened = open_relays(self.settings, free=self.must_be_free)
            self._closing.callback(opened.close)
            guard = Guard(opened.switches, int(self.settings.relay.max_on_s * NS), broken=_end_at_once, lost=opened.lost)
            guard.start()
            self._closing.callback(guard.stop)
            self._relays = guard.relays
        return self._relays

    def indicators(self) -> Mapping[Indicator, Closable]:
        """After the relays, which end a keeper that may hold the green lamp. Raises HardwareError."""
        self.relays()
        if self._indicators is None:
            self._indicators = open_indicators(self.settings)
            for switch in self._indicators.values():
                self._closing.callback(switch.close)
        return self._indicators

    def watch(self, sensors: frozenset[Sensor], seen: Callable[[Change], bool]) -> None:
        """Tell ``seen`` every change of the ``sensors`` that are fitted, until it says that it has seen enough, or time is over.

        Raises:
            HardwareError: a pin cannot be an input.
        """
        moves: queue.SimpleQueue[tuple[Sensor, bool, int]] = queue.SimpleQueue()
        with ExitStack() as closing:
            wired = {}
            for sensor, number in contacts_of(self.settings).items():
                if sensor in sensors:
                    wired[sensor] = pins.contact(self.settings, number, partial(_move, moves, sensor))
                    closing.callback(wired[sensor].close)
            contacts = Contacts([(sensor, contact.is_closed()) for sensor, contact in wired.items()], monotonic_ns())
            over_s = time.monotonic() + self.seconds
            while (left_s := over_s - time.monotonic()) > 0:
                news = contacts.due(monotonic_ns())
                try:
                    sensor, closed, at_ns = moves.get(timeout=min(left_s, 0.05))
                    news += contacts.moved(sensor, closed=closed, at_ns=at_ns)
                except queue.Empty:
                    pass
                for each in news:
                    if isinstance(each, Change) and seen(each):
                        return


def _move(moves: queue.SimpleQueue[tuple[Sensor, bool, int]], sensor: Sensor, closed: bool, at_ns: int) -> None:  # noqa: FBT001
    moves.put((sensor, closed, at_ns))


def _end_at_once(_error: HardwareError) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
