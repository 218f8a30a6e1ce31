"""The host's half of scanner.sh: boots the machine, plays the scan module behind its USB adaptor, and moves the plug.

``python3 -m tests.lab.scanner ROOT``, with nothing but the standard library. The guest's half (``scanner_guest.py``) does the
checks.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path

from tests.device.reader.scanners.played import FACTORY, PlayedGm65
from tests.lab.machine import Answer, Machine, run

LIMIT_S = 600  # for the boot and all checks, which take about 40 s, and much longer on a busy machine
SPLIT = 3  # bytes a write: nothing arrives whole
SEES_EVERY_S = 0.3


class Module:
    """The far end of the adaptor: hears, answers, and sees what is held before it."""

    def __init__(self, line: socket.socket) -> None:
        self.played = PlayedGm65()
        self.held: bytes | None = None
        self.raw = b""  # all that came over USB since somebody asked
        self.in_hand = threading.Lock()
        self._line = line
        self._line.settimeout(0.02)
        threading.Thread(target=self._play, daemon=True).start()

    def _play(self) -> None:
        saw_s = 0.0
        while True:
            try:
                data = self._line.recv(256)
            except TimeoutError:
                data = b""
            else:
                if not data:
                    return
            with self.in_hand:
                self.raw += data
                self._say(self.played.hears(data))
                if self.held is not None and time.monotonic() - saw_s >= SEES_EVERY_S and (seen := self.played.sees(self.held)):
                    saw_s = time.monotonic()
                    self._say(seen)

    def _say(self, data: bytes) -> None:
        for begin in range(0, len(data), SPLIT):
            self._line.sendall(data[begin : begin + SPLIT])


class Bench:
    """What the guest may ask for."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._module = Module(machine.wire)

    def answers(self) -> dict[str, Answer]:
        return {
            "hold": self._hold,
            "raw": self._raw,
            "zones": self._zones,
            "replace": self._replace,
            "unplug": self._machine.unplug,
            "plug": self._machine.plug,
        }

    def _hold(self, payload: str = "") -> None:
        """Hold up a payload, in hexadecimal digits, or nothing any more."""
        with self._module.in_hand:
            self._module.held = bytes.fromhex(payload) or None

    def _raw(self) -> str:
        with self._module.in_hand:
            raw, self._module.raw = self._module.raw, b""
        return raw.hex()

    def _zones(self) -> list[object]:
        with self._module.in_hand:
            return [dict(self._module.played.zones), dict(self._module.played.flash), self._module.played.saves]

    def _replace(self, *stubborn: str) -> None:
        """Another module is wired to the adaptor, as it comes; ``stubborn`` are zones that take no value."""
        with self._module.in_hand:
            self._module.played = PlayedGm65(dict(FACTORY), stubborn=frozenset(int(zone, 16) for zone in stubborn))
            self._module.raw = b""


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), "tests.lab.scanner_guest", lambda machine: Bench(machine).answers(), limit_s=LIMIT_S))
