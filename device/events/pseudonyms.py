"""Persons as keyed pseudonyms: the same person is the same number at one site on one day, and no longer.

A citizen's number has some 10^10 values, so a plain hash is undone in minutes; hence HMAC with a secret key. The key
turns every midnight in Viet Nam by a one-way step and the old one is overwritten: every gate of a site turns alike,
and a stolen gate tells nothing of the days before (``docs/decisions/0003-pseudonyms.md``).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import date, timedelta, timezone

from device.domain import Instant

VIET_NAM = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")  # no summer time since 1975
PSEUDONYM_BYTES = 16
TURN = b"qrgate-pseudonym-next-day-v1"
TURNS_MAX = 3660
"""Ten years: a clock that claims more is wrong, and turning is not undone."""


@dataclass(frozen=True, slots=True)
class DayKey:
    """The site's key for one day in Viet Nam."""

    day: date
    key: bytes = field(repr=False)

    def on(self, day: date) -> DayKey:
        """This key turned forward to ``day``; a day in the past or beyond ten years keeps the key as it is."""
        days = (day - self.day).days
        if not 0 < days <= TURNS_MAX:
            return self
        key = self.key
        for _ in range(days):
            key = hmac.digest(key, TURN, hashlib.sha256)
        return DayKey(day, key)

    def pseudonym(self, person_key: bytes) -> str:
        """32 hex digits that stand for the person, today, at this site."""
        return hmac.digest(self.key, person_key, hashlib.sha256)[:PSEUDONYM_BYTES].hex()


def day_in_viet_nam(now: Instant) -> date:
    return now.utc.astimezone(VIET_NAM).date()
