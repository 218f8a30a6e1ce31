"""The clocks: durations on the monotonic clock, dates as ``Instant`` with the right to believe them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from device.domain import ClockTrust, Instant
from device.settings import ClockSource

NS = 1_000_000_000

RTC = Path("/sys/class/rtc/rtc0/since_epoch")
RTC_TOLERANCE_S = 5.0
"""A battery clock and the system clock that was set from it differ by less; more means that one of them is wrong."""
TOLERANCE = timedelta(seconds=RTC_TOLERANCE_S)

SIGNED_WITHIN_NS = 10 * NS
"""Signed time is known no better than the answer took."""

AHEAD_MAX = timedelta(days=1)
"""Signed time that is further ahead of a clock that the settings vouch for is a mistake of whoever signed it. It could not be undone: what
is recorded then is the floor for ever, and the keys of all days before are destroyed. It is counted from that clock itself, not from the
floor: else each restart would allow another day."""
BEHIND_MAX = 2 * AHEAD_MAX
"""A clock that is right is never further behind the floor: signed time has raised it by a day at most, and two crystals need years to drift
apart by the other. A clock that is, has lost days, and signed time is counted from the floor."""
ABSENT_MAX = timedelta(days=366)
"""Where nothing vouches it may be so far ahead of the floor, at each start. A gate that lay in a store for longer is started by a technician."""

NEVER = datetime.fromtimestamp(0, UTC)
"""The floor of a gate that has never known the time: it takes any."""


def monotonic_ns() -> int:
    """Nanoseconds of CLOCK_MONOTONIC: the same in every process of one boot, and never set back."""
    return time.monotonic_ns()


def boot_id() -> str:
    """The kernel's name for this boot: monotonic times are comparable only within one."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class Verdict(StrEnum):
    """What became of a signed time."""

    TAKEN = "taken"
    DIFFERS = "differs"  # taken, and this machine's clock, which something vouched for, shows another time: it is not believed any more
    BEFORE_FLOOR = "before_floor"  # refused: a later moment has certainly passed
    FAR_AHEAD = "far_ahead"  # refused: it is easier believed that the signer's clock is wrong
    TOO_SLOW = "too_slow"  # refused: nobody knows how old it is


@dataclass(frozen=True, slots=True)
class _Signed:
    utc: datetime
    at_ns: int

    def at(self, now_ns: int) -> datetime:
        return self.utc + timedelta(microseconds=(now_ns - self.at_ns) // 1000)


class WallClock:
    """Wall time with trust, by what the settings say vouches for it, or by signed time, which lasts until the machine starts again.

    Where both are there and agree, the machine's own clock is told; where they differ, the signed one. Whatever was told as trusted
    is never followed by an earlier moment that is trusted too: while the clock that was believed had run ahead, nothing is.
    """

    def __init__(
        self,
        source: ClockSource,
        *,
        rtc: Path = RTC,
        system: Callable[[], datetime] = lambda: datetime.now(UTC),
        ticks: Callable[[], int] = monotonic_ns,
    ) -> None:
        """``system`` is this machine's clock, ``ticks`` its monotonic one."""
        self._source = source
        self._rtc = rtc
        self._system = system
        self._ticks = ticks
        self._floor = NEVER
        self._told = NEVER  # the latest moment that was told as trusted
        self._signed: _Signed | None = None
        self._first_signed: _Signed | None = None  # nobody gets far ahead by many steps

    def raise_floor(self, moment: datetime) -> None:
        """``moment`` has certainly passed: a clock that shows an earlier one is wrong."""
        self._floor = max(self._floor, moment)

    def take_signed(self, utc: datetime, *, asked_ns: int, answered_ns: int) -> Verdict:
        """It was ``utc`` at some moment from ``asked_ns`` to ``answered_ns``, as somebody has signed whose word counts."""
        if answered_ns - asked_ns > SIGNED_WITHIN_NS:
            return Verdict.TOO_SLOW
        if utc < self._floor - TOLERANCE:
            return Verdict.BEFORE_FLOOR
        own = self._system()
        if self._is_far_ahead(utc, own):
            return Verdict.FAR_AHEAD
        self._signed = _Signed(utc, (asked_ns + answered_ns) // 2)
        self._first_signed = self._first_signed or self._signed
        return Verdict.DIFFERS if self._is_vouched(own) and not self._agrees(own) else Verdict.TAKEN

    def now(self) -> Instant:
        utc = self._system()
        trusted = self._is_vouched(utc)
        if self._signed is not None:
            if not (trusted and self._agrees(utc)):
                utc, trusted = self._signed.at(self._ticks()), True
            trusted = trusted and utc >= self._told - TOLERANCE
            utc = max(utc, self._told) if trusted else utc
        if trusted:
            self._told = utc
        return Instant(utc, ClockTrust.TRUSTED if trusted else ClockTrust.UNTRUSTED)

    def _is_far_ahead(self, utc: datetime, own: datetime) -> bool:
        if self._source_vouches(own, AHEAD_MAX):  # for the day, if not for the second
            return utc - (own if self._floor - own <= BEHIND_MAX else self._floor) > AHEAD_MAX
        if self._first_signed is not None:
            return utc - self._first_signed.at(self._ticks()) > AHEAD_MAX
        return self._floor > NEVER and utc - self._floor > ABSENT_MAX

    def _agrees(self, utc: datetime) -> bool:
        return self._signed is None or abs(utc - self._signed.at(self._ticks())) <= TOLERANCE

    def _is_vouched(self, utc: datetime) -> bool:
        return utc >= self._floor - TOLERANCE and self._source_vouches(utc, TOLERANCE)

    def _source_vouches(self, utc: datetime, within: timedelta) -> bool:
        """Does what the settings name say that it is ``utc``, give or take ``within``?"""
        match self._source:
            case ClockSource.SYSTEM:
                return True
            case ClockSource.RTC:
                try:
                    return abs(utc.timestamp() - int(self._rtc.read_text(encoding="ascii"))) <= within.total_seconds()
                except (OSError, ValueError):
                    return False
            case ClockSource.NONE:
                return False
