"""The gate process on mock pins that are played from outside: contacts open and close, and each edge is told.

``python -m tests.played_pins SETTINGS_FOLDER [PIN=LEVEL ...]`` is ``qrgate run gate`` in a process whose pins obey stdin and
tell on stdout. At first every contact is at rest, but for the pins that are named. A level is ``high`` or ``low``.

    pin 17 high 123456789   out: pin 17 is high since so many monotonic nanoseconds, driven by the gate or played; at first all are low
    ready                   out: the contacts are as they are to be at first, and the gate begins
    pin 5 high              in: from now on the wire at pin 5 is high

The process stops in order when stdin ends. ``PlayedPins`` is its other end.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from gpiozero.pins.mock import MockPin

from device import cli
from device.config import load
from device.gate import pins
from device.gate.wiring import contacts_of
from device.settings import Settings
from device.turnstile.lane import CLOSED_AT_REST, Sensor
from tests.gates import Gate

HEADER = range(28)

Tell = Callable[[int, bool, int], None]
"""(pin, high, at_ns)"""


# --- the process -----------------------------------------------------------------------------------------------


class PlayedPin(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A mock pin whose wire somebody holds, so that no pull moves it, and whose level stays when it is given back."""

    def __init__(self, factory: Any, info: Any, tell: Tell = lambda _pin, _high, _at_ns: None) -> None:
        super().__init__(factory, info)
        self._tell = tell
        self._state = False
        self.clear_states()

    def hold(self, *, high: bool) -> None:
        self.drive_high() if high else self.drive_low()

    def _set_pull(self, value: str) -> None:
        self._pull = value

    def _change_state(self, value: bool) -> bool:
        changed: bool = super()._change_state(value)
        if changed:
            self._tell(self._number, bool(value), int(self._last_change * 1e9))
            del self.states[:-1]  # gpiozero's mock keeps every edge for ever; a soak is long
        return changed


def play(settings: Settings, tell: Tell = lambda _pin, _high, _at_ns: None) -> dict[int, PlayedPin]:
    """The header's pins as whoever opens them in this process will find them; each contact of ``settings`` is at rest."""
    factory = pins.factory(settings.pins, settings.board.model)
    wires = {number: factory.pin(number, pin_class=PlayedPin, tell=tell) for number in HEADER}
    for sensor, number in contacts_of(settings).items():
        wires[number].hold(high=sensor not in CLOSED_AT_REST)
    return wires


def main(folder: str, *at_first: str) -> int:
    wires = play(load(Path(folder)), _tell)
    for word in at_first:
        number, _, level = word.partition("=")
        wires[int(number)].hold(high=level == "high")
    os.write(sys.stdout.fileno(), b"ready\n")
    threading.Thread(target=_obey, args=(wires,), daemon=True).start()
    return cli.main(["run", "gate", "--settings", folder])


def _tell(pin: int, high: bool, at_ns: int) -> None:
    with suppress(BrokenPipeError):  # whoever listened is gone; the gate will stop in order
        os.write(sys.stdout.fileno(), f"pin {pin} {'high' if high else 'low'} {at_ns}\n".encode())


def _obey(wires: Mapping[int, PlayedPin]) -> None:
    with io.FileIO(sys.stdin.fileno(), closefd=False) as orders:  # without a buffer, whose lock would hold up the end of the process
        for order in orders:
            _, number, level = order.split()
            wires[int(number)].hold(high=level == b"high")
    os.kill(os.getpid(), signal.SIGTERM)


# --- its other end ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edge:
    pin: int
    high: bool
    at_ns: int


class PlayedPins:
    """The process of ``gate`` (``gate.process``) and its pins: ``with PlayedPins(gate).start() as played``."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._pin_of = contacts_of(load(gate.folder))
        self._edges: list[Edge] = []
        self._told = threading.Condition()
        self._is_ready = False
        self._ear: threading.Thread | None = None

    def start(self, at_first: Mapping[Sensor, bool] | None = None, *, stderr: int | IO[str] = subprocess.PIPE) -> Self:
        """Begin; the gate itself begins right after. ``at_first``: the contacts that are not at rest, and whether each is closed.

        A run of hours gives ``stderr`` a file: a pipe fills.
        """
        words = [f"{self._pin_of[sensor]}={_level(high=not closed)}" for sensor, closed in (at_first or {}).items()]
        command = [sys.executable, "-m", "tests.played_pins", str(self.gate.folder), *words]
        told, tell = os.pipe()
        root = Path(__file__).parents[1]
        self.gate.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=tell, stderr=stderr, text=True, bufsize=1, cwd=root)
        os.close(tell)
        self._edges.clear()
        self._is_ready = False
        self._ear = threading.Thread(target=self._listen, args=(told,), daemon=True)
        self._ear.start()
        with self._told:
            assert self._told.wait_for(lambda: self._is_ready, 30), "the process does not begin"
        return self

    def stop(self) -> str:
        """Stop the process in order, unless it has ended; what it wrote to stderr. Its edges can still be asked for."""
        process = self.gate.process
        assert process is not None
        words = (self.gate.stop() or "") if process.returncode is None else ""  # None where it had a file
        if self._ear is not None:
            self._ear.join()
        return words

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def move(self, contact: Sensor | int, *, closed: bool) -> int:
        """Close or open a contact to ground, by its name or its pin; the moment since when it is so, 0 for always."""
        pin = self._pin_of[contact] if isinstance(contact, Sensor) else contact
        assert self.gate.process is not None
        assert self.gate.process.stdin is not None
        self.gate.process.stdin.write(f"pin {pin} {_level(high=not closed)}\n")
        return self.await_level(pin, high=not closed)

    def await_level(self, pin: int, *, high: bool, after_ns: int = 0, within_s: float = 10) -> int:
        """The moment since when ``pin`` has that level, 0 for always; waits for it. With ``after_ns``: of its first such edge from then on."""

        def since_ns() -> int | None:
            edges = [edge for edge in self._edges if edge.pin == pin]
            if after_ns:
                return next((edge.at_ns for edge in edges if edge.high is high and edge.at_ns >= after_ns), None)
            last = edges[-1] if edges else Edge(pin, high=False, at_ns=0)  # as all are at first
            return last.at_ns if last.high is high else None

        with self._told:
            assert self._told.wait_for(lambda: since_ns() is not None, within_s), f"pin {pin} is not {_level(high=high)}: {self._edges[-20:]}"
            found = since_ns()
        assert found is not None
        return found

    def levels(self) -> dict[int, bool]:
        """Every pin, and whether it is high now."""
        with self._told:
            return dict.fromkeys(HEADER, False) | {edge.pin: edge.high for edge in self._edges}

    def edges(self, pin: int) -> list[Edge]:
        """All edges of ``pin`` since the process was started."""
        with self._told:
            return [edge for edge in self._edges if edge.pin == pin]

    def _listen(self, told: int) -> None:
        with os.fdopen(told, encoding="ascii") as lines:
            for line in lines:
                _, *edge = line.split()
                with self._told:
                    if edge:
                        pin, level, at_ns = edge
                        self._edges.append(Edge(int(pin), level == "high", int(at_ns)))
                    else:
                        self._is_ready = True
                    self._told.notify_all()


def _level(*, high: bool) -> str:
    return "high" if high else "low"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
