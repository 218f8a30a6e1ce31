from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.admission import tables
from device.admission.tables import KEYS_MAX, Key, Kind, Mistake, WrongValueError, list_of, nearest, read_table, shown, table_of, tables_by_name


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


FLAG, SMALL, COLOUR, DAY = tables.flag(), tables.whole(1, 9), tables.choice(Colour), tables.day()
MINUTE, LAST_MINUTE, NAME = tables.minute_of_day(), tables.minute_of_day(with_end=True), tables.text("[a-z]{1,3}", "one to three letters")

SOUND: list[tuple[Kind, Any, Any]] = [
    (FLAG, True, True),
    (FLAG, False, False),
    (SMALL, 1, 1),
    (SMALL, 9, 9),
    (COLOUR, "blue", Colour.BLUE),
    (DAY, date(2026, 11, 20), date(2026, 11, 20)),
    (DAY, "2026-11-20", date(2026, 11, 20)),
    (MINUTE, "00:00", 0),
    (MINUTE, "06:30", 390),
    (MINUTE, "19:05", 1145),
    (MINUTE, "23:59", 1439),
    (LAST_MINUTE, "24:00", 1440),
    (LAST_MINUTE, "23:59", 1439),
    (NAME, "abc", "abc"),
    (list_of(SMALL, 3), [], ()),
    (list_of(SMALL, 3), [3, 1, 2], (3, 1, 2)),
    (list_of(SMALL, 3), (3,), (3,)),
    (list_of(SMALL, 3, least=1), [1], (1,)),
]


@pytest.mark.parametrize(("kind", "raw", "value"), SOUND)
def test_a_sound_value_is_read(kind: Kind, raw: Any, value: Any) -> None:
    assert kind.value(raw) == value


TIME, END = 'a time such as "06:00", up to 23:59', 'a time such as "06:00", up to 24:00'

WRONG = [
    (FLAG, 1, ["expected true or false, found 1"]),
    (FLAG, "true", ["expected true or false, found 'true'"]),
    (SMALL, 0, ["expected a whole number, 1 to 9, found 0"]),
    (SMALL, 10, ["expected a whole number, 1 to 9, found 10"]),
    (SMALL, True, ["expected a whole number, 1 to 9, found True"]),
    (SMALL, 2.0, ["expected a whole number, 1 to 9, found 2.0"]),
    pytest.param(SMALL, 10**5000, ["expected a whole number, 1 to 9, found a number beyond 64 bits"], id="more digits than Python writes"),
    (COLOUR, "green", ["expected one of red, blue, found 'green'"]),
    (COLOUR, ["red"], ["expected one of red, blue, found a list of 1"]),
    (DAY, datetime(2026, 11, 20, tzinfo=UTC), ["expected a day such as 2026-11-20, found 2026-11-20T00:00:00+00:00"]),
    (DAY, "2026-02-30", ["expected a day such as 2026-11-20, found '2026-02-30'"]),
    (DAY, "20261120", ["expected a day such as 2026-11-20, found '20261120'"]),
    (DAY, 20261120, ["expected a day such as 2026-11-20, found 20261120"]),
    (MINUTE, "24:00", [f"expected {TIME}, found '24:00'"]),
    (MINUTE, "6:00", [f"expected {TIME}, found '6:00'"]),
    (MINUTE, "06:60", [f"expected {TIME}, found '06:60'"]),
    (MINUTE, 600, [f"expected {TIME}, found 600"]),
    (LAST_MINUTE, "24:01", [f"expected {END}, found '24:01'"]),
    (LAST_MINUTE, None, [f"expected {END}, found None"]),
    (NAME, "abcd", ["expected one to three letters, found 'abcd'"]),
    (NAME, "a\n", ["expected one to three letters, found 'a\\n'"]),
    (NAME, b"abc", ["expected one to three letters, found b'abc'"]),
    (NAME, {"a": 1}, ["expected one to three letters, found a table"]),
    (list_of(NAME, 2), "ab", ["expected a list of 0 to 2, each one to three letters, found 'ab'"]),
    (list_of(NAME, 2), ["a", "b", "c"], ["expected a list of 0 to 2, each one to three letters, found a list of 3"]),
    (list_of(NAME, 2, least=1), [], ["expected a list of 1 to 2, each one to three letters, found a list of 0"]),
    (list_of(NAME, 3), ["a", 1, "a"], ["[1]: expected one to three letters, found 1", "[2]: stands there twice"]),
]


@pytest.mark.parametrize(("kind", "raw", "mistakes"), WRONG)
def test_a_wrong_value_is_told_with_what_was_expected_and_found(kind: Kind, raw: Any, mistakes: list[str]) -> None:
    with pytest.raises(WrongValueError) as caught:
        kind.value(raw)
    assert [str(mistake).removeprefix(": ") for mistake in caught.value.mistakes] == mistakes


POINT = {"x": Key("across", SMALL, needed=True), "colour": Key("of the ink", COLOUR)}


