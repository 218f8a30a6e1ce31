from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.presence import DAY_NS, Moment
from device.domain import ClockTrust, EventType, Instant
from device.events import void
from device.events.cloudevents import body_hash
from device.events.confirmation import Confirmation, range_digest
from device.events.void import Void
from device.gate.limits import Limits
from device.gate.store import Store
from device.gate.voids import VOIDED_MAX
from device.gate.waiting import EXPIRE_MAX
from tests.device.gate.test_store import NOW, NOW_MOMENT, append, confirmed, opened, sequences

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LATER = Instant(NOW.utc + timedelta(days=40), ClockTrust.TRUSTED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path)) as store:
        store._db.execute("PRAGMA synchronous=OFF")  # many commits, and no power cut
        yield store


def bodies(store: Store) -> list[bytes]:
    return [event.body for event in store.events_after(0, 1000)]


# --- voids -----------------------------------------------------------------------------------------------------


def test_a_void_stands_in_the_place_of_its_original_with_the_same_id_and_the_chain_goes_on_through_it(store: Store) -> None:
    append(store, 3, what="x")
    before = bodies(store)
    assert store.void(2, "refused_151", KEY, NOW_MOMENT)
    first, second, third = bodies(store)
    said = Void("g1", store.epoch, 2, 2, "refused_151", body_hash(before[1]))
    envelope = void.sign(KEY, said)
    original, stand_in = json.loads(before[1]), json.loads(second)
    assert stand_in == original | {"type": "qrgate.void", "dataschema": "urn:qrgate:void:1", "data": void.data(said, envelope, "audit")}
    assert (first, third, store.events_after(1, 1)[0].type) == (before[0], before[2], EventType.VOID)
    assert void.link(second).hex() == json.loads(third)["previoushash"]


def test_a_void_is_confirmed_like_any_event(store: Store) -> None:
    append(store, 3)
    store.void(2, "refused_151", KEY, NOW_MOMENT)
    assert (store.confirm(confirmed(store, 1, 3)), store.unconfirmed()) == (3, 0)


@pytest.mark.parametrize("is_confirmed", [False, True])
def test_an_original_goes_back_to_its_place_on_request_whatever_became_of_its_void(store: Store, is_confirmed: bool) -> None:
    append(store, 3)
    before = bodies(store)
    store.void(2, "refused_151", KEY, NOW_MOMENT)
    if is_confirmed:
        store.confirm(confirmed(store, 2, 2))
    assert (store.unvoid(1, 3), bodies(store), store.unconfirmed(), store.unvoid(1, 3)) == (1, before, 3, 0)
    assert store.confirm(confirmed(store, 1, 3)) == 3


def test_what_is_not_there_or_a_void_itself_is_not_voided(store: Store) -> None:
    append(store)
    assert [store.void(sequence, "refused_151", KEY, NOW_MOMENT) for sequence in (2, 1, 1)] == [False, True, False]


def test_a_broker_that_refuses_everything_makes_a_bounded_number_of_voids(store: Store) -> None:
    append(store, VOIDED_MAX + 5)
    made = sum(store.void(sequence, "refused_151", KEY, NOW_MOMENT) for sequence in range(1, VOIDED_MAX + 6))
    (voids,) = store._db.execute("SELECT count(*) FROM event WHERE type='void'").fetchone()
    assert (made, voids) == (VOIDED_MAX, VOIDED_MAX)
    store.unvoid(1, 1)
    assert store.void(VOIDED_MAX + 1, "refused_151", KEY, NOW_MOMENT)


def confirmed_original(store: Store, body: bytes, sequence: int) -> Confirmation:
    return Confirmation("g1", store.epoch, sequence, sequence, range_digest([body]))


@pytest.mark.parametrize("void_is_gone", [False, True])
def test_an_original_goes_when_the_recorder_has_it_by_its_own_digest_and_its_void_with_it(store: Store, void_is_gone: bool) -> None:
    append(store, 3)
    original = bodies(store)[1]
    store.void(2, "refused_151", KEY, NOW_MOMENT)
    if void_is_gone:
        store.confirm(confirmed(store, 2, 2))
    assert store.confirm(confirmed_original(store, original, 2)) == 1
    assert (sequences(store), store.unconfirmed(), store.unvoid(1, 3)) == ([1, 3], 2, 0)


def test_a_range_in_which_the_recorder_has_the_originals_is_let_go_with_them(store: Store) -> None:
    append(store, 4)
    before = confirmed(store, 1, 4)
    for sequence in (2, 4):
        store.void(sequence, "refused_151", KEY, NOW_MOMENT)
    assert (store.confirm(before), store.unconfirmed(), store.unvoid(1, 4)) == (4, 0, 0)


def test_no_original_goes_by_a_confirmation_of_its_void_however_often_it_comes(store: Store) -> None:
    append(store, 3)
    before = bodies(store)
    store.void(2, "refused_151", KEY, NOW_MOMENT)
    word = confirmed(store, 1, 3)
    assert [store.confirm(word) for _ in range(3)] == [3, 0, 0]
    assert store.confirm(confirmed_original(store, before[2], 2)) == 0  # of another event
    assert (store.unvoid(1, 3), bodies(store)) == (1, [before[1]])


def test_originals_count_as_events_of_a_store_that_fills(store: Store) -> None:
    append(store, 2)
    store._limits = Limits(events_max=4)
    store.void(1, "refused_151", KEY, NOW_MOMENT)
    shares = [store.fill().events]
    store.confirm(confirmed(store, 1, 2))
    shares.append(store.fill().events)
    store.unvoid(1, 1)
    store.confirm(confirmed(store, 1, 1))
    shares.append(store.fill().events)
    assert shares == [0.75, 0.25, 0]


