from __future__ import annotations

import pytest

from device.turnstile.contacts import EVENTS, NS_PER_MS, TIMES, Change, Contacts, Stuck
from device.turnstile.lane import CLOSED_AT_REST, NS_PER_S, Sensor

BEAM, LOOP, FIRE, PASSED, BUTTON, RESET = (
    Sensor.OUTER_BEAM,
    Sensor.LOOP,
    Sensor.FIRE,
    Sensor.PASSED,
    Sensor.EXIT_BUTTON,
    Sensor.KEY_RESET,
)


def at_rest(*sensors: Sensor) -> Contacts:
    return Contacts([(sensor, sensor in CLOSED_AT_REST) for sensor in sensors], 0)


def changes(contacts: Contacts, sensor: Sensor, *moves_ms: int) -> list[Change | Stuck]:
    """The contact of ``sensor`` leaves its rest at the first moment, comes back at the second, and so on."""
    rest = sensor in CLOSED_AT_REST
    return [
        told
        for number, at_ms in enumerate(moves_ms)
        for told in contacts.moved(sensor, closed=rest if number % 2 else not rest, at_ns=at_ms * NS_PER_MS)
    ]


def test_every_sensor_has_its_times() -> None:
    assert set(TIMES) == set(Sensor)


def test_fire_is_believed_within_the_time_that_is_left_to_free_the_lane() -> None:
    assert max(TIMES[each].begins_ms for each in (FIRE, Sensor.BREAK_GLASS)) <= 10


def test_fire_and_broken_glass_and_the_key_are_never_stuck() -> None:
    assert {each for each in Sensor if TIMES[each].stuck_s is None} >= {FIRE, Sensor.BREAK_GLASS, Sensor.KEY_FREE}


@pytest.mark.parametrize("sensor", Sensor)
def test_a_contact_is_believed_when_it_has_kept_its_level(sensor: Sensor) -> None:
    contacts, times = at_rest(sensor), TIMES[sensor]
    begins_ns, left_ns = times.begins_ms * NS_PER_MS, 60_000 * NS_PER_MS
    assert changes(contacts, sensor, 0) == []
    assert contacts.next_ns() == begins_ns
    assert contacts.due(begins_ns - 1) == []
    assert contacts.due(begins_ns) == [Change(sensor, on=True, at_ns=0)]
    assert contacts.due(begins_ns) == []
    assert contacts.moved(sensor, closed=sensor in CLOSED_AT_REST, at_ns=left_ns - 1) == []
    assert contacts.next_ns() == left_ns - 1 + times.ends_ms * NS_PER_MS
    assert contacts.due(contacts.next_ns() or 0) == [Change(sensor, on=False, at_ns=left_ns - 1)]
    assert contacts.next_ns() is None


@pytest.mark.parametrize("sensor", Sensor)
def test_a_contact_that_bounces_says_nothing(sensor: Sensor) -> None:
    contacts = at_rest(sensor)
    short_ms = TIMES[sensor].begins_ms - 1
    assert changes(contacts, sensor, 0, short_ms, 10_000, 10_000 + short_ms) == []
    assert (contacts.due(3600 * NS_PER_S), contacts.next_ns()) == ([], None)


def test_a_change_is_told_as_of_when_the_contact_came_to_rest() -> None:
    contacts = at_rest(PASSED)
    changes(contacts, PASSED, 0, 2, 4, 5, 7)
    assert contacts.due(17 * NS_PER_MS) == [Change(PASSED, on=True, at_ns=7 * NS_PER_MS)]


def test_a_gap_shorter_than_its_end_is_no_end() -> None:
    contacts = at_rest(LOOP)
    assert changes(contacts, LOOP, 0, 2000, 2299) == [Change(LOOP, on=True, at_ns=0)]
    assert contacts.due(10_000 * NS_PER_MS) == []


def test_who_looks_late_misses_nothing() -> None:
    """Somebody ran through while the thread was held up: the next move tells of the one before."""
    contacts = at_rest(BEAM)
    assert changes(contacts, BEAM, 0, 100, 200) == [Change(BEAM, on=True, at_ns=0), Change(BEAM, on=False, at_ns=100 * NS_PER_MS)]
    assert contacts.due(NS_PER_S) == [Change(BEAM, on=True, at_ns=200 * NS_PER_MS)]


