"""Dates and times as the specification allows them: to the millisecond, UTC where nothing else is said."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from device.admission.certlogic.values import EvaluationError

DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
MOMENT = re.compile(r"(.{10})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:Z|([+-])(\d{1,2})(?::?([0-5]\d))?)?", re.ASCII)
AMOUNT_MAX = 1_000_000
"""Of any unit: more than a hundred years of hours."""


def read_moment(text: Any) -> datetime:
    """``text`` as a moment in UTC; what is finer than a millisecond is cut off.

    A year or a month alone is the latest day that it can mean, as for a birth date. There is no day before the year 1 and
    none after 9999, no hour 24 and no second 60, whatever JavaScript makes of them.

    Raises:
        EvaluationError: it is no such text.
    """
    found = MOMENT.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return _latest_day(text, "a date was expected")
    date, hour, minute, second, fraction, sign, offset_h, offset_min = found.groups()
    day = _latest_day(date, "a date was expected")
    away = timedelta(hours=int(offset_h or 0), minutes=int(offset_min or 0))
    try:
        zone = timezone(-away if sign == "-" else away)
        milliseconds = int((fraction or "0").ljust(3, "0")[:3])
        return day.replace(hour=int(hour), minute=int(minute), second=int(second), microsecond=milliseconds * 1000, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise EvaluationError("no such date") from None


def plus(moment: datetime, amount: int, unit: str) -> datetime:
    """``moment`` moved by ``amount`` of ``unit``. Raises EvaluationError where there is no such moment."""
    if abs(amount) > AMOUNT_MAX:
        raise EvaluationError("too far away")
    try:
        return UNITS[unit](moment, amount)
    except (ValueError, OverflowError):
        raise EvaluationError("no such date") from None


def date_of_birth(text: Any) -> datetime:
    """A birth date as certificates have it, the latest day that it can mean: who is of age by it surely is.

    ``1990`` is the last day of that year, ``1990-02`` the last of that month. Raises EvaluationError.
    """
    return _latest_day(text, "a birth date was expected")


def _latest_day(text: Any, expected: str) -> datetime:
    found = DATE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise EvaluationError(expected)
    year, month = int(found[1]), int(found[2] or 12)
    try:
        day = int(found[3]) if found[3] else calendar.monthrange(year, month)[1]
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        raise EvaluationError("no such date") from None


def _plus_months(moment: datetime, months: int) -> datetime:
    """As JavaScript's dates count, by which the specification's tests go: what is beyond the month's end runs into the next."""
    index = moment.year * 12 + moment.month - 1 + months
    first = moment.replace(year=index // 12, month=index % 12 + 1, day=1)
    return first + timedelta(days=moment.day - 1)


UNITS: dict[str, Callable[[datetime, int], datetime]] = {
    "year": lambda moment, amount: _plus_months(moment, 12 * amount),
    "month": _plus_months,
    "day": lambda moment, amount: moment + timedelta(days=amount),
    "hour": lambda moment, amount: moment + timedelta(hours=amount),
}
