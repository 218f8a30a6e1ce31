from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.admission.lists import ListKind
from device.admission.policy import Policy
from device.clock import NS
from device.domain import ClockTrust, Direction, EventType, Instant
from device.errors import StoreError
from device.events.pseudonyms import VIET_NAM
from device.gate import roll_call
from device.gate.roll_call import CLOCK_NS, LOOK_NS, NAMED_MAX, RollCall
from device.gate.store import Store

ANNA, BINH, CHI = (bytes([number]) * 12 for number in (1, 2, 3))
SEVEN, NINETEEN = (datetime(2026, 11, 20, hour, tzinfo=VIET_NAM) for hour in (7, 19))
MINUTE = timedelta(minutes=1)
POLICY = Policy("g1", "main", Direction.BOTH, roll_call=(7 * 60, 19 * 60))


@dataclass
class Site:
    """A quarantine site: its clock, its list, and what was told."""

    store: Store
    utc: datetime = SEVEN - 3 * MINUTE
    trust: ClockTrust = ClockTrust.TRUSTED
    expected: tuple[bytes, ...] = (ANNA, BINH)
    list_is_old: bool = False
    told: list[tuple[EventType, dict[str, Any]]] = field(default_factory=list)
    ticks_ns: int = 0
    roll_call: RollCall = field(init=False)

    def __post_init__(self) -> None:
        self.roll_call = RollCall(self.store, self, now=self.now, tell=lambda kind, facts: self.told.append((kind, facts)))

    def must_stay(self) -> Iterator[bytes]:
        yield from self.expected

    def stale(self, now: Instant) -> frozenset[ListKind]:
        assert now == self.now()
        return frozenset({ListKind.EXPECTED} if self.list_is_old else ())

    def now(self) -> Instant:
        return Instant(self.utc.astimezone(UTC), self.trust)

    def reports(self, *entries: bytes) -> None:
        with self.store.transaction() as writing:
            for entry in entries:
                writing.reports.add(entry, self.utc)

    def look(self, utc: datetime | None = None, *, policy: Policy = POLICY, after_ns: int = LOOK_NS) -> list[tuple[EventType, dict[str, Any]]]:
        """What is told of a look at ``utc``."""
        self.utc, self.ticks_ns = utc or self.utc, self.ticks_ns + after_ns
        known = len(self.told)
        self.roll_call.look(policy, self.ticks_ns)
        return self.told[known:]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with closing(Store(tmp_path / "events.db", gate="g1", boot="b", reserve=0)) as store:
        yield Site(store)


def facts(closes: datetime, expected: int, *missing: bytes, late: bool = False) -> dict[str, Any]:
    named = {"entries": [entry.hex() for entry in missing]} if missing else {}
    return {"what": "roll_call", "closes": closes.isoformat(), "late": late, "expected": expected, "missing": len(missing)} | named


def test_who_has_not_reported_by_the_hour_is_an_alarm_and_everybody_there_an_audit(site: Site) -> None:
    assert site.look() == []
    site.reports(ANNA)
    assert site.look(SEVEN - MINUTE) == []
    assert site.look(SEVEN) == [(EventType.ALARM, facts(SEVEN, 2, BINH))]
    assert site.look(SEVEN + MINUTE) == []
    site.reports(ANNA, BINH)
    assert site.look(NINETEEN + MINUTE) == [(EventType.AUDIT, facts(NINETEEN, 2))]


def test_a_report_in_one_window_is_none_for_the_next(site: Site) -> None:
    site.look()
    site.reports(ANNA, BINH)
    assert site.look(NINETEEN, after_ns=LOOK_NS) == [
        (EventType.AUDIT, facts(SEVEN, 2, late=True)),
        (EventType.ALARM, facts(NINETEEN, 2, ANNA, BINH)),
    ]


def test_nobody_is_looked_for_without_roll_call_or_before_the_next_look_is_due(site: Site) -> None:
    site.look()
    assert site.look(SEVEN, policy=replace(POLICY, roll_call=())) == []
    assert site.look(SEVEN, after_ns=0) != []
    assert site.look(NINETEEN, after_ns=LOOK_NS - 1) == []


def test_a_restart_judges_what_closed_meanwhile_and_nothing_twice(site: Site) -> None:
    site.look()
    site.look(SEVEN)
    again = Site(site.store)
    assert again.look(SEVEN + MINUTE) == []
    assert again.look(NINETEEN + 9 * MINUTE) == [(EventType.ALARM, facts(NINETEEN, 2, ANNA, BINH, late=True))]


def test_a_list_that_is_missing_or_old_is_an_alarm_also_where_nobody_is_missing(site: Site) -> None:
    site.look()
    site.expected, site.list_is_old = (), True
    assert site.look(SEVEN) == [(EventType.ALARM, facts(SEVEN, 0) | {"list_stale": True})]


def test_of_many_missing_some_are_named_and_the_number_is_whole(site: Site) -> None:
    site.look()
    site.expected = tuple(number.to_bytes(12, "big") for number in range(NAMED_MAX + 1))
    ((kind, told),) = site.look(SEVEN)
    assert (kind, told["missing"], told["entries"]) == (EventType.ALARM, NAMED_MAX + 1, [entry.hex() for entry in site.expected[:NAMED_MAX]])


def test_a_list_of_more_people_than_a_site_holds_is_cut_and_that_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roll_call, "EXPECTED_MAX", 2)
    site.look()
    site.expected = (ANNA, BINH, CHI)
    site.reports(*site.expected)
    assert site.look(SEVEN) == [(EventType.ALARM, facts(SEVEN, 2) | {"cut": True})]
    site.expected = (ANNA, BINH)
    site.reports(*site.expected)
    assert site.look(NINETEEN) == [(EventType.AUDIT, facts(NINETEEN, 2))]


def test_without_a_believed_clock_no_hour_closes_and_after_an_hour_of_it_that_is_told_once(site: Site) -> None:
    site.look()
    site.trust = ClockTrust.UNTRUSTED
    assert site.look(SEVEN) == []
    assert site.look(after_ns=CLOCK_NS) == [(EventType.ALARM, {"what": "roll_call_blind"})]
    assert site.look(after_ns=CLOCK_NS) == []
    site.trust = ClockTrust.TRUSTED
    assert site.look(SEVEN) == [(EventType.ALARM, facts(SEVEN, 2, ANNA, BINH))]
    site.trust = ClockTrust.UNTRUSTED
    assert site.look(after_ns=NS * 20) == []
    assert site.look(after_ns=CLOCK_NS) == [(EventType.ALARM, {"what": "roll_call_blind"})]


def test_a_gate_that_starts_without_a_believed_clock_judges_nothing_by_it_and_tells_that(site: Site) -> None:
    site.trust = ClockTrust.UNTRUSTED
    assert site.look(NINETEEN) == []
    with site.store.roll_calls() as reports:
        assert reports.judged() is None
    assert site.look(after_ns=CLOCK_NS) == [(EventType.ALARM, {"what": "roll_call_blind"})]


def test_a_store_that_fails_neither_ends_the_gate_nor_tells_the_hour_again_and_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.look()
    with monkeypatch.context() as patch:
        patch.setattr(site.store, "transaction", _full)
        assert site.look(SEVEN) == [(EventType.ALARM, facts(SEVEN, 2, ANNA, BINH))]
        assert site.look(SEVEN + MINUTE) == []
    assert site.look(SEVEN + 2 * MINUTE) == []
    with site.store.roll_calls() as reports:
        assert reports.judged() == site.utc


def _full() -> None:
    raise StoreError("the disk is full")
