from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.admission.presence import Moment
from device.clock import NS
from device.domain import ClockTrust, Direction, EventType, Instant, PassageOutcome
from device.errors import StoreError
from device.gate.journal import GIVEN_BACK, LEFT_OUT_NS, TELL_NS, UNRECORDED_MAX, Fact, Journal, passage
from device.gate.limits import DEFAULT_LIMITS, Limits
from device.gate.memory import OpenGrant
from device.gate.store import Store, Transaction

NOW = Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED)
GRANT = OpenGrant("g1-e-1", "cafe-1", b"pass", b"person", Direction.ENTRY, people=3)


class Moody(Store):
    """A store that may refuse to write, as one on a full disk does."""

    willing = 1_000_000  # transactions that it will still do

    @contextmanager
    def transaction(self, *, makes_room: bool = False) -> Iterator[Transaction]:
        if self.willing == 0:
            raise StoreError("the disk is full")
        self.willing -= 1
        with super().transaction(makes_room=makes_room) as writing:
            yield writing


class Bench:
    def __init__(self, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
        self.store = Moody(folder / "events.db", gate="g1", boot="boot-1", limits=limits, reserve=0)
        self.store._db.execute("PRAGMA synchronous=OFF")  # a thousand commits, and no power cut
        self.committed = 0
        self.journal = Journal(self.store, lambda: NOW, self._commit)
        with self.store.transaction() as writing:
            writing.memory.open_grant(GRANT, Moment(NOW, "boot-1", 0))

    def _commit(self) -> None:
        self.committed += 1

    def alarm(self, number: int, now_ns: int = 0) -> None:
        self.journal.add(Fact(EventType.ALARM, {"what": "x", "n": number}), now_ns)

    def recorded(self) -> list[tuple[EventType, str, dict[str, Any]]]:
        events, after = [], 0
        while batch := self.store.events_after(after, 100):
            after = batch[-1].sequence
            events += [(event.type, json.loads(event.body)) for event in batch]
        return [(kind, body["subject"], body["data"]) for kind, body in events]

    def places(self) -> tuple[int, int, list[OpenGrant]]:
        """Uses of the pass, places that are taken, grants that are open."""
        with self.store.recalling() as memory:
            return memory.uses_of(b"pass"), memory.occupied(), memory.open_grants()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with closing(made.store):
        yield made


# --- how a grant ended -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "people", "passed"),
    [
        (PassageOutcome.TURNED, 3, 3),
        (PassageOutcome.TURNED, 2, 2),
        (PassageOutcome.ASSUMED, 3, 3),
        (PassageOutcome.UNKNOWN, 3, 3),
        (PassageOutcome.UNUSED, 0, 0),
        (PassageOutcome.UNUSED, 1, 0),  # whoever says so: nobody has passed
        (PassageOutcome.TOO_LATE, 1, 0),
        (PassageOutcome.OUT_OF_SERVICE, 3, 0),
        (PassageOutcome.FAULT, 3, 0),
        (PassageOutcome.FREE, 3, 3),
    ],
)
def test_a_passage_says_how_many_went_and_ends_its_grant(outcome: PassageOutcome, people: int, passed: int) -> None:
    data = {"decision": "g1-e-1", "presentation": "cafe-1", "direction": "entry", "outcome": outcome, "people": passed, "timing": {"x": 1}}
    assert passage(GRANT, outcome, people, {"timing": {"x": 1}}) == Fact(EventType.PASSAGE, data, "cafe-1", GRANT, passed)


def test_only_outcomes_in_which_nobody_passed_give_back() -> None:
    assert set(PassageOutcome) - GIVEN_BACK == {PassageOutcome.TURNED, PassageOutcome.ASSUMED, PassageOutcome.FREE, PassageOutcome.UNKNOWN}


@pytest.mark.parametrize(
    ("outcome", "people", "after"),
    [
        (PassageOutcome.TURNED, 2, (1, 2, [])),
        (PassageOutcome.UNUSED, 0, (0, 0, [])),
        (PassageOutcome.OUT_OF_SERVICE, 0, (0, 0, [])),
        (PassageOutcome.FAULT, 0, (0, 0, [])),
        (PassageOutcome.FREE, 3, (1, 3, [])),
        (PassageOutcome.UNKNOWN, 3, (1, 3, [])),
    ],
)
def test_what_was_reserved_is_consumed_or_given_back_with_the_record(
    bench: Bench, outcome: PassageOutcome, people: int, after: tuple[int, int, list[OpenGrant]]
) -> None:
    assert bench.places() == (1, 3, [GRANT])
    fact = passage(GRANT, outcome, people, {})
    bench.journal.add(fact, 0)
    assert (bench.places(), bench.recorded()) == (after, [(EventType.PASSAGE, "cafe-1", fact.data)])


