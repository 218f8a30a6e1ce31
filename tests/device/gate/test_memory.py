"""Memory on SQLite's own ground: whole tables are compared, time is made up."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from device.admission.presence import DAY_NS, Moment
from device.clock import NS
from device.domain import ClockTrust, Direction, Instant
from device.gate import memory
from device.gate.memory import NAMES_MAX, STEPS_BACK, Memory, OpenGrant, Stay
from device.gate.schema import SCHEMA

BEGIN = datetime(2026, 7, 1, 1, tzinfo=UTC)  # eight in the morning in Viet Nam
RESET_MINUTE = 3 * 60
AN, BINH, CHI = b"an", b"binh", b"chi"
CARD, INSURANCE, QID = b"card", b"insurance", b"qid"


def at(seconds: float, *, trust: ClockTrust = ClockTrust.TRUSTED) -> Moment:
    return Moment(Instant(BEGIN + timedelta(seconds=seconds), trust), "boot-1", int(seconds * NS))


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(SCHEMA + memory.TABLES + memory.COUNTED_TABLE)
        yield connection


@pytest.fixture
def remembered(database: sqlite3.Connection) -> Memory:
    return Memory(database)


def grant(id_: str = "g", person: bytes | None = AN, pass_key: bytes | None = None, people: int = 1, way: Direction = Direction.ENTRY) -> OpenGrant:
    return OpenGrant(id_, f"p-{id_}", pass_key, person, way, people)


def comes_in(remembered: Memory, person: bytes, seconds: float = 0, *, people: int = 1) -> None:
    one = grant(f"in-{person!r}-{seconds}", person, people=people)
    remembered.open_grant(one, at(seconds))
    remembered.end_grant(one, passed=people)


def goes_out(remembered: Memory, person: bytes, seconds: float = 0) -> None:
    one = grant(f"out-{person!r}-{seconds}", person, way=Direction.EXIT)
    remembered.open_grant(one, at(seconds))
    remembered.end_grant(one, passed=1)


# --- grants ----------------------------------------------------------------------------------------------------


def test_nothing_is_remembered_of_nobody(remembered: Memory) -> None:
    asked = (remembered.uses_of(b"x"), remembered.step_of(b"x"), remembered.persons_of((AN,)), remembered.stay_of(AN), remembered.gone_since(AN))
    assert (asked, remembered.occupied(), remembered.open_grants()) == ((0, None, (), None, None), 0, [])


def test_an_open_grant_is_kept_as_it_was_given(remembered: Memory) -> None:
    grants = [grant("a", pass_key=b"k", people=3), grant("b", person=None), grant("c", way=Direction.EXIT)]
    for each in grants:
        remembered.open_grant(each, at(1))
    assert remembered.open_grants() == grants


def test_a_grant_without_more_is_for_one_who_comes_in_and_is_not_remembered() -> None:
    assert OpenGrant("a", "p", None) == OpenGrant("a", "p", None, person=None, direction=Direction.ENTRY, people=1)


@pytest.mark.parametrize(("passed", "uses"), [(0, 1), (1, 2), (3, 2)])
def test_a_use_is_reserved_and_given_back_only_if_nobody_passed(remembered: Memory, passed: int, uses: int) -> None:
    first, second = grant("a", pass_key=b"k"), grant("b", pass_key=b"k", people=3)
    remembered.open_grant(first, at(0))
    remembered.end_grant(first, passed=1)
    remembered.open_grant(second, at(1))
    assert remembered.uses_of(b"k") == 2
    remembered.end_grant(second, passed=passed)
    assert (remembered.uses_of(b"k"), remembered.uses_of(b"other")) == (uses, 0)


def test_whoever_holds_an_open_grant_is_on_the_way_in(remembered: Memory) -> None:
    remembered.open_grant(grant(people=2), at(5))
    assert (remembered.stay_of(AN), remembered.occupied()) == (Stay(at(5), 2), 2)


def test_a_stay_lasts_from_the_grant_on_with_as_many_as_passed(remembered: Memory) -> None:
    one = grant(people=4)
    remembered.open_grant(one, at(5))
    remembered.end_grant(one, passed=3)
    assert (remembered.stay_of(AN), remembered.occupied(), remembered.open_grants()) == (Stay(at(5), 3), 3, [])


def test_whoever_did_not_pass_was_not_there(remembered: Memory) -> None:
    one = grant()
    remembered.open_grant(one, at(5))
    remembered.end_grant(one, passed=0)
    assert (remembered.stay_of(AN), remembered.occupied()) == (None, 0)


def test_an_open_grant_for_the_way_out_takes_no_place_and_is_no_stay(remembered: Memory) -> None:
    remembered.open_grant(grant(way=Direction.EXIT), at(5))
    assert (remembered.stay_of(AN), remembered.occupied()) == (None, 0)


def test_whoever_goes_out_is_gone_and_whoever_turns_back_is_not(remembered: Memory) -> None:
    comes_in(remembered, AN)
    comes_in(remembered, BINH)
    turned_back = grant("t", BINH, way=Direction.EXIT)
    remembered.open_grant(turned_back, at(8))
    remembered.end_grant(turned_back, passed=0)
    goes_out(remembered, AN, 9)
    assert [remembered.stay_of(each) for each in (AN, BINH)] == [None, Stay(at(0), 1)]
    assert [remembered.gone_since(each) for each in (AN, BINH)] == [at(9), None]


def test_whoever_comes_back_is_no_longer_gone(remembered: Memory) -> None:
    goes_out(remembered, AN, 1)
    comes_in(remembered, AN, 2)
    assert (remembered.gone_since(AN), remembered.stay_of(AN)) == (None, Stay(at(2), 1))


def test_a_grant_of_nobody_ends_without_a_trace(remembered: Memory, database: sqlite3.Connection) -> None:
    one = grant(person=None, way=Direction.EXIT)
    for passed in (0, 1):
        remembered.open_grant(one, at(0))
        remembered.end_grant(one, passed=passed)
    assert [database.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("inside", "gone", "open_grant")] == [(0,)] * 3  # noqa: S608


def test_the_end_of_a_grant_that_is_not_open_changes_no_place(remembered: Memory) -> None:
    remembered.end_grant(grant(), passed=1)
    assert remembered.occupied() == 0


# --- places ----------------------------------------------------------------------------------------------------


def test_a_person_takes_one_place_inside_and_on_the_way_in(remembered: Memory) -> None:
    comes_in(remembered, AN)
    remembered.open_grant(grant("again", AN), at(9))
    assert remembered.occupied() == 1


def test_of_a_party_that_is_inside_and_a_larger_one_on_its_way_the_larger_counts(remembered: Memory) -> None:
    comes_in(remembered, AN, people=2)
    remembered.open_grant(grant("again", AN, people=5), at(9))
    remembered.open_grant(grant("once more", AN, people=3), at(9))
    assert remembered.occupied() == 5


def test_every_grant_of_nobody_takes_its_own_places(remembered: Memory) -> None:
    for id_, people in (("a", 1), ("b", 2)):
        remembered.open_grant(grant(id_, None, people=people), at(0))
    assert remembered.occupied() == 3


def test_places_are_counted_without_some_persons(remembered: Memory) -> None:
    for person, people in ((AN, 1), (BINH, 2), (CHI, 4)):
        comes_in(remembered, person, people=people)
    counted = [remembered.occupied(without) for without in ((), (AN,), (AN, BINH), (AN, BINH, CHI), (b"stranger",))]
    assert counted == [7, 6, 4, 0, 7]


def test_who_went_without_a_grant_is_counted_apart_from_those_who_are_known(remembered: Memory) -> None:
    comes_in(remembered, AN, people=3)
    for people, inside in ((2, 5), (-1, 4), (0, 4), (-3, 1)):
        remembered.count(people, at(5))
        assert remembered.occupied() == inside
    assert (remembered.stay_of(AN), remembered.occupied((AN,))) == (Stay(at(0), 3), 0)


def test_no_more_go_out_than_there_are_inside(remembered: Memory) -> None:
    comes_in(remembered, AN, people=2)
    for _ in range(3):
        remembered.count(-5, at(5))
    assert remembered.occupied() == 0
    remembered.count(1, at(6))
    assert remembered.occupied() == 1


def test_of_a_grant_that_is_open_nobody_is_counted_out_twice(remembered: Memory) -> None:
    remembered.open_grant(grant(person=None), at(0))
    remembered.count(-2, at(1))
    remembered.end_grant(grant(person=None), passed=0)
    assert remembered.occupied() == 0


@pytest.mark.parametrize("comes", [lambda remembered: comes_in(remembered, BINH, 7), lambda remembered: remembered.count(1, at(7))])
def test_whoever_comes_in_takes_a_place_although_one_was_counted_out_and_then_left_by_a_code(
    remembered: Memory, comes: Callable[[Memory], None]
) -> None:
    """The button was pressed by somebody whom nobody had seen come in."""
    comes_in(remembered, AN)
    remembered.count(-1, at(5))
    goes_out(remembered, AN, 6)
    assert remembered.occupied() == 0
    comes(remembered)
    assert remembered.occupied() == 1


# --- who is who ------------------------------------------------------------------------------------------------


def names(remembered: Memory) -> dict[bytes, bytes]:
    return dict(remembered._db.execute("SELECT name, person FROM known_as").fetchall())


def test_a_person_is_known_by_every_name(remembered: Memory) -> None:
    remembered.know(AN, (QID, CARD), at(0))
    assert [remembered.persons_of(each) for each in ((CARD,), (b"x", QID), (CARD, QID), (b"x",))] == [(AN,), (AN,), (AN,), ()]


def test_names_that_lead_to_two_persons_tell_both_in_their_order(remembered: Memory) -> None:
    remembered.know(AN, (CARD,), at(0))
    remembered.know(BINH, (INSURANCE,), at(0))
    assert [remembered.persons_of(each) for each in ((INSURANCE, CARD), (QID, CARD, INSURANCE))] == [(BINH, AN), (AN, BINH)]


def test_a_card_that_names_two_persons_makes_them_one(remembered: Memory) -> None:
    remembered.know(AN, (CARD,), at(0))
    remembered.know(BINH, (INSURANCE, b"old"), at(0))
    comes_in(remembered, AN, 1)
    comes_in(remembered, BINH, 2)
    remembered.know(AN, (QID, CARD, INSURANCE), at(3))
    assert names(remembered) == dict.fromkeys((QID, CARD, INSURANCE, b"old"), AN)
    assert (remembered.stay_of(AN), remembered.stay_of(BINH), remembered.occupied()) == (Stay(at(2), 1), None, 1)


def test_a_person_who_is_one_with_another_takes_along_open_grants_and_departures(remembered: Memory) -> None:
    remembered.know(BINH, (INSURANCE,), at(0))
    remembered.know(CHI, (CARD,), at(0))
    waiting = grant("w", BINH)
    remembered.open_grant(waiting, at(1))
    goes_out(remembered, CHI, 2)
    remembered.know(AN, (QID, INSURANCE, CARD), at(3))
    assert (remembered.open_grants(), remembered.gone_since(AN)) == ([replace(waiting, person=AN)], at(2))
    remembered.end_grant(waiting, passed=1)  # whoever holds it still knows the old name
    assert (remembered.stay_of(AN), remembered.stay_of(BINH), remembered.gone_since(AN)) == (Stay(at(1), 1), None, None)


def test_the_open_grant_of_somebody_who_was_made_one_with_another_lets_that_one_out(remembered: Memory) -> None:
    remembered.know(BINH, (INSURANCE,), at(0))
    comes_in(remembered, BINH)
    leaving = grant("out", BINH, way=Direction.EXIT)
    remembered.open_grant(leaving, at(1))
    remembered.know(AN, (QID, INSURANCE), at(2))
    remembered.end_grant(leaving, passed=1)
    assert (remembered.stay_of(AN), remembered.occupied()) == (None, 0)


# --- rotating passes -------------------------------------------------------------------------------------------


def test_the_last_step_of_a_rotating_pass_is_kept(remembered: Memory) -> None:
    for step in (7, 9):
        remembered.step(b"k", step)
    assert (remembered.step_of(b"k"), remembered.step_of(b"other")) == (9, None)


# --- forgetting ------------------------------------------------------------------------------------------------


def test_the_night_forgets_who_was_inside_who_left_and_by_what_name(remembered: Memory) -> None:
    comes_in(remembered, AN)
    goes_out(remembered, BINH)
    remembered.know(AN, (CARD,), at(0))
    night_s = 19 * 3600  # from eight in the morning to three at night
    assert remembered.forget(at(night_s - 1), RESET_MINUTE) == 0
    assert (remembered.stay_of(AN), remembered.gone_since(BINH), names(remembered)) == (Stay(at(0), 1), at(0), {CARD: AN})
    assert remembered.forget(at(night_s), RESET_MINUTE) == 1
    assert (remembered.stay_of(AN), remembered.gone_since(BINH), names(remembered)) == (None, None, {})


def test_without_a_clock_a_day_of_running_stands_for_the_night(remembered: Memory) -> None:
    remembered.know(AN, (CARD,), at(0, trust=ClockTrust.UNTRUSTED))
    day_s = DAY_NS // NS
    for seconds, known in ((19 * 3600, {CARD: AN}), (day_s - 1, {CARD: AN}), (day_s, {})):
        remembered.forget(at(seconds, trust=ClockTrust.UNTRUSTED), RESET_MINUTE)
        assert names(remembered) == known


def test_who_came_in_after_the_night_stays(remembered: Memory) -> None:
    comes_in(remembered, AN)
    comes_in(remembered, BINH, 20 * 3600)
    assert remembered.forget(at(21 * 3600), RESET_MINUTE) == 1
    assert [remembered.stay_of(each) for each in (AN, BINH)] == [None, Stay(at(20 * 3600), 1)]


def test_the_night_forgets_who_was_counted(remembered: Memory, database: sqlite3.Connection) -> None:
    for people, seconds in ((3, 0), (-1, 60), (5, 20 * 3600)):
        remembered.count(people, at(seconds))
    assert (remembered.forget(at(21 * 3600), RESET_MINUTE), remembered.occupied()) == (0, 5)
    assert database.execute("SELECT people FROM counted").fetchall() == [(5,)]


def test_an_open_grant_is_not_forgotten(remembered: Memory) -> None:
    remembered.open_grant(grant(), at(0))
    assert (remembered.forget(at(DAY_NS // NS), RESET_MINUTE), remembered.open_grants()) == (0, [grant()])


def test_uses_are_not_forgotten(remembered: Memory) -> None:
    one = grant(pass_key=b"k")
    remembered.open_grant(one, at(0))
    remembered.end_grant(one, passed=1)
    remembered.forget(at(30 * DAY_NS // NS), RESET_MINUTE)
    assert remembered.uses_of(b"k") == 1


def test_of_more_names_than_may_be_the_oldest_are_forgotten(remembered: Memory, database: sqlite3.Connection) -> None:
    row = "INSERT INTO known_as VALUES (?, ?, ?, 'trusted', 'boot-1', 0)"
    database.executemany(row, ((b"%d" % n, AN, (BEGIN + timedelta(milliseconds=n)).isoformat()) for n in range(NAMES_MAX + 2)))
    remembered.forget(at(0), RESET_MINUTE)
    assert (len(names(remembered)), remembered.persons_of((b"0", b"1")), remembered.persons_of((b"2",))) == (NAMES_MAX, (), (AN,))


def test_steps_that_the_newest_has_left_far_behind_are_forgotten(remembered: Memory) -> None:
    for pass_key, step in ((b"old", 899), (b"edge", 900), (b"new", 900 + STEPS_BACK)):
        remembered.step(pass_key, step)
    remembered.forget(at(0), RESET_MINUTE)
    assert [remembered.step_of(each) for each in (b"old", b"edge", b"new")] == [None, 900, 900 + STEPS_BACK]
