"""The one true time of a story, and the clocks of its gates, which may be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from device.clock import NS, RTC_TOLERANCE_S
from device.domain import ClockTrust, Instant

UPTIME_NS = 20 * NS
"""A Pi's kernel has run for so long when the gate starts."""


@dataclass
class Sky:
    """``now`` is true, whatever any clock shows; it only goes on."""

    now: datetime

    def later(self, seconds: float) -> datetime:
        return self.now + timedelta(seconds=seconds)

    def ns_since(self, moment: datetime) -> int:
        return (self.now - moment) // timedelta(microseconds=1) * 1000


class WrongClock:
    """A gate's wall clock: beside the truth by ``off``, and ``vouched`` for or not.

    As ``device.clock.WallClock``, which asks the machine: a time before one that has certainly passed is not believed.
    """

    def __init__(self, sky: Sky, *, vouched: bool) -> None:
        self._sky = sky
        self._floor = datetime.fromtimestamp(0, UTC)
        self.off = timedelta()
        self.vouched = vouched

    def raise_floor(self, moment: datetime) -> None:
        self._floor = max(self._floor, moment)

    def now(self) -> Instant:
        utc = self._sky.now.astimezone(UTC) + self.off
        trusted = self.vouched and utc >= self._floor - timedelta(seconds=RTC_TOLERANCE_S)
        return Instant(utc, ClockTrust.TRUSTED if trusted else ClockTrust.UNTRUSTED)


class Uptime:
    """A gate's monotonic clock, which begins again with each boot."""

    def __init__(self, sky: Sky) -> None:
        self._sky = sky
        self._boots = 0
        self.boot()

    def boot(self) -> None:
        self._boots += 1
        self._booted = self._sky.now
        self.boot_id = f"boot-{self._boots}"

    def __call__(self) -> int:
        return UPTIME_NS + self._sky.ns_since(self._booted)

    def at(self, ns: int) -> datetime:
        """When this clock will show ``ns``: not before, at a microsecond's grain."""
        return self._booted + timedelta(microseconds=-((UPTIME_NS - ns) // 1000))