def differ(values: Mapping[str, Any]) -> list[Mistake]:
    return [Mistake("colour", "is not seen on paper"), Mistake("x", "is not seen")] if values.get("x") != 1 else []


def test_a_table_is_made_of_its_values_once_nothing_is_wrong() -> None:
    assert table_of(POINT, lambda values: sorted(values.items())).value({"x": 2, "colour": "red"}) == [("colour", Colour.RED), ("x", 2)]


def test_every_mistake_of_a_table_is_told_with_its_path() -> None:
    nested = {
        "points": Key("", list_of(table_of(POINT), 3)),
        "one": Key("", table_of(POINT, agree=differ)),
        "by": Key("", tables_by_name(NAME, table_of(POINT), 3)),
    }
    document = {
        "points": [{"x": 1}, {"x": 0, "color": "red"}, 7],
        "one": {"x": 0},
        "by": {"a": {}, "LONG": {"x": 1}, "b": {"x": 1, 5: 5}},
        "ponits": [],
    }
    values, mistakes = read_table(document, nested)
    assert (values, [str(each) for each in mistakes]) == (
        {},
        [
            "ponits: unknown key (did you mean 'points'?)",
            "points[1].color: unknown key (did you mean 'colour'?)",
            "points[1].x: expected a whole number, 1 to 9, found 0",
            "points[2]: expected a table, found 7",
            "one.x: expected a whole number, 1 to 9, found 0",
            "one.colour: is not seen on paper",
            "by.'LONG': expected one to three letters, found 'LONG'",
            "by.a.x: is missing: a whole number, 1 to 9 (across)",
            "by.b.5: unknown key (known: x, colour)",
        ],
    )


def test_tables_stand_under_names_and_are_not_too_many() -> None:
    kind = tables_by_name(NAME, table_of(POINT), 2)
    assert kind.value({"a": {"x": 1}, "b": {"x": 2}}) == {"a": {"x": 1}, "b": {"x": 2}}
    too_many: list[Any] = [{"a": {}, "b": {}, "c": {}}, []]
    for raw in too_many:
        with pytest.raises(WrongValueError, match="expected at most 2 tables, each under one to three letters"):
            kind.value(raw)


def test_a_key_that_is_misspelt_is_not_also_missed() -> None:
    keys = {"place": Key("where", NAME, needed=True)}
    assert [read_table(raw, keys)[1] for raw in ({"plaec": "a"}, {"other": "a"}, {})] == [
        [Mistake("plaec", "unknown key", "did you mean 'place'?")],
        [Mistake("other", "unknown key", "known: place"), Mistake("place", "is missing: one to three letters", "where")],
        [Mistake("place", "is missing: one to three letters", "where")],
    ]


def test_a_table_of_very_many_keys_is_not_read() -> None:
    assert [len(read_table({f"key{n}": n for n in range(many)}, {})[1]) for many in (KEYS_MAX, KEYS_MAX + 1)] == [KEYS_MAX, 1]
    assert read_table(dict.fromkeys(range(101)), POINT) == ({}, [Mistake("", "expected at most 100 keys, found 101")])


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("x" * 100, f"'{'x' * 59}…"),
        ("x" * 58, f"'{'x' * 58}'"),
        (b"\x00", "b'\\x00'"),
        (2**64 - 1, "18446744073709551615"),
        (2**64, "a number beyond 64 bits"),
        pytest.param(-(10**5000), "a number beyond 64 bits", id="more digits than Python writes"),
        ({"a": {}}, "a table"),
        ([[]], "a list of 1"),
    ],
)
def test_what_is_wrong_is_repeated_in_short(raw: Any, text: str) -> None:
    assert shown(raw) == text


def test_a_name_that_is_like_none_is_answered_with_those_that_are_known() -> None:
    assert [nearest(name, ("mode", "place")) for name in ("mod", "zzz", 7)] == ["did you mean 'mode'?", "known: mode, place", "known: mode, place"]


def test_a_key_that_could_be_mistaken_for_a_path_is_quoted() -> None:
    assert [mistake.path for mistake in read_table({"a.b": 1, "a b": 1, "a-b_C1": 1, "": 1}, {})[1]] == ["'a.b'", "'a b'", "a-b_C1", "''"]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.datetimes()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers() | st.binary(), inner, max_size=4)
)


@given(
    st.sampled_from(
        [FLAG, SMALL, COLOUR, DAY, MINUTE, LAST_MINUTE, NAME, list_of(NAME, 3), table_of(POINT), tables_by_name(NAME, table_of(POINT), 3)]
    ),
    anything,
)
def test_any_value_is_read_or_told_in_short_lines(kind: Kind, raw: Any) -> None:
    assert all("\n" not in line and len(line) < 400 for line in told(kind, raw))


def told(kind: Kind, raw: Any) -> list[str]:
    try:
        kind.value(raw)
    except WrongValueError as wrong:
        return [str(mistake) for mistake in wrong.mistakes]
    return []
