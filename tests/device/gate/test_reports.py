from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.events.pseudonyms import VIET_NAM
from device.gate.reports import KEEP
from device.gate.store import Store

ANNA, BINH = b"\x01" * 12, b"\x02" * 12
SEVEN = datetime(2026, 11, 20, 7, tzinfo=VIET_NAM)
SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "events.db", gate="g1", boot="b", reserve=0)) as store:
        yield store


def add(store: Store, *reports: tuple[bytes, datetime]) -> None:
    with store.transaction() as writing:
        for entry, moment in reports:
            writing.reports.add(entry, moment)


def between(store: Store, opens: datetime, closes: datetime) -> frozenset[bytes]:
    with store.roll_calls() as reports:
        return reports.between(opens, closes)


def judge(store: Store, until: datetime) -> datetime | None:
    with store.transaction() as writing:
        writing.reports.judge(until)
    with store.roll_calls() as reports:
        return reports.judged()


def test_a_report_counts_from_the_opening_of_its_window_up_to_and_not_at_its_closing(store: Store) -> None:
    add(store, (ANNA, SEVEN.astimezone(UTC)), (BINH, SEVEN + SECOND), (BINH, SEVEN + SECOND))
    assert between(store, SEVEN, SEVEN + SECOND) == {ANNA}
    assert between(store, SEVEN + MOMENT, SEVEN + SECOND) == set()
    assert between(store, SEVEN, SEVEN + SECOND + MOMENT) == {ANNA, BINH}


def test_moments_are_in_order_whatever_their_time_zone_and_their_digits(store: Store) -> None:
    whole, late = datetime(2026, 11, 20, 0, 0, 0, tzinfo=UTC), datetime(2026, 11, 20, 0, 0, 0, 1, tzinfo=UTC)
    add(store, (ANNA, whole), (BINH, late))
    assert between(store, late.astimezone(VIET_NAM), late + SECOND) == {BINH}
    assert between(store, whole.astimezone(VIET_NAM), late) == {ANNA}


def test_nothing_is_judged_at_first_and_what_was_judged_last_is_kept(store: Store, tmp_path: Path) -> None:
    with store.roll_calls() as reports:
        assert reports.judged() is None
    assert judge(store, SEVEN) == SEVEN
    assert judge(store, SEVEN + SECOND) == SEVEN + SECOND
    store.close()
    with closing(Store(tmp_path / "events.db", gate="g1", boot="c", reserve=0)) as again, again.roll_calls() as reports:
        assert reports.judged() == SEVEN + SECOND


def test_reports_of_long_ago_are_erased(store: Store) -> None:
    assert timedelta(days=8) == KEEP
    add(store, (ANNA, SEVEN - KEEP - MOMENT), (BINH, SEVEN - KEEP))
    judge(store, SEVEN)
    assert between(store, SEVEN - 2 * KEEP, SEVEN) == {BINH}


def test_a_report_that_is_not_committed_is_none(store: Store) -> None:
    def cut_short() -> None:
        with store.transaction() as writing:
            writing.reports.add(ANNA, SEVEN)
            raise KeyError

    with pytest.raises(KeyError):
        cut_short()
    assert between(store, SEVEN, SEVEN + SECOND) == set()
