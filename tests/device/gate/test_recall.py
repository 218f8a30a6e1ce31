"""Recall on a real store, with time made up."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.admission.history import NO_HISTORY, History
from device.admission.lists import ListKind
from device.admission.policy import Mode, Policy
from device.admission.presence import Moment
from device.clock import NS
from device.domain import ClockTrust, Credential, CredentialKind, Direction, Instant, Proof
from device.errors import StoreError
from device.gate.keys import Fingerprints
from device.gate.memory import OpenGrant, Stay
from device.gate.recall import FORGET_EVERY_NS, MINUTE_NS, NOTHING, NoLists, Recall, Recalled, remembers_people
from device.gate.store import Store, Transaction

BEGIN = datetime(2026, 7, 1, 1, tzinfo=UTC)  # eight in the morning in Viet Nam
HOUR_S = 3600
EVERY_LIST = frozenset(ListKind)
REMEMBERS = Policy("g1", "main", Direction.ENTRY, reentry=False)
FORGETS = Policy("g1", "main", Direction.ENTRY)
CARD = Credential(CredentialKind.CCCD, Proof.CLAIMED, b"cccd:999000000001")
INSURANCE = Credential(CredentialKind.BHYT, Proof.CLAIMED, b"bhxh:9900000001")
PHONE = Credential(CredentialKind.MIC, Proof.CLAIMED, b"qid:999", also=(CARD.person_key, INSURANCE.person_key))
PASS = Credential(CredentialKind.KD1, Proof.PROVEN, b"kd1:7", b"key7", uses=2, counted_at="g1", marks=(b"pass:7",))
ROTATING = Credential(CredentialKind.KD2, Proof.PROVEN, b"kd2:7", b"kd2:7", step=40)


class OneList:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, ...]] = []

    def look_up(self, names: Iterable[bytes]) -> Mapping[ListKind, int]:
        self.asked.append(tuple(names))
        return {ListKind.DECLARED: 1}

    def stale(self, now: Instant) -> frozenset[ListKind]:
        return frozenset({ListKind.DENY}) if now.utc > BEGIN else frozenset()

    def expected(self, names: Iterable[bytes]) -> bytes | None:
        return b"entry of " + next(iter(names))

    def must_stay(self) -> Iterator[bytes]:
        yield from ()


class Moody(Store):
    """A store that may refuse to write, as one on a full disk does."""

    willing = 1_000_000  # transactions that it will still do
    erased = 0

    @contextmanager
    def transaction(self, *, makes_room: bool = False) -> Iterator[Transaction]:
        if self.willing == 0:
            raise StoreError("the disk is full")
        self.willing -= 1
        self.erased += makes_room
        with super().transaction(makes_room=makes_room) as writing:
            yield writing


def at(seconds: float, *, trust: ClockTrust = ClockTrust.TRUSTED) -> Moment:
    return Moment(Instant(BEGIN + timedelta(seconds=seconds), trust), "boot-1", int(seconds * NS))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.store = Moody(folder / "events.db", gate="g1", boot="boot-1", reserve=0)
        self.fingerprints = Fingerprints(folder)
        self.recall = Recall(self.store, self.fingerprints, NoLists())
        self._grants = 0

    def of(self, credential: Credential, seconds: float = 0, policy: Policy = REMEMBERS) -> Recalled:
        return self.recall.of(credential, policy, at(seconds))

    def history(self, credential: Credential, seconds: float = 0, policy: Policy = REMEMBERS) -> History:
        return replace(self.of(credential, seconds, policy).history, stale=frozenset())

    def admits(self, credential: Credential, seconds: float = 0, *, passed: int | None = 1, policy: Policy = REMEMBERS, **grant: Any) -> OpenGrant:
        """Let ``credential`` in (or out); ``passed`` people go through, ``None`` while the grant is still open."""
        recalled = self.of(credential, seconds, policy)
        self._grants += 1
        pass_key = recalled.pass_key if credential.uses is not None else None
        opened = OpenGrant(f"g{self._grants}", f"p{self._grants}", pass_key, recalled.person, **grant)
        with self.store.transaction() as writing:
            writing.memory.open_grant(opened, at(seconds))
            self.recall.remember(writing, credential, recalled, at(seconds))
        if passed is not None:
            self.end(opened, passed)
        return opened

    def end(self, opened: OpenGrant, passed: int) -> None:
        with self.store.transaction() as writing:
            writing.memory.end_grant(opened, passed=passed)

    def inside(self) -> int:
        with self.store.recalling() as memory:
            return memory.occupied()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with closing(made.store):
        yield made


# --- what is asked ---------------------------------------------------------------------------------------------


def test_nothing_at_all_is_known_of_nobody() -> None:
    assert Recalled(NO_HISTORY) == NOTHING


def test_of_a_stranger_nothing_is_known_and_the_keyed_hashes_are_ready(bench: Bench) -> None:
    keyed = bench.fingerprints.of
    names = tuple(keyed(name) for name in (b"qid:999", CARD.person_key, INSURANCE.person_key))
    assert bench.of(PHONE) == Recalled(History(stale=EVERY_LIST), None, names[0], names=names)
    assert bench.of(PASS, policy=FORGETS) == Recalled(History(stale=EVERY_LIST), keyed(b"key7"), None, names=())


def test_every_name_and_mark_is_looked_up_in_the_lists(bench: Bench) -> None:
    lists = OneList()
    recall = Recall(bench.store, bench.fingerprints, lists)
    shown = replace(PHONE, marks=(b"m1", b"m2"))
    listed = {ListKind.DECLARED: 1}
    assert recall.of(shown, FORGETS, at(0)).history == History(listed=listed)
    assert recall.of(CARD, FORGETS, at(1)).history == History(listed=listed, stale=frozenset({ListKind.DENY}))
    assert lists.asked == [(b"qid:999", CARD.person_key, INSURANCE.person_key, b"m1", b"m2"), (CARD.person_key,)]


def test_where_there_is_roll_call_the_bearers_entry_is_found(bench: Bench) -> None:
    recall = Recall(bench.store, bench.fingerprints, OneList())
    called = replace(FORGETS, roll_call=(420,), mode=Mode.RECORD)
    entries = [recall.of(CARD, policy, at(0)).entry for policy in (FORGETS, replace(called, mode=Mode.VERIFY), called)]
    assert entries == [None, None, b"entry of " + CARD.person_key]


def test_a_gate_without_lists_has_none_of_them() -> None:
    none = NoLists()
    assert (dict(none.look_up([b"x"])), none.stale(at(0).instant), none.expected([b"x"]), list(none.must_stay())) == ({}, EVERY_LIST, None, [])


@pytest.mark.parametrize(
    ("policy", "remembers"),
    [
        (FORGETS, False),
        (replace(FORGETS, reentry=False), True),
        (replace(FORGETS, capacity=1), True),
        (replace(FORGETS, again_after_s=1), True),
        (replace(FORGETS, direction=Direction.BOTH), True),
        (replace(FORGETS, direction=Direction.EXIT), False),
        (replace(FORGETS, shadow=FORGETS), False),
        (replace(FORGETS, shadow=REMEMBERS), True),
    ],
)
def test_people_are_remembered_only_where_a_rule_asks_for_it(bench: Bench, policy: Policy, remembers: bool) -> None:
    assert remembers_people(policy) is remembers
    assert (bench.of(CARD, policy=policy).person is not None) is remembers


# --- what was before -------------------------------------------------------------------------------------------


def test_whoever_came_in_is_inside_and_since_when(bench: Bench) -> None:
    bench.admits(CARD, 5)
    assert bench.history(CARD, 8) == History(inside=True, admitted_ago_ns=3 * NS)


def test_an_open_grant_counts(bench: Bench) -> None:
    bench.admits(CARD, 5, passed=None)
    assert bench.history(CARD, 5) == History(inside=True, admitted_ago_ns=0)


def test_whoever_turned_back_was_not_there(bench: Bench) -> None:
    bench.admits(CARD, 5, passed=0)
    assert bench.history(CARD, 6) == NO_HISTORY


def test_whoever_went_out_is_outside_and_since_when(bench: Bench) -> None:
    bench.admits(CARD, 5)
    bench.admits(CARD, 60, direction=Direction.EXIT)
    assert bench.history(CARD, 62) == History(inside=False, admitted_ago_ns=2 * NS)


def test_after_the_night_nobody_is_inside_though_nothing_was_erased_yet(bench: Bench) -> None:
    bench.admits(CARD, 0)
    night_s = 19 * HOUR_S
    assert [bench.history(CARD, seconds).inside for seconds in (night_s - 1, night_s)] == [True, False]
    assert bench.history(CARD, night_s) == NO_HISTORY


def test_where_nobody_is_remembered_nobody_is_inside(bench: Bench) -> None:
    bench.admits(CARD, 0)
    assert bench.history(CARD, 5, FORGETS) == NO_HISTORY


# --- one person with several cards -----------------------------------------------------------------------------


def test_a_card_that_the_phone_named_is_the_same_person(bench: Bench) -> None:
    bench.admits(PHONE, 0)
    assert [bench.history(each, 3) for each in (CARD, INSURANCE)] == [History(inside=True, admitted_ago_ns=3 * NS)] * 2


def test_the_phone_that_names_two_cards_is_inside_by_either(bench: Bench) -> None:
    bench.admits(replace(PHONE, also=()), 0, passed=0)  # yesterday it was masked
    bench.admits(INSURANCE, 10)
    assert bench.history(PHONE, 12) == History(inside=True, admitted_ago_ns=2 * NS)


def test_of_two_stays_of_one_person_the_last_counts(bench: Bench) -> None:
    bench.admits(INSURANCE, 0)
    bench.admits(CARD, 10)
    assert bench.history(PHONE, 12) == History(inside=True, admitted_ago_ns=2 * NS)


def test_a_person_with_two_places_does_not_stand_in_their_own_way(bench: Bench) -> None:
    crowded = replace(REMEMBERS, capacity=5)
    stranger = replace(CARD, person_key=b"cccd:999000000002")
    for card in (CARD, INSURANCE, stranger):
        bench.admits(card, 0)
    asked = [bench.of(each, 1, crowded).history.occupied for each in (PHONE, CARD, replace(CARD, person_key=b"cccd:999000000003"))]
    assert asked == [1, 2, 3]
    assert bench.of(CARD, 1, REMEMBERS).history.occupied == 0  # nobody asks


def test_two_cards_are_one_person_from_the_phones_admission_on(bench: Bench) -> None:
    for card in (CARD, INSURANCE):
        bench.admits(card, 0)
    bench.admits(PHONE, 5, direction=Direction.EXIT)
    assert bench.inside() == 0
    bench.admits(CARD, 20)
    assert (bench.history(INSURANCE, 21).inside, bench.inside()) == (True, 1)


def test_a_grant_that_was_open_when_the_phone_told_is_the_persons(bench: Bench) -> None:
    bench.admits(CARD, 0)
    waiting = bench.admits(INSURANCE, 1, passed=None)
    bench.admits(PHONE, 2)
    bench.end(waiting, 1)
    with bench.store.recalling() as memory:
        (person,) = memory.persons_of([bench.fingerprints.of(INSURANCE.person_key)])
        assert (memory.stay_of(person), memory.occupied()) == (Stay(at(1), 1), 1)


# --- passes ----------------------------------------------------------------------------------------------------


def test_uses_are_those_of_the_pass_and_only_where_it_limits_them(bench: Bench) -> None:
    bench.admits(PASS, 0, policy=FORGETS)
    bench.admits(PASS, 1, passed=None, policy=FORGETS)
    assert bench.history(PASS, 2, FORGETS) == History(uses=2)
    assert bench.history(replace(PASS, uses=None), 2, FORGETS) == NO_HISTORY
    assert bench.history(replace(PASS, pass_key=None), 2, FORGETS) == NO_HISTORY


def test_the_step_that_was_admitted_is_remembered(bench: Bench) -> None:
    bench.admits(ROTATING, 0, policy=FORGETS)
    assert bench.history(replace(ROTATING, step=41), 1, FORGETS) == History(step=40)
    assert bench.history(replace(ROTATING, step=None), 1, FORGETS) == NO_HISTORY


# --- grants a minute -------------------------------------------------------------------------------------------


def test_people_who_were_let_in_count_for_a_minute(bench: Bench) -> None:
    bench.recall.granted(0)
    bench.recall.granted(10 * NS, 3)
    counts = [bench.history(CARD, seconds, FORGETS).grants_last_minute for seconds in (10, 59.999, 60, 69.999, 70)]
    assert (counts, MINUTE_NS) == ([4, 4, 3, 3, 0], 60 * NS)


# --- forgetting ------------------------------------------------------------------------------------------------


def erasures(bench: Bench, *moments: Moment) -> list[int]:
    """After which of ``moments`` something was erased."""
    counts = []
    for moment in moments:
        before = bench.store.erased
        bench.recall.forget_if_due(REMEMBERS, moment)
        counts.append(bench.store.erased - before)
    return counts


def test_erasing_is_due_at_the_start_every_hour_and_when_a_night_has_passed(bench: Bench) -> None:
    hour_s = FORGET_EVERY_NS / NS
    night_s = 19 * HOUR_S
    assert erasures(bench, at(0), at(1), at(hour_s - 1), at(hour_s), at(2 * hour_s - 1)) == [1, 0, 0, 1, 0]
    assert erasures(bench, at(night_s - 1800), at(night_s - 1), at(night_s), at(night_s + 1)) == [1, 0, 1, 0]


def test_without_a_clock_there_is_no_night_but_the_hour(bench: Bench) -> None:
    night_s = 19 * HOUR_S
    moments = [at(seconds, trust=ClockTrust.UNTRUSTED) for seconds in (night_s - 1800, night_s + 1, night_s + 1799, night_s + 1800)]
    assert erasures(bench, *moments) == [1, 0, 0, 1]


def test_who_was_inside_and_identities_that_are_due_are_erased(bench: Bench) -> None:
    bench.admits(CARD, 0)
    with bench.store.transaction() as writing:
        writing.identities.keep(1, b"sealed", 1, at(0))
    bench.recall.forget_if_due(REMEMBERS, at(HOUR_S))
    assert (bench.inside(), bench.store.identity(1)) == (1, b"sealed")
    bench.recall.forget_if_due(REMEMBERS, at(24 * HOUR_S))
    assert (bench.inside(), bench.store.identity(1)) == (0, None)


def test_what_cannot_be_erased_is_tried_again_in_an_hour(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.admits(CARD, 0)
    bench.store.willing = 0
    for seconds in (24 * HOUR_S, 24 * HOUR_S + 1):
        bench.recall.forget_if_due(REMEMBERS, at(seconds))
    bench.store.willing = 1_000_000
    assert erasures(bench, at(25 * HOUR_S - 1), at(25 * HOUR_S)) == [0, 1]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "nothing can be erased now, it is tried again in an hour: the disk is full"
    ]
    assert bench.inside() == 0
