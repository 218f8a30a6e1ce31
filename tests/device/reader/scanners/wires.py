"""A wire without a port: a played module hears what is sent at once, and time moves only when there is nothing to read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from device.errors import ScannerError
from tests.device.reader.clocks import HandClock
from tests.device.reader.scanners.played import PlayedGm65


class Wire:
    """``name``, ``read``, ``write`` and ``close`` as ``Port`` has them. ``late_s``: how long an answer takes."""

    name = "/dev/played"

    def __init__(self, clock: HandClock, hears: Callable[[bytes], bytes]) -> None:
        self._clock = clock
        self._hears = hears
        self.pieces: deque[bytes] = deque()  # what is read next, one after the other
        self.sent: list[bytes] = []
        self.closed = self.gone = False

    def read(self) -> bytes:
        self._only_where_it_is()
        if self.pieces:
            self._clock.sleep(0.01)
            return self.pieces.popleft()
        self._clock.sleep(0.1)
        return b""

    def write(self, data: bytes) -> None:
        self._only_where_it_is()
        self.sent.append(data)
        if said := self._hears(data):
            self.pieces.append(said)

    def close(self) -> None:
        self.closed = True

    def _only_where_it_is(self) -> None:
        if self.gone:
            raise ScannerError("the scan module at /dev/played is gone", hint="is it plugged in?")


def wire_to(clock: HandClock, module: PlayedGm65) -> Wire:
    return Wire(clock, module.hears)
