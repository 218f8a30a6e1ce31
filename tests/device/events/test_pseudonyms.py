from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.domain import ClockTrust, Instant
from device.events.pseudonyms import DAYS_MAX, DayKey, HeldKeys, day_in_viet_nam, from_json, from_table, to_json

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=200)

MONDAY = date(2026, 11, 16)
THU, MAU = b"cccd:999090000001", b"cccd:999190000002"


def day(days: int) -> date:
    return MONDAY + timedelta(days)


def key(days: int, line: int = 0) -> DayKey:
    """The office's key of a day, counted from Monday; another ``line`` is another master's."""
    return DayKey(day(days), bytes([line, days % 256]) * 16)


def office(*days: int, site: str = "s-999", line: int = 0) -> HeldKeys:
    first, *ahead = (key(each, line) for each in days)
    return HeldKeys(site, first, tuple(ahead))


def own(days: int, *ahead: int) -> HeldKeys:
    """What is held where this gate made the day's key itself."""
    return HeldKeys("s-999", DayKey(day(days), b"\xff" * 32, own=True), tuple(key(each) for each in ahead))


def fresh() -> bytes:
    return b"\xff" * 32


def never() -> bytes:
    raise AssertionError("there is a key of the office")


# --- pseudonyms ------------------------------------------------------------------------------------------------


def test_the_golden_pseudonym_is_what_it_always_was() -> None:
    assert DayKey(MONDAY, b"s" * 32).pseudonym(THU) == "237ea24d759697ab6b442b2abf9d5451"


def test_a_pseudonym_is_the_keyed_hash_of_the_person() -> None:
    assert DayKey(MONDAY, b"s" * 32).pseudonym(THU) == hmac.new(b"s" * 32, THU, hashlib.sha256).hexdigest()[:32]


def test_the_same_person_is_the_same_under_one_key_and_under_no_other() -> None:
    keys = [key(0), key(1), key(0, line=1)]
    assert len({each.pseudonym(person) for each in keys for person in (THU, MAU, THU + b"0")}) == 9


# --- days ------------------------------------------------------------------------------------------------------

DAYS: dict[str, tuple[HeldKeys, int, HeldKeys, Callable[[], bytes]]] = {
    "the same day": (office(0, 1, 2), 0, office(0, 1, 2), never),
    "the next": (office(0, 1, 2), 1, office(1, 2), never),
    "the last that is held": (office(0, 1, 2), 2, office(2), never),
    "days that the gate was off": (office(0, 1, 2, 3), 2, office(2, 3), never),
    "the day before": (office(0, 1), -1, office(0, 1), never),
    "after the last": (office(0, 1), 2, own(2), fresh),
    "in a gap": (office(0, 3), 1, own(1, 3), fresh),
    "after a gap": (own(1, 3), 3, office(3), never),
    "the same day with its own": (own(1), 1, own(1), never),
    "another day with its own": (own(1), 2, own(2), fresh),
    "its own of a clock that ran ahead": (own(999), 2, own(2), fresh),
    "centuries later": (office(0, 1), 400_000, own(400_000), fresh),
}


@pytest.mark.parametrize(("before", "days", "after", "makes"), DAYS.values(), ids=DAYS.keys())
def test_the_key_is_that_of_the_day_and_what_is_past_is_gone(before: HeldKeys, days: int, after: HeldKeys, makes: Callable[[], bytes]) -> None:
    assert before.on(day(days), makes) == after


@SEEDED
@given(st.lists(st.integers(0, 30), min_size=1, max_size=12), st.sets(st.integers(1, 40), max_size=20))
def test_whatever_days_come_no_past_key_is_held_and_no_own_key_is_used_twice(steps: list[int], ahead: set[int]) -> None:
    held, made, today = office(0, *sorted(ahead)), 0, 0

    def make() -> bytes:
        nonlocal made
        made += 1
        return made.to_bytes(32, "big")

    used = []
    for step in steps:
        today += step
        held = held.on(day(today), make)
        used.append(held.in_use)
        assert held.in_use.day == day(today)
        assert all(each.day > day(today) for each in held.ahead)
        assert held.in_use.own is (today not in {0, *ahead})
    assert len({each.key for each in used if each.own}) == len({each.day for each in used if each.own})