# --- a store that does and does not ----------------------------------------------------------------------------


def test_a_fact_is_recorded_at_once_and_told(bench: Bench) -> None:
    bench.alarm(1)
    assert (bench.recorded(), bench.committed) == ([(EventType.ALARM, "gate", {"what": "x", "n": 1})], 1)


def test_facts_that_wait_are_recorded_in_order_and_once(bench: Bench) -> None:
    bench.store.willing = 0
    for number in range(3):
        bench.alarm(number)
    assert (bench.recorded(), bench.committed) == ([], 0)
    bench.store.willing = 1_000_000
    bench.alarm(3)
    bench.journal.catch_up(0)
    assert ([data["n"] for _, _, data in bench.recorded()], bench.committed) == ([0, 1, 2, 3], 4)


def test_there_is_room_for_a_thousand_and_the_rest_is_counted(bench: Bench) -> None:
    bench.store.willing = 0
    for number in range(UNRECORDED_MAX - 1):
        bench.alarm(number)
    before = bench.journal.has_room
    bench.alarm(UNRECORDED_MAX - 1)
    assert (before, bench.journal.has_room) == (True, False)
    for number in range(2):
        bench.alarm(UNRECORDED_MAX + number)
    bench.store.willing = 1_000_000
    for _ in range(2):
        bench.journal.catch_up(0)
    told = [data for _, _, data in bench.recorded()]
    assert told == [{"what": "x", "n": n} for n in range(UNRECORDED_MAX)] + [{"what": "facts_dropped", "n": 2}]
    assert bench.journal.has_room


def test_the_end_of_a_grant_waits_though_there_is_no_room(bench: Bench) -> None:
    bench.store.willing = 0
    for number in range(UNRECORDED_MAX):
        bench.alarm(number)
    bench.journal.add(passage(GRANT, PassageOutcome.TURNED, 1, {}), 0)
    bench.store.willing = 1_000_000
    bench.journal.catch_up(0)
    assert (bench.recorded()[-1][0], len(bench.recorded()), bench.places()) == (EventType.PASSAGE, UNRECORDED_MAX + 1, (1, 1, []))


def test_a_count_of_what_was_dropped_is_kept_until_it_is_recorded(bench: Bench) -> None:
    """The store comes back for what waited and goes again before the count."""
    bench.store.willing = 0
    for number in range(UNRECORDED_MAX + 1):
        bench.alarm(number)
    bench.store.willing = UNRECORDED_MAX
    bench.journal.catch_up(0)
    assert len(bench.recorded()) == UNRECORDED_MAX
    bench.store.willing = 1
    bench.journal.catch_up(0)
    assert bench.recorded()[-1] == (EventType.AUDIT, "gate", {"what": "facts_dropped", "n": 1})


def test_facts_that_wait_are_told_every_ten_seconds(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.store.willing = 0
    for now_ns in (5 * NS, 5 * NS + 1, 5 * NS + TELL_NS - 1, 5 * NS + TELL_NS, 5 * NS + TELL_NS + 1):
        bench.alarm(0, now_ns)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "1 facts wait to be recorded, 0 were dropped: the disk is full",
        "4 facts wait to be recorded, 0 were dropped: the disk is full",
    ]


def test_the_journal_is_stuck_while_anything_waits_or_a_count_is_due(bench: Bench) -> None:
    told = [bench.journal.is_stuck]
    bench.store.willing = 0
    bench.alarm(1)
    told.append(bench.journal.is_stuck)
    bench.journal.miss()
    bench.store.willing = 1  # for what waits, and not for the count
    bench.journal.catch_up(0)
    told.append(bench.journal.is_stuck)
    bench.store.willing = 1
    bench.journal.catch_up(0)
    told.append(bench.journal.is_stuck)
    assert told == [False, True, True, False]


def test_what_there_is_not_even_room_to_remember_is_counted(bench: Bench) -> None:
    for _ in range(2):
        bench.journal.miss()
    bench.journal.catch_up(0)
    assert bench.recorded() == [(EventType.AUDIT, "gate", {"what": "facts_dropped", "n": 2})]


