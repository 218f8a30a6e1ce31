"""Time that moves only when somebody waits for it: a test tells the hours and never sleeps."""

from __future__ import annotations

from device.clock import NS
from device.reader.sources.pace import Pace


class HandClock:
    def __init__(self, now_ns: int = 1_000 * NS) -> None:
        self.now_ns = now_ns

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS)

    @property
    def pace(self) -> Pace:
        return Pace(self, self.sleep)
