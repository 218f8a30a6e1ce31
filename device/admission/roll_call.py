"""Roll-call (điểm danh) at a quarantine site: by which hour everybody must have reported, and who has not.

Windows are hours on the wall in Viet Nam, so without a clock that may be believed none is due; that roll-call cannot be judged
then is for the gate to tell.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from device.admission.hours import DAY_MINUTES
from device.domain import ClockTrust, Instant
from device.events.pseudonyms import VIET_NAM

LATE_AFTER = timedelta(minutes=5)
"""A gate that runs judges a window within seconds; one that comes later was off, and could hear nobody for a while."""

LOOK_BACK = timedelta(days=7)
"""A gate that was off for longer tells of the last week only: at 24 windows a day that is 168 alarms at once."""


@dataclass(frozen=True, slots=True)
class Window:
    """From the roll-call before up to, not including, ``closes``: whoever showed a code then has reported. In Viet Nam's time."""

    opens: datetime
    closes: datetime
    late: bool


def due(minutes: Collection[int], since: datetime | None, now: Instant) -> tuple[Window, ...]:
    """Windows that closed after ``since`` and not after ``now``, the oldest first.

    ``minutes`` are those of the day by which everybody must have reported. ``since`` is the moment up to which all was judged
    already, with its time zone; ``None`` at a gate that has never judged a window: then nothing is due, and all that closes later is.
    """
    if since is None or now.trust is not ClockTrust.TRUSTED:
        return ()
    since = max(since, now.utc - LOOK_BACK)
    closings = _closings(minutes, since, now.utc)
    return tuple(Window(before, closes, now.utc - closes > LATE_AFTER) for before, closes in pairwise(closings) if closes > since)


def missing(expected: Iterable[bytes], reported: Collection[bytes]) -> tuple[bytes, ...]:
    """Who of the ``expected`` (those who must stay) has not reported, each once, in the list's order."""
    return tuple(person for person in dict.fromkeys(expected) if person not in reported)


def _closings(minutes: Collection[int], since: datetime, until: datetime) -> list[datetime]:
    """Every hour of roll-call up to ``until``, from at least one before ``since``."""
    first = since.astimezone(VIET_NAM).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    days = range((until - first) // timedelta(minutes=DAY_MINUTES) + 1)
    moments = [first + timedelta(days=day, minutes=minute) for day in days for minute in sorted(set(minutes))]
    return [moment for moment in moments if moment <= until]