def test_what_time_has_brought_about_is_told_in_order_of_time() -> None:
    contacts = at_rest(BEAM, FIRE, LOOP)
    for at_ms, sensor in enumerate((LOOP, FIRE, BEAM)):
        changes(contacts, sensor, at_ms)
    assert [each.sensor for each in contacts.due(NS_PER_S)] == [LOOP, FIRE, BEAM]


def test_the_same_level_twice_is_no_news() -> None:
    contacts = at_rest(FIRE)
    assert contacts.moved(FIRE, closed=True, at_ns=5) == []
    assert contacts.next_ns() is None


@pytest.mark.parametrize("sensor", sorted({each for each in Sensor if TIMES[each].stuck_s is not None}))
def test_what_lasts_longer_than_anybody_could_have_it_so_is_stuck(sensor: Sensor) -> None:
    contacts = at_rest(sensor)
    limit_ns = (TIMES[sensor].stuck_s or 0) * NS_PER_S
    changes(contacts, sensor, 0)
    assert contacts.due(limit_ns - 1) == [Change(sensor, on=True, at_ns=0)]
    assert contacts.next_ns() == limit_ns
    assert contacts.due(limit_ns + 5) == [Stuck(sensor, stuck=True, at_ns=limit_ns)]
    assert contacts.next_ns() is None
    left_ns = limit_ns + NS_PER_S
    contacts.moved(sensor, closed=sensor in CLOSED_AT_REST, at_ns=left_ns)
    told = contacts.due(left_ns + TIMES[sensor].ends_ms * NS_PER_MS)
    assert told == [Change(sensor, on=False, at_ns=left_ns), Stuck(sensor, stuck=False, at_ns=left_ns)]
    again_ns = 2 * left_ns
    contacts.moved(sensor, closed=sensor not in CLOSED_AT_REST, at_ns=again_ns)
    assert contacts.due(again_ns + limit_ns) == [Change(sensor, on=True, at_ns=again_ns), Stuck(sensor, stuck=True, at_ns=again_ns + limit_ns)]


# --- at the start ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sensor", sorted(set(Sensor) - EVENTS))
def test_a_state_that_holds_at_the_start_is_told(sensor: Sensor) -> None:
    contacts = Contacts([(sensor, sensor not in CLOSED_AT_REST)], 7)
    assert contacts.due(contacts.next_ns() or 0) == [Change(sensor, on=True, at_ns=7)]


@pytest.mark.parametrize("sensor", sorted(EVENTS))
@pytest.mark.parametrize("held_ms", [1, 10_000])
def test_a_button_held_at_the_start_is_nothing_and_the_next_press_is(sensor: Sensor, held_ms: int) -> None:
    contacts = Contacts([(sensor, True)], 0)
    told = contacts.moved(sensor, closed=False, at_ns=held_ms * NS_PER_MS)
    told += contacts.due(20_000 * NS_PER_MS)
    assert told == []
    contacts.moved(sensor, closed=True, at_ns=30_000 * NS_PER_MS)
    assert contacts.due(36_000 * NS_PER_MS) == [Change(sensor, on=True, at_ns=30_000 * NS_PER_MS)]


def test_a_button_that_was_stuck_at_the_start_is_told_of_as_stuck() -> None:
    contacts = Contacts([(BUTTON, True)], 0)
    assert contacts.due(60 * NS_PER_S) == [Stuck(BUTTON, stuck=True, at_ns=60 * NS_PER_S)]
    contacts.moved(BUTTON, closed=False, at_ns=90 * NS_PER_S)
    assert contacts.due(100 * NS_PER_S) == [Stuck(BUTTON, stuck=False, at_ns=90 * NS_PER_S)]


def test_a_key_that_was_left_at_reset_ends_nothing_when_power_comes_back() -> None:
    contacts = Contacts([(RESET, True)], 0)
    assert contacts.due(200 * NS_PER_S) == []
