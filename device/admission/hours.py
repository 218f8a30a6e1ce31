"""When a site is open, by the clock on the wall in Viet Nam."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

EVERY_DAY = frozenset(range(7))
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Opening:
    """Open from ``begin_minute`` up to, not including, ``end_minute`` of the days that begin on ``weekdays`` (0 is Monday).

    A site that closes after midnight has an end before its begin: the night belongs to the day on which it began.
    """

    begin_minute: int
    end_minute: int
    weekdays: frozenset[int] = EVERY_DAY

    def holds(self, local: datetime) -> bool:
        """Is it open at ``local``, a moment in Viet Nam's time?"""
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.begin_minute < self.end_minute:
            return today in self.weekdays and self.begin_minute <= minute < self.end_minute
        yesterday = (local - timedelta(days=1)).weekday()
        return (today in self.weekdays and minute >= self.begin_minute) or (yesterday in self.weekdays and minute < self.end_minute)
