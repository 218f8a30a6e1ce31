"""The clocks: durations on the monotonic clock, dates as ``Instant`` with the right to believe them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device.domain import ClockTrust, Instant
from device.settings import ClockSource

NS = 1_000_000_000

RTC = Path("/sys/class/rtc/rtc0/since_epoch")
RTC_TOLERANCE_S = 5.0
"""A battery clock and the system clock that was set from it differ by less; more means that one of them is wrong."""


def monotonic_ns() -> int:
    """Nanoseconds of CLOCK_MONOTONIC: the same in every process of one boot, and never set back."""
    return time.monotonic_ns()


def boot_id() -> str:
    """The kernel's name for this boot: monotonic times are comparable only within one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class WallClock:
    """Wall time with trust, by what the settings say vouches for it."""

    def __init__(self, source: ClockSource, *, rtc: Path = RTC) -> None:
        self._source = source
        self._rtc = rtc
        self._floor = datetime.fromtimestamp(0, UTC)

    def raise_floor(self, moment: datetime) -> None:
        """``moment`` has certainly passed: a clock that shows an earlier one is wrong."""
        self._floor = max(self._floor, moment)

    def now(self) -> Instant:
        utc = datetime.now(UTC)
        trusted = utc >= self._floor - timedelta(seconds=RTC_TOLERANCE_S) and self._vouched(utc)
        return Instant(utc, ClockTrust.TRUSTED if trusted else ClockTrust.UNTRUSTED)

    def _vouched(self, utc: datetime) -> bool:
        match self._source:
            case ClockSource.SYSTEM:
                return True
            case ClockSource.RTC:
                try:
                    return abs(utc.timestamp() - int(self._rtc.read_text(encoding="ascii"))) <= RTC_TOLERANCE_S
                except (OSError, ValueError):
                    return False
            case ClockSource.NONE:
                return False
