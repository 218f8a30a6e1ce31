from __future__ import annotations

from datetime import UTC, datetime

import pytest

from device.admission.certlogic.moments import AMOUNT_MAX, date_of_birth, plus, read_moment
from device.admission.certlogic.values import EvaluationError


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-06-01", "2021-06-01T00:00:00"),
        ("2021-06-01T12:34:56", "2021-06-01T12:34:56"),
        ("2021-06-01T12:34:56Z", "2021-06-01T12:34:56"),
        ("2021-06-01T12:34:56+7", "2021-06-01T05:34:56"),
        ("2021-06-01T12:34:56-07", "2021-06-01T19:34:56"),
        ("2021-06-01T12:34:56+730", "2021-06-01T05:04:56"),
        ("2021-06-01T12:34:56+0730", "2021-06-01T05:04:56"),
        ("2021-06-01T12:34:56-7:30", "2021-06-01T20:04:56"),
        ("2021-06-01T12:34:56+07:30", "2021-06-01T05:04:56"),
        ("2021-06-01T12:34:56+23:59", "2021-05-31T12:35:56"),
        ("2021-12-31T23:59:59-00:01", "2022-01-01T00:00:59"),
        ("2020-02-29T23:30:00-01", "2020-03-01T00:30:00"),
        ("2021-06-01T12:34:56.999999999", "2021-06-01T12:34:56.999"),
        ("2021-06-01T12:34:56.7", "2021-06-01T12:34:56.700"),
        ("2021-06-01T12:34:56.7899Z", "2021-06-01T12:34:56.789"),
        ("2021-06-01T12:34:56.04+00:00", "2021-06-01T12:34:56.040"),
        ("2021", "2021-12-31T00:00:00"),
        ("2020-02", "2020-02-29T00:00:00"),
    ],
)
def test_a_moment_is_read_to_the_millisecond(text: str, expected: str) -> None:
    assert read_moment(text) == utc(expected)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "a date was expected"),
        (20210601, "a date was expected"),
        ("", "a date was expected"),
        ("21-06-01", "a date was expected"),
        ("2021-06-01 12:34:56", "a date was expected"),
        ("2021-06-01T12:34", "a date was expected"),
        ("2021-06-01T12:34:56+07:", "a date was expected"),
        ("2021-06-01T12:34:56+07:60", "a date was expected"),
        ("2021-06-01T12:34:56+", "a date was expected"),
        ("2021-06-01T12:34:56.", "a date was expected"),
        ("2021-06-01T", "a date was expected"),
        ("2021-06-01Z", "a date was expected"),
        ("2021-06-01T12:34:56z", "a date was expected"),
        ("2021-06-01\n", "a date was expected"),
        ("२०२१-06-01", "a date was expected"),
        ("202x", "a date was expected"),
        ("soon", "a date was expected"),
        ("2021-06   T12:34:56", "a date was expected"),
        ("2021-6-001T12:34:56", "a date was expected"),
        ("2021-02-30T12:34:56", "no such date"),
        ("2021-02-29", "no such date"),
        ("2021-13", "no such date"),
        ("2021-06-01T24:00:00", "no such date"),
        ("2021-06-01T23:59:60", "no such date"),
        ("2021-06-01T12:34:56+24", "no such date"),
        ("2021-06-01T12:34:56+99", "no such date"),
        ("9999-12-31T23:59:59-00:01", "no such date"),
        ("0001-01-01T00:00:00+07:00", "no such date"),
        ("0000", "no such date"),
    ],
)
def test_what_is_no_moment_is_a_typed_error(text: object, what: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        read_moment(text)
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("begin", "amount", "unit", "expected"),
    [
        ("2021-06-01", 0, "year", "2021-06-01"),
        ("2021-06-01", 40, "hour", "2021-06-02T16:00:00"),
        ("2021-06-01", -1, "hour", "2021-05-31T23:00:00"),
        ("2021-06-01", 30, "day", "2021-07-01"),
        ("2020-02-29", 1, "year", "2021-03-01"),
        ("2020-02-29", 4, "year", "2024-02-29"),
        ("2021-01-31", 1, "month", "2021-03-03"),
        ("2021-03-31", -1, "month", "2021-03-03"),
        ("2021-01-15", -1, "month", "2020-12-15"),
        ("2021-12-15", 1, "month", "2022-01-15"),
        ("2021-11-15", 13, "month", "2022-12-15"),
    ],
)
def test_time_is_added_as_the_specifications_tests_count(begin: str, amount: int, unit: str, expected: str) -> None:
    assert plus(utc(begin), amount, unit) == utc(expected)


@pytest.mark.parametrize(
    ("amount", "unit", "what"),
    [
        (AMOUNT_MAX + 1, "hour", "too far away"),
        (-AMOUNT_MAX - 1, "hour", "too far away"),
        (AMOUNT_MAX, "year", "no such date"),
        (-AMOUNT_MAX, "year", "no such date"),
        (-3000, "year", "no such date"),
        (-AMOUNT_MAX, "day", "no such date"),
    ],
)
def test_a_moment_beyond_the_calendar_is_a_typed_error(amount: int, unit: str, what: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        plus(utc("2021-06-01"), amount, unit)
    assert caught.value.what == what


def test_the_farthest_amount_is_added() -> None:
    assert plus(utc("2021-06-01"), AMOUNT_MAX, "hour") == utc("2135-06-30T16:00:00")


@pytest.mark.parametrize(
    ("text", "expected"), [("1990", "1990-12-31"), ("1990-02", "1990-02-28"), ("1992-02", "1992-02-29"), ("1990-02-03", "1990-02-03")]
)
def test_a_birth_date_is_the_latest_that_it_can_mean(text: str, expected: str) -> None:
    assert date_of_birth(text) == utc(expected)


@pytest.mark.parametrize("text", [None, 1990, "", "90", "1990-", "1990-1", "1990-02-03T00:00:00", "1990-02-3"])
def test_what_is_no_birth_date_is_a_typed_error(text: object) -> None:
    with pytest.raises(EvaluationError) as caught:
        date_of_birth(text)
    assert caught.value.what == "a birth date was expected"


@pytest.mark.parametrize("text", ["1990-13", "1990-02-30", "0000-01-01"])
def test_a_birth_date_that_never_was_is_a_typed_error(text: str) -> None:
    with pytest.raises(EvaluationError) as caught:
        date_of_birth(text)
    assert caught.value.what == "no such date"