RENEWALS: dict[str, tuple[HeldKeys, HeldKeys, HeldKeys]] = {
    "the same set": (office(0, 1), office(0, 1), office(0, 1)),
    "more days": (office(0, 1), office(0, 1, 2), office(0, 1, 2)),
    "the set that it began with, again": (office(2, 3), office(0, 1, 2, 3), office(2, 3)),
    "an old one that ends before": (office(5, 6), office(0, 1), office(5, 6)),
    "one after a theft": (office(0, 1, 9), office(0, 1, 2, line=1), office(0, 1, 2, line=1)),
    "one of a later day, so that day has come": (office(0, 1), office(7, 8), office(7, 8)),
    "one of another site": (office(5, 6), office(0, 1, site="s-998", line=1), office(0, 1, site="s-998", line=1)),
    "one after a day of its own": (own(3), office(3, 4), office(3, 4)),
    "one for a later day than its own": (own(3), office(2, 3, 4), office(3, 4)),
    "one after a clock that ran ahead": (own(999), office(2, 3), office(2, 3)),
}


@pytest.mark.parametrize(("held", "handed", "after"), RENEWALS.values(), ids=RENEWALS.keys())
def test_another_set_replaces_all_but_the_past(held: HeldKeys, handed: HeldKeys, after: HeldKeys) -> None:
    assert held.renewed(handed) == after


def test_the_last_day_is_told() -> None:
    assert [office(0).last_day, office(0, 1, 5).last_day] == [day(0), day(5)]


# --- as a file -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("held", [office(0), office(0, 1, 9), own(0), own(0, 5)])
def test_what_is_written_is_read(held: HeldKeys) -> None:
    assert from_json(to_json(held).encode()) == held


def test_the_form_is_as_documented() -> None:
    assert json.loads(to_json(own(0, 1))) == {"site": "s-999", "days": {"2026-11-16": "ff" * 32, "2026-11-17": "0001" * 16}, "own": True}


GOOD: dict[str, Any] = {"site": "s-999", "days": {"2026-11-16": "5a" * 32}}
NO_SETS: dict[str, Any] = {
    "a list": [],
    "null": None,
    "nothing in it": {},
    "the form before": {"date": "2026-11-16", "key": "5a" * 32},
    "no day": GOOD | {"days": {}},
    "too many days": GOOD | {"days": {day(each).isoformat(): "5a" * 32 for each in range(DAYS_MAX + 1)}},
    "days that are a list": GOOD | {"days": ["2026-11-16"]},
    "no date": GOOD | {"days": {"monday": "5a" * 32}},
    "a date that is none": GOOD | {"days": {"2026-02-30": "5a" * 32}},
    "a date spelt differently": GOOD | {"days": {"20261116": "5a" * 32}},
    "a short key": GOOD | {"days": {"2026-11-16": "5a" * 31}},
    "a key that is a number": GOOD | {"days": {"2026-11-16": 5}},
    "a key that is no hex": GOOD | {"days": {"2026-11-16": "zz" * 32}},
    "no site": {"days": GOOD["days"]},
    "a site that is no id": GOOD | {"site": "S/9"},
    "a site that is a number": GOOD | {"site": 9},
    "an own that is a text": GOOD | {"own": "yes"},
    "one field more": GOOD | {"note": ""},
}


@pytest.mark.parametrize("content", NO_SETS.values(), ids=NO_SETS.keys())
def test_what_is_no_set_is_refused(content: Any) -> None:
    with pytest.raises(ValueError):
        from_json(json.dumps(content).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        from_json(data)


def test_as_many_days_as_may_be_are_read() -> None:
    held = office(*range(DAYS_MAX))
    assert from_table({"site": "s-999", "days": {each.day.isoformat(): each.key for each in (held.in_use, *held.ahead)}}) == held


def test_a_key_is_never_shown() -> None:
    assert repr(office(0)) == "HeldKeys(site='s-999', in_use=DayKey(day=datetime.date(2026, 11, 16), own=False), ahead=())"


MOMENTS = {
    "before midnight in Viet Nam": (datetime(2026, 11, 16, 16, 59, 59, 999_999, tzinfo=UTC), day(0)),
    "midnight in Viet Nam": (datetime(2026, 11, 16, 17, 0, tzinfo=UTC), day(1)),
    "midnight in London": (datetime(2026, 11, 17, 0, 0, tzinfo=UTC), day(1)),
    "the same in July: no summer time": (datetime(2026, 7, 16, 17, 0, tzinfo=UTC), date(2026, 7, 17)),
    "the turn of a year": (datetime(2026, 12, 31, 17, 0, tzinfo=UTC), date(2027, 1, 1)),
    "a clock that woke up in 1970": (datetime(1970, 1, 1, tzinfo=UTC), date(1970, 1, 1)),
}


@pytest.mark.parametrize(("utc", "expected"), MOMENTS.values(), ids=MOMENTS.keys())
def test_the_day_is_viet_nams(utc: datetime, expected: date) -> None:
    assert day_in_viet_nam(Instant(utc, ClockTrust.UNTRUSTED)) == expected