@pytest.mark.parametrize(("people", "inside"), [(2, 5), (-1, 2), (-9, 0)])
def test_who_went_without_a_grant_is_counted_with_the_record(bench: Bench, people: int, inside: int) -> None:
    bench.store.willing = 0
    bench.journal.add(Fact(EventType.PASSAGE, {"outcome": "counted"}, counted=(people, Moment(NOW, "boot-1", 5))), 0)
    assert bench.places()[1] == 3
    bench.store.willing = 1
    for _ in range(2):
        bench.journal.catch_up(0)
    assert (bench.places()[1], bench.recorded()) == (inside, [(EventType.PASSAGE, "gate", {"outcome": "counted"})])


def test_with_nothing_to_record_the_store_is_left_alone(bench: Bench) -> None:
    bench.store.willing = 0
    bench.journal.catch_up(0)
    assert (bench.recorded(), bench.committed) == ([], 0)


# --- the way out, recorded afterwards --------------------------------------------------------------------------

OUT = OpenGrant("unrecorded cafe-2", "cafe-2", None, b"leaver", Direction.EXIT)


def let_out(bench: Bench) -> None:
    bench.journal.add(Fact(EventType.DECISION, {"admit": True}, "cafe-2", begins=(OUT, Moment(NOW, "boot-1", 5))), 0)


def test_a_grant_that_was_given_first_is_recorded_with_its_passage_under_one_id(bench: Bench) -> None:
    bench.store.willing = 0
    let_out(bench)
    bench.journal.add(passage(OUT, PassageOutcome.TURNED, 1, {}), 0)
    bench.store.willing = 1_000_000
    bench.journal.catch_up(0)
    (_, _, decision), (_, _, passed) = bench.recorded()
    (event,) = [each for each in bench.store.events_after(0, 10) if each.type is EventType.DECISION]
    assert (decision, passed["decision"], passed["outcome"]) == ({"admit": True}, json.loads(event.body)["id"], "turned")
    with bench.store.recalling() as memory:
        assert (memory.open_grants(), memory.gone_since(b"leaver")) == ([GRANT], Moment(NOW, "boot-1", 5))


def test_a_grant_that_was_recorded_late_and_is_still_open_ends_like_any_other(bench: Bench) -> None:
    let_out(bench)
    with bench.store.recalling() as memory:
        assert {each.person: each.direction for each in memory.open_grants()} == {b"person": Direction.ENTRY, b"leaver": Direction.EXIT}
    bench.journal.add(passage(OUT, PassageOutcome.UNUSED, 0, {}), 0)
    with bench.store.recalling() as memory:
        assert (memory.open_grants(), memory.gone_since(b"leaver")) == ([GRANT], None)


def test_the_way_out_is_never_dropped(bench: Bench) -> None:
    bench.store.willing = 0
    for number in range(UNRECORDED_MAX):
        bench.alarm(number)
    let_out(bench)
    bench.store.willing = 1_000_000
    bench.journal.catch_up(0)
    assert bench.recorded()[-1] == (EventType.DECISION, "cafe-2", {"admit": True})


def test_a_passage_that_could_not_be_written_keeps_its_id_for_the_next_try(bench: Bench) -> None:
    let_out(bench)
    bench.store.willing = 0
    bench.journal.add(passage(OUT, PassageOutcome.TURNED, 1, {}), 0)
    bench.store.willing = 1
    bench.journal.catch_up(0)
    assert bench.recorded()[-1][2]["decision"] != OUT.id


def test_orders_that_do_not_count_hold_up_no_passage_once_refusals_have_had_their_share(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Limits(events_max=10))
    forged = Fact(EventType.COMMAND, {"what": "open", "outcome": "refused", "why": "forged"})
    with closing(bench.store):
        for _ in range(5):
            bench.journal.add(forged, 0)
        bench.journal.add(passage(GRANT, PassageOutcome.TURNED, 3, {}), 0)
        bench.journal.catch_up(LEFT_OUT_NS)
        kinds = [(kind, data.get("n")) for kind, _, data in bench.recorded()]
    first, rest = (EventType.AUDIT, 1), (EventType.AUDIT, 2)  # one a minute, however many there are
    assert kinds == [(EventType.COMMAND, None), (EventType.COMMAND, None), first, (EventType.PASSAGE, None), rest]
    assert not bench.journal.is_stuck
