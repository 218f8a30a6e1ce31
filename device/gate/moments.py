"""A ``Moment`` in four columns of a table."""

from __future__ import annotations

from datetime import UTC, datetime

from device.admission.presence import Moment
from device.domain import ClockTrust, Instant

COLUMNS = "utc TEXT NOT NULL, trust TEXT NOT NULL, boot TEXT NOT NULL, at_ns INTEGER NOT NULL"

UNKNOWN = datetime.fromtimestamp(0, UTC)


def columns(at: Moment) -> tuple[str, str, str, int]:
    return at.instant.utc.isoformat(), at.instant.trust, at.boot, at.monotonic_ns


def moment(utc: str, trust: str, boot: str, at_ns: int) -> Moment:
    """What the disk has made unreadable is of unknown age: no process may end at one row, and at each start again."""
    try:
        return Moment(Instant(datetime.fromisoformat(utc), ClockTrust(trust)), boot, at_ns)
    except ValueError:
        return Moment(Instant(UNKNOWN, ClockTrust.UNTRUSTED), boot, at_ns)
