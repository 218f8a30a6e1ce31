from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from device.admission.presence import DAY_NS, Moment
from device.clock import NS
from device.domain import ClockTrust, Instant
from device.gate import identities
from device.gate.identities import Identities

BEGIN = datetime(2026, 7, 1, tzinfo=UTC)


def on_day(days: float, *, boot: str = "boot-1", trust: ClockTrust = ClockTrust.TRUSTED, up_ns: int | None = None) -> Moment:
    return Moment(Instant(BEGIN + timedelta(days=days), trust), boot, int(days * DAY_NS) if up_ns is None else up_ns)


@pytest.fixture
def kept() -> Iterator[Identities]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(identities.TABLES)
        yield Identities(connection)


def left(kept: Identities, sequences: range = range(1, 6)) -> dict[int, bytes]:
    return {number: sealed for number in sequences if (sealed := kept.of(number)) is not None}


def test_a_sealed_identity_is_found_by_its_event_and_by_no_other(kept: Identities) -> None:
    kept.keep(2, b"sealed", 30, on_day(0))
    assert left(kept) == {2: b"sealed"}


def test_one_event_has_one_identity(kept: Identities) -> None:
    kept.keep(2, b"sealed", 30, on_day(0))
    with pytest.raises(sqlite3.IntegrityError):
        kept.keep(2, b"another", 30, on_day(0))
    assert left(kept) == {2: b"sealed"}


def test_it_is_erased_when_its_days_are_over_and_not_a_moment_before(kept: Identities) -> None:
    kept.keep(1, b"a", 30, on_day(0))
    kept.keep(2, b"b", 30, on_day(1))
    early = Moment(on_day(30).instant, "boot-1", 30 * DAY_NS - 1)
    assert (kept.erase_due(early), left(kept)) == (0, {1: b"a", 2: b"b"})
    assert (kept.erase_due(on_day(30)), left(kept)) == (1, {2: b"b"})
    assert (kept.erase_due(on_day(31)), left(kept)) == (1, {})


def test_those_that_were_kept_for_shorter_go_first_whatever_their_order(kept: Identities) -> None:
    """The province has shortened its time: what came before must not hold up what comes after."""
    kept.keep(1, b"long", 90, on_day(0))
    kept.keep(2, b"short", 14, on_day(1))
    assert (kept.erase_due(on_day(15)), left(kept)) == (1, {1: b"long"})


def test_what_is_not_due_stays_among_what_is(kept: Identities) -> None:
    """The province has lengthened its time, and shortened it again."""
    for sequence, days in ((1, 10), (2, 90), (3, 10)):
        kept.keep(sequence, bytes([sequence]), days, on_day(0))
    assert (kept.erase_due(on_day(10)), left(kept)) == (2, {2: b"\x02"})


def test_after_a_restart_without_a_clock_only_the_running_time_counts(kept: Identities) -> None:
    kept.keep(1, b"a", 1, on_day(0))
    unsure = on_day(40, boot="boot-2", trust=ClockTrust.UNTRUSTED, up_ns=DAY_NS - 1)
    assert (kept.erase_due(unsure), left(kept)) == (0, {1: b"a"})
    assert kept.erase_due(on_day(40, boot="boot-2", trust=ClockTrust.UNTRUSTED, up_ns=DAY_NS)) == 1


def test_after_a_restart_with_a_clock_the_dates_count(kept: Identities) -> None:
    kept.keep(1, b"a", 30, on_day(0))
    assert kept.erase_due(on_day(30, boot="boot-2", up_ns=20 * NS)) == 1


def test_one_of_unknown_age_does_not_hold_up_what_came_later_and_goes_with_it(kept: Identities) -> None:
    kept.keep(1, b"unsure", 30, on_day(0, trust=ClockTrust.UNTRUSTED))
    kept.keep(2, b"sure", 30, on_day(1, boot="boot-2"))
    kept.keep(3, b"unsure", 30, on_day(2, boot="boot-3", trust=ClockTrust.UNTRUSTED))
    kept.keep(4, b"sure", 30, on_day(3, boot="boot-4"))
    assert (kept.erase_due(on_day(30, boot="boot-9", up_ns=NS)), len(left(kept))) == (0, 4)
    assert (kept.erase_due(on_day(31, boot="boot-9", up_ns=NS)), left(kept)) == (2, {3: b"unsure", 4: b"sure"})


def test_a_range_is_erased_by_order(kept: Identities) -> None:
    for sequence in range(1, 6):
        kept.keep(sequence, bytes([sequence]), 30, on_day(0))
    assert (kept.erase(2, 4), left(kept)) == (3, {1: b"\x01", 5: b"\x05"})
    assert (kept.erase(2, 4), kept.erase(9, 1)) == (0, 0)


def test_those_that_were_saved_from_a_damaged_store_are_kept_for_their_days_too(kept: Identities) -> None:
    """Their places are below zero."""
    kept.keep(-2, b"saved", 30, on_day(0))
    kept.keep(1, b"new", 30, on_day(1))
    assert (kept.erase_due(on_day(29)), left(kept, range(-5, 6))) == (0, {-2: b"saved", 1: b"new"})
    assert (kept.erase_due(on_day(30)), left(kept, range(-5, 6))) == (1, {1: b"new"})


def test_nothing_is_due_where_nothing_is_kept(kept: Identities) -> None:
    assert kept.erase_due(on_day(400)) == 0
