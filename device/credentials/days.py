"""Days as cards write them."""

from __future__ import annotations

from datetime import date


def is_day(day: str, month: str, year: str) -> bool:
    """Is it in the calendar? Takes ASCII digits, which the caller's pattern has seen to."""
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True
