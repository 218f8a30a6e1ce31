from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.domain import ClockTrust, Instant
from device.events.pseudonyms import TURNS_MAX, DayKey, day_in_viet_nam

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=100)

MONDAY = date(2026, 11, 16)
TUESDAY = MONDAY + timedelta(1)
SITE, OTHER_SITE = DayKey(MONDAY, b"s" * 32), DayKey(MONDAY, b"o" * 32)
THU, MAU = b"cccd:999090000001", b"cccd:999190000002"


def test_the_golden_pseudonyms_are_what_they_always_were() -> None:
    """Gates of one site turn alike, whatever version each runs."""
    assert (SITE.pseudonym(THU), SITE.on(TUESDAY).pseudonym(THU)) == ("237ea24d759697ab6b442b2abf9d5451", "797c32e0d2b8225bee7cf8ad3235da24")


def test_a_pseudonym_is_the_keyed_hash_of_the_person() -> None:
    assert SITE.pseudonym(THU) == hmac.new(b"s" * 32, THU, hashlib.sha256).hexdigest()[:32]


def test_the_same_person_is_the_same_on_one_day_at_one_site_and_nowhere_else() -> None:
    gate, neighbour = SITE.on(TUESDAY), DayKey(MONDAY, b"s" * 32).on(TUESDAY)
    same = gate.pseudonym(THU)
    others = [
        SITE.pseudonym(THU),
        gate.on(TUESDAY + timedelta(1)).pseudonym(THU),
        OTHER_SITE.on(TUESDAY).pseudonym(THU),
        gate.pseudonym(MAU),
        gate.pseudonym(THU + b"0"),
    ]
    assert (neighbour.pseudonym(THU), len({same, *others})) == (same, 6)


@SEEDED
@given(st.lists(st.integers(0, 40), max_size=6))
def test_turning_day_by_day_or_at_once_is_the_same(steps: list[int]) -> None:
    key, day = SITE, MONDAY
    for step in steps:
        day += timedelta(step)
        key = key.on(day)
    assert key == SITE.on(day)


TURNS = {
    "today": (0, 0),
    "tomorrow": (1, 1),
    "yesterday": (-1, 0),
    "ten years ago": (-3660, 0),
    "in ten years": (TURNS_MAX, TURNS_MAX),
    "beyond ten years": (TURNS_MAX + 1, 0),
    "beyond all reason": ((date.max - MONDAY).days, 0),
}


@pytest.mark.parametrize(("days", "turned"), TURNS.values(), ids=TURNS.keys())
def test_a_key_turns_forward_by_no_more_than_ten_years(days: int, turned: int) -> None:
    assert SITE.on(MONDAY + timedelta(days)).day == MONDAY + timedelta(turned)


def test_there_is_no_way_back() -> None:
    """A turned key neither holds the former one nor returns to it."""
    tuesday = SITE.on(TUESDAY)
    assert (tuesday.on(MONDAY), tuesday.on(MONDAY).pseudonym(THU) == SITE.pseudonym(THU)) == (tuesday, False)


def test_a_key_is_never_shown() -> None:
    assert repr(SITE) == "DayKey(day=datetime.date(2026, 11, 16))"


MOMENTS = {
    "before midnight in Viet Nam": (datetime(2026, 11, 16, 16, 59, 59, 999_999, tzinfo=UTC), MONDAY),
    "midnight in Viet Nam": (datetime(2026, 11, 16, 17, 0, tzinfo=UTC), TUESDAY),
    "midnight in London": (datetime(2026, 11, 17, 0, 0, tzinfo=UTC), TUESDAY),
    "the same in July: no summer time": (datetime(2026, 7, 16, 17, 0, tzinfo=UTC), date(2026, 7, 17)),
    "the turn of a year": (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), date(2027, 1, 1)),
    "a clock that woke up in 1970": (datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)),
}


@pytest.mark.parametrize(("utc", "day"), MOMENTS.values(), ids=MOMENTS.keys())
def test_the_day_is_viet_nams(utc: datetime, day: date) -> None:
    assert day_in_viet_nam(Instant(utc, ClockTrust.UNTRUSTED)) == day
