from __future__ import annotations

import pytest

from device.credentials.days import is_day

CASES: dict[str, tuple[tuple[str, str, str], bool]] = {
    "a day": (("01", "02", "1990"), True),
    "one digit each": (("1", "2", "1990"), True),
    "a leap day": (("29", "02", "2000"), True),
    "no leap day": (("29", "02", "1900"), False),
    "the 31st of April": (("31", "04", "2020"), False),
    "day 0": (("00", "01", "2020"), False),
    "month 13": (("01", "13", "2020"), False),
    "year 0": (("01", "01", "0000"), False),
}


@pytest.mark.parametrize(("parts", "expected"), CASES.values(), ids=CASES.keys())
def test_a_day_is_one_of_the_calendar(parts: tuple[str, str, str], expected: bool) -> None:
    assert is_day(*parts) is expected
