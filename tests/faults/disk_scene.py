"""A whole gate on a disk of its own, the people who come to it, and both ends of its links."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from device.clock import NS, monotonic_ns
from device.degraded import CONDUCT, Trouble
from device.domain import Direction, EventType, Track
from device.turnstile.lane import Sensor
from tests.device.gate.desk import Desk
from tests.faults.disk_faults import Fault
from tests.faults.disk_image import Image
from tests.gates import Gate, show, wait_health
from tests.played_pins import PlayedPins

RELAY, GREEN, RED = 17, 22, 23
LANE = {
    "lane.profile": '"flap"',
    "relay.pin": str(RELAY),
    "relay.pulse_s": "0.1",
    "passage.pin": "27",
    "passage.exit_pin": "24",
    "passage.wait_s": "3",
    "inputs.exit_button_pin": "26",
    "lamps.green_pin": str(GREEN),
    "lamps.red_pin": str(RED),
    "lamps.amber_pin": "25",
}
"""Its one relay lets people through either way."""

PASSES_S = 0.2
HELD_UP_S = 0.25
"""After the fault one code after the other is held up for so long."""
OPENS_WITHIN_S, GIVE_UP_S = 4.0, 20.0
"""A busy machine is slow; a disk that stalls does so for longer."""


class Scene:
    """A gate that runs on ``disk``. When it has stopped, ``given`` are the bytes of the events that its uplink has seen, by sequence, and ``opened``
    the moments when the lane was opened to somebody with a code, as far as that had to be recorded.
    """

    def __init__(self, folder: Path, disk: Image, fault: Fault, way: Direction) -> None:
        self._disk = disk
        self._fault = fault
        self._way = way
        self._people = 0
        self.opened: list[int] = []
        self.store = disk.mounted / "state" / "events.db"
        self._sensor = Sensor.PASSED_OUT if way is Direction.EXIT else Sensor.PASSED
        self._gate = Gate(folder / "gate", LANE | {"site.direction": f'"{way}"', "paths.state": f'"{self.store.parent}"'})
        self._shown = self._gate.track(b"")
        self.played = PlayedPins(self._gate)
        self.given: dict[int, bytes] = {}
        self.by_button: list[int] = []

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        with _environment(self._fault.environment):
            self.played.start()
        self._reader = self._gate.connect("reader")
        self.desk = Desk(self._gate)

    def stop(self) -> str:
        """What the gate wrote to stderr; nothing where it was stopped before."""
        if self._gate.process is None:
            return ""
        self.given |= {event.sequence: event.body for event in self.desk.stored}
        self._reader.close()
        self.desk.close()
        words = self.played.stop()
        self.opened += self._openings()
        self._gate.process = None
        return words

    def end_fault(self) -> int:
        """When it was over, in monotonic nanoseconds."""
        if not self._fault.outlives_the_process:
            self._fault.end(self._disk)
            return monotonic_ns()
        self.stop()
        if self._way is Direction.EXIT:
            self.opened.pop()  # whoever was let out while nothing could be recorded is forgotten with the process that knew
        self._fault.end(self._disk)
        ended_ns = monotonic_ns()
        self._start()
        return ended_ns

    # --- people ------------------------------------------------------------------------------------------------

    def show(self) -> Track:
        """Somebody holds up a pass of his own."""
        self._people += 1
        self._shown = self._gate.track(self._gate.issuer.issue(self._people))
        show(self._reader, self._shown)
        return self._shown

    def leave(self) -> None:
        show(self._reader)

    def go_through(self, sensor: Sensor | None = None) -> None:
        self.played.move(sensor or self._sensor, closed=True)
        time.sleep(PASSES_S)  # shorter, it is a contact's bounce
        self.played.move(sensor or self._sensor, closed=False)
        self.leave()

    # --- what is seen ------------------------------------------------------------------------------------------

    def switched_on(self, pin: int, since_ns: int) -> list[int]:
        return [edge.at_ns for edge in self.played.edges(pin) if edge.high and edge.at_ns >= since_ns]

    def switches_on(self, pin: int, since_ns: int, *, within_s: float = OPENS_WITHIN_S) -> bool:
        give_up_s = time.monotonic() + within_s
        while not self.switched_on(pin, since_ns):
            if time.monotonic() > give_up_s:
                return False
            time.sleep(0.01)  # what does not happen cannot be awaited
        return True

    def is_told(self, trouble: Trouble) -> bool:
        """Nothing is asked of the desk before: it passes over what is said of health."""
        give_up_s = time.monotonic() + GIVE_UP_S
        while time.monotonic() < give_up_s:
            told = wait_health(self.desk.link)
            if trouble in {each["trouble"] for each in told["troubles"]}:
                return bool(told["health"] == CONDUCT[trouble].health)
        return False

    def recovered_ns(self, ended_ns: int) -> int:
        """When somebody was let in; at an exit, where that goes on all the time, when the one who was let out in the fault is recorded."""
        if self._way is Direction.EXIT and not self._fault.outlives_the_process:
            self._await_event(EventType.DECISION, {"presentation": self._shown.id})
            return monotonic_ns()
        while not self.switches_on(RELAY, ended_ns, within_s=HELD_UP_S):
            assert monotonic_ns() - ended_ns < GIVE_UP_S * NS, "nobody is let through any more"
            self.leave()
            self.show()
        self.go_through()
        self._await_event(EventType.DECISION, {"admit": True, "presentation": self._shown.id})
        return self.switched_on(RELAY, ended_ns)[0]

    def _await_event(self, kind: EventType, facts: dict[str, Any]) -> None:
        found = self.desk.data(kind, 0)
        while not any(facts.items() <= data.items() for data in found):
            found = self.desk.data(kind, len(found) + 1)

    def _openings(self) -> list[int]:
        """When the lane was opened to somebody with a code, in this life of the gate."""
        switched_on = self.switched_on(RELAY, 1)
        for pressed_ns in self.by_button:
            switched_on.remove(next(on_ns for on_ns in switched_on if on_ns >= pressed_ns))
        self.by_button.clear()
        return switched_on


@contextmanager
def _environment(more: Mapping[str, str]) -> Iterator[None]:
    """What is started within has ``more`` in its environment."""
    before = {name: os.environ.get(name) for name in more}
    os.environ.update(more)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
