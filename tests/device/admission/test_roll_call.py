from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from device.admission.roll_call import LATE_AFTER, LOOK_BACK, Window, due, missing
from device.domain import ClockTrust, Instant
from device.events.pseudonyms import VIET_NAM

SEVEN, NINETEEN = 7 * 60, 19 * 60
TWICE = (SEVEN, NINETEEN)


def local(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=VIET_NAM)


def now(moment: datetime, *, trusted: bool = True) -> Instant:
    return Instant(moment.astimezone(UTC), ClockTrust.TRUSTED if trusted else ClockTrust.UNTRUSTED)


def window(opens: datetime, closes: datetime, *, late: bool = False) -> Window:
    return Window(opens, closes, late)


MORNING = window(local(19, 19), local(20, 7))
EVENING = window(local(20, 7), local(20, 19))
LATE_MORNING, LATE_EVENING = window(local(19, 19), local(20, 7), late=True), window(local(20, 7), local(20, 19), late=True)

CASES = {
    "before the hour": (TWICE, local(20, 6), now(local(20, 6, 59, 59)), ()),
    "at the hour": (TWICE, local(20, 6), now(local(20, 7)), (MORNING,)),
    "a little later": (TWICE, local(20, 6), now(local(20, 7, 5)), (MORNING,)),
    "judged already": (TWICE, local(20, 7), now(local(20, 7, 1)), ()),
    "judged up to a moment before": (TWICE, local(20, 6, 59, 59), now(local(20, 7)), (MORNING,)),
    "the next one": (TWICE, local(20, 7), now(local(20, 19)), (EVENING,)),
    "late: the gate was off": (TWICE, local(20, 6), now(local(20, 7, 5, 1)), (LATE_MORNING,)),
    "two missed, each once": (TWICE, local(20, 6), now(local(20, 23)), (LATE_MORNING, LATE_EVENING)),
    "one missed, one in time": (TWICE, local(20, 6), now(local(20, 19)), (LATE_MORNING, EVENING)),
    "hours in any order": ((NINETEEN, SEVEN, NINETEEN), local(20, 6), now(local(20, 19)), (LATE_MORNING, EVENING)),
    "once a day: since the day before": ((SEVEN,), local(20, 6), now(local(20, 7)), (window(local(19, 7), local(20, 7)),)),
    "at midnight": ((0,), local(19, 23), now(local(20, 0)), (window(local(19, 0), local(20, 0)),)),
    "a minute past midnight": ((1,), local(20, 0), now(local(20, 0, 1)), (window(local(19, 0, 1), local(20, 0, 1)),)),
    "the last minute of the day": ((1439,), local(20, 12), now(local(20, 23, 59)), (window(local(19, 23, 59), local(20, 23, 59)),)),
    "over midnight": (TWICE, local(19, 19), now(local(20, 7)), (MORNING,)),
    "judged by a clock of another zone": (TWICE, local(20, 6).astimezone(UTC), now(local(20, 7)), (MORNING,)),
    "no hours": ((), local(20, 6), now(local(20, 23)), ()),
    "never judged": (TWICE, None, now(local(20, 7)), ()),
    "clock not believed": (TWICE, local(20, 6), now(local(20, 23), trusted=False), ()),
    "the clock went back": (TWICE, local(20, 20), now(local(20, 7)), ()),
}


@pytest.mark.parametrize(("minutes", "since", "at", "expected"), CASES.values(), ids=CASES.keys())
def test_a_window_is_due_once_its_hour_has_come(minutes: tuple[int, ...], since: datetime | None, at: Instant, expected: tuple[Window, ...]) -> None:
    assert due(minutes, since, at) == expected


def test_every_window_is_due_exactly_once_however_often_the_gate_asks() -> None:
    judged: list[datetime] = []
    since = start = local(1, 12)
    for step in range(1, 200):
        at = start + timedelta(minutes=37 * step)
        judged += [each.closes for each in due(TWICE, since, now(at))]
        since = at
    ends = [local(day, hour) for day in range(1, 10) for hour in (7, 19)]
    assert judged == [each for each in ends if start < each <= since]


def test_a_gate_that_was_off_for_long_tells_of_the_last_week_only() -> None:
    windows = due(TWICE, datetime(2020, 1, 1, tzinfo=UTC), now(local(20, 19)))
    assert (len(windows), windows[0].closes, windows[-1].closes) == (14, local(14, 7), local(20, 19))
    assert (timedelta(days=7), timedelta(minutes=5)) == (LOOK_BACK, LATE_AFTER)


def test_windows_of_a_day_leave_no_gap() -> None:
    windows = due(range(0, 1440, 60), local(19, 0), now(local(20, 0)))
    assert [each.opens for each in windows[1:]] == [each.closes for each in windows[:-1]]


@pytest.mark.parametrize(
    ("expected", "reported", "absent"),
    [
        ([], set(), ()),
        ([b"a", b"b", b"c"], set(), (b"a", b"b", b"c")),
        ([b"c", b"a", b"b"], {b"a"}, (b"c", b"b")),
        ([b"a", b"b"], {b"a", b"b", b"visitor"}, ()),
        ([b"a", b"b", b"a"], {b"b"}, (b"a",)),
    ],
)
def test_whoever_is_expected_and_has_not_reported_is_missing_once(expected: list[bytes], reported: set[bytes], absent: tuple[bytes, ...]) -> None:
    assert missing(iter(expected), reported) == absent
