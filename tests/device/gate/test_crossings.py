"""Crossings on a real store, told in nanoseconds of a clock of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.admission.budget import MINUTE_NS, SINGLY_A_MINUTE
from device.admission.presence import Moment
from device.clock import NS
from device.domain import ClockTrust, Crossing, CrossingKind, Direction, EventType, Instant
from device.gate.crossings import ALARM_OF, WALKS_WITHIN_NS, Crossings
from device.gate.journal import UNRECORDED_MAX, Fact, Journal
from device.gate.store import Store

NOW = Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED)
IN, OUT = Direction.ENTRY, Direction.EXIT


class Bench:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "events.db", gate="g1", boot="boot-1", reserve=0)
        self.store._db.execute("PRAGMA synchronous=OFF")  # many commits, and no power cut
        self.journal = Journal(self.store, lambda: NOW, lambda: None)
        self.crossings = Crossings(self.journal)

    def add(self, kind: CrossingKind, direction: Direction | None, people: int = 1, *, now_ns: int = 0) -> None:
        self.crossings.add(Crossing(kind, direction, at_ns=now_ns - 1, people=people), Moment(NOW, "boot-1", now_ns))

    def recorded(self) -> list[tuple[str, dict[str, Any]]]:
        events, after = [], 0
        while batch := self.store.events_after(after, 100):
            after = batch[-1].sequence
            events += [json.loads(event.body) for event in batch]
        return [(event["type"], event["data"]) for event in events]

    def inside(self) -> int:
        with self.store.recalling() as memory:
            return memory.occupied()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with closing(made.store):
        yield made


def passage(kind: CrossingKind, direction: Direction | None, people: int, **more: object) -> tuple[str, dict[str, Any]]:
    return "qrgate.passage", {"outcome": kind, "direction": direction, "people": people, **more}


@pytest.mark.parametrize("kind", CrossingKind)
def test_who_goes_without_a_grant_is_one_passage_and_an_alarm_only_where_somebody_is_to_blame(bench: Bench, kind: CrossingKind) -> None:
    bench.add(kind, IN, 2, now_ns=7)
    alarm = {
        CrossingKind.FORCED: [("qrgate.alarm", {"what": "turned_without_grant", "people": 2})],
        CrossingKind.TAILGATED: [("qrgate.alarm", {"what": "tailgated", "people": 2})],
    }.get(kind, [])
    assert bench.recorded() == [passage(kind, IN, 2, at_ns=6), *alarm]


def test_only_what_was_forced_or_followed_is_an_alarm() -> None:
    assert set(ALARM_OF) == {CrossingKind.FORCED, CrossingKind.TAILGATED}


def test_beyond_thirty_a_minute_they_are_summed_by_kind_and_direction(bench: Bench) -> None:
    for _ in range(SINGLY_A_MINUTE):
        bench.add(CrossingKind.COUNTED, OUT)
    for kind, direction, people in (
        (CrossingKind.COUNTED, OUT, 1),
        (CrossingKind.COUNTED, IN, 2),
        (CrossingKind.FORCED, IN, 1),
        (CrossingKind.COUNTED, None, 5),
        (CrossingKind.COUNTED, OUT, 3),
        (CrossingKind.FORCED, IN, 1),
    ):
        bench.add(kind, direction, people, now_ns=MINUTE_NS - 1)
    bench.crossings.catch_up(MINUTE_NS - 1)
    assert bench.recorded() == [passage(CrossingKind.COUNTED, OUT, 1, at_ns=-1)] * SINGLY_A_MINUTE
    for now_ns in (MINUTE_NS, MINUTE_NS, 9 * MINUTE_NS):
        bench.crossings.catch_up(now_ns)
    assert bench.recorded()[SINGLY_A_MINUTE:] == [
        passage(CrossingKind.COUNTED, OUT, 4, folded=True),
        passage(CrossingKind.COUNTED, IN, 2, folded=True),
        passage(CrossingKind.FORCED, IN, 2, folded=True),
        passage(CrossingKind.COUNTED, None, 5, folded=True),
    ]


def test_every_minute_has_its_thirty(bench: Bench) -> None:
    for minute in range(3):
        for _ in range(SINGLY_A_MINUTE + 1):
            bench.add(CrossingKind.COUNTED, OUT, now_ns=minute * MINUTE_NS)
        bench.crossings.catch_up(minute * MINUTE_NS)
    folded = [data for _, data in bench.recorded() if "folded" in data]
    assert (len(bench.recorded()), len(folded)) == (3 * SINGLY_A_MINUTE + 2, 2)


@pytest.mark.parametrize("number", [0, SINGLY_A_MINUTE])
def test_who_goes_in_or_out_is_counted_whether_singly_or_folded(bench: Bench, number: int) -> None:
    for _ in range(number):
        bench.add(CrossingKind.COUNTED, None)
    bench.add(CrossingKind.FORCED, IN, 3)
    bench.add(CrossingKind.COUNTED, None, 9)
    bench.add(CrossingKind.COUNTED, OUT, 1)
    bench.crossings.catch_up(MINUTE_NS)
    assert bench.inside() == 2
    for _ in range(2):
        bench.add(CrossingKind.COUNTED, OUT, 5, now_ns=2 * MINUTE_NS)
    assert bench.inside() == 0


def test_who_was_recorded_by_a_code_in_a_free_lane_is_not_counted_once_more(bench: Bench) -> None:
    bench.crossings.expect(2, IN, 0)
    bench.crossings.expect(1, OUT, 0)
    for direction, people in ((IN, 1), (OUT, 3), (IN, 2), (IN, 1)):
        bench.add(CrossingKind.COUNTED, direction, people, now_ns=NS)
    assert bench.recorded() == [
        passage(CrossingKind.COUNTED, OUT, 2, at_ns=NS - 1),
        passage(CrossingKind.COUNTED, IN, 1, at_ns=NS - 1),
        passage(CrossingKind.COUNTED, IN, 1, at_ns=NS - 1),
    ]


def test_where_nothing_tells_the_way_whoever_comes_first_is_the_one_with_the_code(bench: Bench) -> None:
    bench.crossings.expect(1, OUT, 0)
    for _ in range(2):
        bench.add(CrossingKind.COUNTED, None, now_ns=NS)
    assert len(bench.recorded()) == 1


@pytest.mark.parametrize(("kind", "now_ns"), [(CrossingKind.FORCED, NS), (CrossingKind.COUNTED, WALKS_WITHIN_NS)])
def test_nobody_else_and_nobody_later_is_taken_for_the_one_with_the_code(bench: Bench, kind: CrossingKind, now_ns: int) -> None:
    bench.crossings.expect(1, IN, 0)
    bench.add(kind, IN, now_ns=now_ns)
    assert bench.recorded()[0] == passage(kind, IN, 1, at_ns=now_ns - 1)


def test_a_folded_minute_waits_for_room_in_the_journal(bench: Bench) -> None:
    for _ in range(SINGLY_A_MINUTE + 2):
        bench.add(CrossingKind.COUNTED, IN)
    bench.store._db.execute("PRAGMA query_only=ON")
    for _ in range(UNRECORDED_MAX):
        bench.add(CrossingKind.COUNTED, None, now_ns=MINUTE_NS)
        bench.journal.add(Fact(EventType.ALARM, {"what": "x"}), MINUTE_NS)
    bench.crossings.catch_up(2 * MINUTE_NS)
    bench.store._db.execute("PRAGMA query_only=OFF")
    bench.journal.catch_up(2 * MINUTE_NS)
    bench.crossings.catch_up(2 * MINUTE_NS)
    folded = [data for _, data in bench.recorded() if data.get("folded")]
    assert [data["people"] for data in folded if data["direction"] == "entry"] == [2]
    assert bench.inside() == SINGLY_A_MINUTE + 2


def test_where_nobody_ever_went_nothing_is_recorded(bench: Bench) -> None:
    bench.crossings.catch_up(9 * MINUTE_NS)
    assert bench.recorded() == []