def test_where_there_is_no_recorder_originals_are_erased_after_the_days_that_events_are_kept(store: Store) -> None:
    append(store, 2)
    store.void(1, "refused_151", KEY, NOW_MOMENT)
    store.confirm(confirmed(store, 1, 1))
    moments = [replace(NOW_MOMENT, monotonic_ns=days * DAY_NS + 1) for days in (29, 30)]
    assert [store.expire_originals(now, 30) for now in moments] == [0, 1]
    assert store.unvoid(1, 2) == 0


def test_no_original_is_erased_before_its_void(store: Store) -> None:
    append(store, 2)
    store.void(1, "refused_151", KEY, NOW_MOMENT)
    assert store.expire_originals(replace(NOW_MOMENT, monotonic_ns=400 * DAY_NS), 30) == 0
    assert store.unvoid(1, 2) == 1


def test_a_refusal_that_is_voided_no_longer_counts_as_one(store: Store) -> None:
    with store.transaction() as writing:
        writing.append(EventType.DECISION, {"admit": False, "direction": "entry"}, subject="t-1", now=NOW)
    counts = [store.fill().refusals > 0]
    store.void(1, "refused_151", KEY, NOW_MOMENT)
    counts.append(store.fill().refusals > 0)
    store.unvoid(1, 1)
    counts.append(store.fill().refusals > 0)
    store.confirm(confirmed(store, 1, 1))
    counts.append(store.fill().refusals > 0)
    assert counts == [True, False, True, False]


# --- without a recorder ----------------------------------------------------------------------------------------


def written(store: Store, *moments: Instant) -> None:
    for now in moments:
        with store.transaction() as writing:
            writing.append(EventType.AUDIT, {}, subject="gate", now=now)


def facts(store: Store) -> list[tuple[int, dict[str, Any]]]:
    return [(event.sequence, json.loads(event.body)["data"]) for event in store.events_after(0, 1000)]


def test_events_from_before_a_moment_expire_and_are_counted(store: Store) -> None:
    written(store, NOW, NOW, LATER)
    assert (store.expire(LATER, LATER), facts(store)) == (2, [(3, {}), (4, {"what": "events_expired", "n": 2})])
    assert store.expire(LATER, LATER) == 0


def test_an_event_without_a_clock_is_as_old_as_the_next_that_has_one(store: Store) -> None:
    unsure = Instant(datetime(1970, 1, 2, tzinfo=UTC), ClockTrust.UNTRUSTED)
    written(store, unsure, NOW, unsure, LATER)
    assert (store.expire(LATER, LATER), [sequence for sequence, _ in facts(store)]) == (2, [3, 4, 5])


def test_what_expires_makes_room_in_a_store_that_is_too_full(store: Store) -> None:
    written(store, NOW, NOW, LATER)
    store._limits = Limits(events_max=1)
    assert (store.expire(LATER, LATER), store.unconfirmed()) == (2, 2)


@pytest.mark.parametrize("unsure", [0, 1])
def test_without_a_clock_nothing_expires(store: Store, unsure: int) -> None:
    written(store, NOW, NOW)
    moments = [LATER, LATER]
    moments[unsure] = replace(LATER, trust=ClockTrust.UNTRUSTED)
    assert (store.expire(*moments), store.unconfirmed()) == (0, 2)


def test_a_bounded_number_expires_at_once(store: Store) -> None:
    with store.transaction() as writing:
        for _ in range(EXPIRE_MAX + 1):
            writing.append(EventType.AUDIT, {}, subject="gate", now=NOW)
    assert [store.expire(LATER, LATER), store.expire(LATER, LATER), store.expire(LATER, LATER)] == [EXPIRE_MAX, 1, 0]


# --- for the state ---------------------------------------------------------------------------------------------


def test_the_oldest_that_waits_is_told(store: Store) -> None:
    waits = [store.oldest_waiting()]
    written(store, NOW, LATER)
    waits.append(store.oldest_waiting())
    store.confirm(confirmed(store, 1, 1))
    waits.append(store.oldest_waiting())
    assert waits == [None, NOW.utc, LATER.utc]


def test_what_waits_is_counted_over_confirmations_and_restarts(store: Store, tmp_path: Path) -> None:
    append(store, 9)
    store.confirm(confirmed(store, 2, 4))
    with closing(opened(tmp_path)) as again:
        assert (again.unconfirmed(), len(sequences(again))) == (6, 6)


def test_the_head_is_where_the_chain_ends(store: Store) -> None:
    empty = store.head()
    append(store, 2)
    assert (empty.sequence, empty.hash, store.head().sequence, store.head().hash) == (0, b"", 2, body_hash(bodies(store)[1]))
    assert (store.head().gate, store.head().epoch) == ("g1", store.epoch)


def test_identities_are_erased_by_order_and_the_events_stay(store: Store) -> None:
    append(store, 3)
    with store.transaction() as writing:
        for sequence in (1, 2, 3):
            writing.identities.keep(sequence, b"sealed", 30, Moment(NOW, "boot-1", 1))
    before = bodies(store)
    with store.erasing() as writing:
        erased = writing.identities.erase(1, 2)
    assert (erased, [store.identity(number) for number in (1, 2, 3)], bodies(store)) == (2, [None, None, b"sealed"], before)
