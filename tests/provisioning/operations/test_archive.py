from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from device.domain import EventType
from device.errors import StoreError
from device.events.topics import Topics
from provisioning.operations.alarms import What
from provisioning.operations.archive import Archive, Verdict
from provisioning.operations.arrivals import Arrival
from provisioning.operations.births import Birth
from provisioning.operations.given_up import ASKED_MAX
from provisioning.operations.repeats import Gap
from provisioning.operations.schema import EVENTS, REPLICA_MIGRATIONS
from tests.provisioning.live import PROVINCE, SITE
from tests.provisioning.operations.played import EPOCH, NOW, Card, key

STORED, DUPLICATE, CONFLICT, NOTED = Verdict.STORED, Verdict.DUPLICATE, Verdict.CONFLICT, Verdict.NOTED


@pytest.fixture
def card() -> Card:
    """Three events, none of them sent yet."""
    made = Card()
    for _ in range(3):
        made.decide()
    return made


def store(archive: Archive, *arrivals: Arrival | Birth, minutes: float = 0) -> list[Verdict]:
    return archive.store(arrivals, received_at=NOW + timedelta(minutes=minutes))


def rows(path: Path, table: str = "events") -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(f"SELECT * FROM {table} ORDER BY sequence").fetchall()  # noqa: S608 - a table of ours


def bodies(path: Path, table: str) -> list[object]:
    return [row[6] for row in rows(path, table)]


def alarms(archive: Archive, gate: str = "g-a") -> list[str]:
    return [what for what, _ in archive.register.alarms(gate)]


# --- every event once ------------------------------------------------------------------------------------------


def test_an_event_is_stored_to_the_byte(archive: Archive, card: Card, file: Path) -> None:
    assert store(archive, card.sent(1)) == [STORED]
    assert rows(file) == [("/gates/g-a", EPOCH, 1, card.id(1), "qrgate.decision", "2026-11-01T00:00:00.000+00:00", card.bodies[0])]


def test_the_same_event_again_is_a_duplicate_in_one_batch_and_in_the_next(archive: Archive, card: Card, file: Path) -> None:
    assert store(archive, card.sent(1), card.sent(1)) == [STORED, DUPLICATE]
    assert store(archive, card.sent(1), card.sent(2)) == [DUPLICATE, STORED]
    assert bodies(file, "events") == card.bodies[:2]


def test_it_is_there_after_opening_again(file: Path, card: Card) -> None:
    for expected in (STORED, DUPLICATE):
        with Archive(file) as archive:
            assert store(archive, card.sent(1)) == [expected]


def test_a_batch_that_cannot_be_stored_leaves_nothing(archive: Archive, card: Card, file: Path) -> None:
    archive.database.execute("CREATE TRIGGER full BEFORE INSERT ON events WHEN new.sequence = 2 BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(StoreError, match="disk full"):
        store(archive, card.sent(1), card.sent(2))
    assert rows(file) == []
    assert store(archive, card.sent(1), card.sent(3)) == [STORED, STORED]
    assert [gap.ranges for gap in archive.gaps(PROVINCE)] == [((2, 2),)]


def test_an_archive_of_the_recorder_before_is_brought_up_to_date_with_all_it_has(file: Path, card: Card) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as old:
        old.execute(EVENTS)
        old.execute("PRAGMA user_version = 1")
        for sequence in (1, 3):
            old.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)",
                ("/gates/g-a", EPOCH, sequence, card.id(sequence), "qrgate.decision", NOW.isoformat(), card.bodies[sequence - 1]),
            )
    with Archive(file) as archive:
        assert (archive.chains.missing("g-a", EPOCH), list(archive.gaps(PROVINCE))) == ([(2, 2)], [])  # it does not say at which site
        assert store(archive, card.sent(1), card.sent(2)) == [DUPLICATE, STORED]
        assert (archive.chains.missing("g-a", EPOCH), alarms(archive)) == ([], [])
    assert bodies(file, "events") == card.bodies


# --- gaps and the chain ----------------------------------------------------------------------------------------


def test_what_is_missing_is_known_until_it_comes_or_is_given_up(archive: Archive, card: Card) -> None:
    card.decide()
    store(archive, card.birth(), card.sent(1), card.sent(4))
    assert list(archive.gaps(PROVINCE)) == [Gap(Topics(PROVINCE, SITE, "g-a"), EPOCH, ((2, 3),))]
    store(archive, card.sent(2))
    later = Card(epoch="e2")
    store(archive, later.give_up_range(EPOCH, 3, 2**63 - 1))
    assert (list(archive.gaps(PROVINCE)), alarms(archive)) == ([], [])


def test_the_chain_is_checked_in_whatever_order_events_come_and_over_a_restart(file: Path, card: Card) -> None:
    for order in ([3, 1, 2], [1], [3], [2]):
        with Archive(file) as archive:
            store(archive, *(card.sent(sequence) for sequence in order))
            assert alarms(archive) == []


def test_an_event_that_does_not_name_the_one_before_it_is_kept_and_alarmed(archive: Archive, card: Card, file: Path) -> None:
    meddled = Card(hashes=[b""])
    meddled.decide(other=True)
    assert store(archive, card.sent(2), meddled.sent(1)) == [STORED, STORED]
    assert (alarms(archive), bodies(file, "events")) == ([What.BROKEN_CHAIN], [meddled.bodies[0], card.bodies[1]])


@pytest.mark.parametrize("head_first", [True, False])
def test_events_that_do_not_lead_to_the_signed_head_are_alarmed(archive: Archive, card: Card, *, head_first: bool) -> None:
    other = card.stolen()
    other.bodies, other.hashes = other.bodies[:2], other.hashes[:3]
    other.decide(other=True)
    arrivals: list[Arrival | Birth] = [card.birth(), other.sent(3)] if head_first else [other.sent(3), card.birth()]
    store(archive, *arrivals)
    assert alarms(archive) == [What.BROKEN_CHAIN]


# --- one identity, two devices ---------------------------------------------------------------------------------


def test_other_bytes_under_an_id_are_kept_beside_the_first_and_alarmed_once(archive: Archive, card: Card, file: Path) -> None:
    copied = card.stolen()
    card.decide()
    copied.decide(other=True)
    copied.decide()
    assert store(archive, *(card.sent(sequence) for sequence in (1, 2, 3, 4))) == [STORED] * 4
    assert store(archive, copied.sent(4), copied.sent(5)) == [CONFLICT, STORED]
    assert store(archive, copied.sent(4)) == [DUPLICATE]
    assert (bodies(file, "events"), bodies(file, "conflicts")) == ([*card.bodies, copied.bodies[4]], [copied.bodies[3]])
    assert alarms(archive) == [What.BROKEN_CHAIN, What.OTHER_BYTES]
    assert (archive.register.take_raised(), archive.register.take_raised()) == (["g-a"], [])


def test_conflicts_without_end_are_not_kept_without_end(archive: Archive, card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provisioning.operations.archive.DOUBTFUL_MAX", 1)
    store(archive, card.sent(1), card.sent(2))
    other = Card()
    for _ in range(2):
        other.decide(other=True)
    assert store(archive, other.sent(1), other.sent(2)) == [CONFLICT, Verdict.CROWDED]
    assert What.CROWDED in alarms(archive)


def test_another_key_is_alarmed_and_not_believed(archive: Archive, card: Card) -> None:
    stranger = Card(key=key(2), bodies=list(card.bodies), hashes=list(card.hashes))
    store(archive, card.birth(), stranger.birth(), *(card.sent(sequence) for sequence in (1, 2, 3)))
    assert alarms(archive) == [What.OTHER_KEY]
    stranger.give_up(2)
    assert store(archive, stranger.sent(2)) == [CONFLICT]
    assert alarms(archive) == [What.OTHER_BYTES, What.OTHER_KEY, What.UNSIGNED_VOID]


def test_two_devices_that_take_turns_are_noticed_and_a_broker_that_repeats_itself_is_not(archive: Archive, card: Card) -> None:
    copied = card.stolen()
    for minute in range(3):
        store(archive, card.birth(), copied.birth(), minutes=minute / 10)  # all within a minute, as after a broker's restart
    store(archive, card.birth(fresh=False), copied.birth(fresh=False), minutes=5)
    assert alarms(archive) == []
    for minute in range(10, 14):
        store(archive, card.birth(), copied.birth(), minutes=minute)
    assert alarms(archive) == [What.TWO_BOOTS]


def test_restarts_are_no_second_device(archive: Archive, card: Card) -> None:
    for number in range(100):
        card.boot = f"boot-{number}"
        store(archive, card.birth(fresh=number % 2 == 0), card.decide(), card.birth(), minutes=number)
    assert alarms(archive) == []


def test_an_older_copy_of_a_card_is_noticed_when_it_begins_behind(archive: Archive, card: Card) -> None:
    older = card.stolen()
    store(archive, card.birth(), *(card.sent(sequence) for sequence in (1, 2, 3)), card.decide())
    assert alarms(archive) == []
    store(archive, older.birth())
    assert alarms(archive) == [What.ROLLED_BACK]


# --- voids -----------------------------------------------------------------------------------------------------


def test_a_void_takes_an_event_s_place_in_the_chain(archive: Archive, card: Card, file: Path) -> None:
    card.give_up(2)
    assert store(archive, card.birth(), *(card.sent(sequence) for sequence in (1, 2, 3))) == [NOTED, STORED, STORED, STORED]
    assert (alarms(archive), bodies(file, "events")) == ([What.UNDELIVERED], card.bodies)


@pytest.mark.parametrize("void_first", [True, False])
@pytest.mark.parametrize("key_first", [True, False])
def test_an_event_and_its_void_are_both_kept_and_nothing_else_is_alarmed(
    archive: Archive, card: Card, file: Path, *, void_first: bool, key_first: bool
) -> None:
    original, void = card.sent(2), card.give_up(2)
    pair = [void, original] if void_first else [original, void]
    store(archive, *([card.birth()] if key_first else []), card.sent(1), card.sent(3))
    assert store(archive, *pair) == [STORED, STORED]
    assert store(archive, *pair, card.birth()) == [DUPLICATE, DUPLICATE, NOTED]
    assert (bodies(file, "voided"), bodies(file, "conflicts"), list(archive.gaps(PROVINCE))) == ([pair[1].body], [], [])
    assert alarms(archive) == ([What.UNDELIVERED] if void_first and key_first else [])


def originals(archive: Archive) -> list[Gap]:
    return [gap for gap in archive.gaps(PROVINCE) if gap.originals]


@pytest.mark.parametrize("key_first", [True, False])
def test_an_event_that_its_gate_has_given_up_is_asked_for_until_it_comes_and_operators_are_told_where_it_lies(
    file: Path, card: Card, *, key_first: bool
) -> None:
    """Whoever owns a gate's broker or uplink can have it give up events: that must not be their end."""
    original, void = card.sent(2), card.give_up(2)
    rest: list[Arrival | Birth] = [card.sent(1), void, card.sent(3)]
    with Archive(file) as archive:
        store(archive, *([card.birth(), *rest] if key_first else [*rest, card.birth()]))
        assert (originals(archive), alarms(archive)) == ([Gap(card.topics, EPOCH, ((2, 2),), originals=True)], [What.UNDELIVERED])
    with Archive(file) as archive:
        assert [gap.ranges for gap in originals(archive)] == [((2, 2),)]
        assert (archive.has_original(void), store(archive, original), archive.has_original(void)) == (False, [STORED], True)
        assert (list(archive.gaps(PROVINCE)), alarms(archive)) == ([], [What.UNDELIVERED])


def test_of_many_that_were_given_up_some_are_asked_for_and_none_is_left_out_for_ever(archive: Archive) -> None:
    card = Card()
    for _ in range(3 * ASKED_MAX):
        card.decide()
    store(archive, card.birth(), *(card.give_up(sequence) for sequence in range(1, 3 * ASKED_MAX + 1)))
    asked = [gap.ranges for _ in range(200) for gap in originals(archive)]
    assert {len(ranges) for ranges in asked} == {ASKED_MAX}
    assert {first for ranges in asked for first, _ in ranges} == set(range(1, 3 * ASKED_MAX + 1))


def test_what_a_damaged_store_has_lost_is_not_asked_for(archive: Archive, card: Card) -> None:
    store(archive, card.birth(), card.sent(1), card.sent(3), Card(epoch="e2").give_up_range(EPOCH, 1, 2**63 - 1))
    assert (list(archive.gaps(PROVINCE)), alarms(archive)) == ([], [])


def test_other_bytes_than_those_that_were_given_up_do_not_count_as_them(archive: Archive, card: Card) -> None:
    other = Card(hashes=card.hashes[:2], bodies=card.bodies[:1])
    other.decide(other=True)
    store(archive, card.birth(), card.sent(1), card.give_up(2), card.sent(3))
    assert store(archive, other.sent(2)) == [CONFLICT]
    assert ([gap.ranges for gap in originals(archive)], alarms(archive)) == ([((2, 2),)], [What.OTHER_BYTES, What.UNDELIVERED])


def test_one_event_may_be_given_up_for_several_reasons(archive: Archive, card: Card, file: Path) -> None:
    """The recorder asked for it, and it was refused again."""
    original, again = card.sent(2), card.stolen()
    assert store(archive, card.birth(), card.give_up(2), again.give_up(2, why="refused_135"), original) == [NOTED, STORED, STORED, STORED]
    assert (len(bodies(file, "voided")), bodies(file, "conflicts"), originals(archive), alarms(archive)) == (2, [], [], [What.UNDELIVERED])


def test_what_an_archive_of_the_recorder_before_took_for_given_up_is_asked_for(file: Path, card: Card) -> None:
    kept = card.sent(3)
    with Archive(file) as archive:
        store(archive, card.birth(), card.sent(1), card.give_up(2), kept, card.give_up(3))
    with closing(sqlite3.connect(file)) as old, old:
        old.executescript("DROP TABLE owed; DELETE FROM alarms; PRAGMA user_version = 2")
    with Archive(file) as archive:
        assert ([gap.ranges for gap in originals(archive)], alarms(archive)) == ([((2, 2),)], [What.UNDELIVERED])


def test_what_a_replica_that_became_the_archive_lacks_of_what_was_given_up_is_asked_for(file: Path, card: Card) -> None:
    void = card.give_up(2)
    with closing(sqlite3.connect(file, isolation_level=None)) as replica:
        for statement in REPLICA_MIGRATIONS[0]:
            replica.execute(statement)
        replica.execute("PRAGMA user_version = 1")
        row = (void.source, EPOCH, 2, void.id, void.type, NOW.isoformat(), void.body)
        replica.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    with Archive(file) as archive:
        before = originals(archive)
        store(archive, card.birth())
        assert (before, [gap.ranges for gap in originals(archive)]) == ([], [((2, 2),)])


def test_a_void_that_its_gate_did_not_sign_excuses_nothing(archive: Archive, card: Card, file: Path) -> None:
    store(archive, card.birth(), *(card.sent(sequence) for sequence in (1, 2, 3)))
    forged = card.give_up(2, signer=key(9))
    assert store(archive, forged) == [CONFLICT]
    assert (alarms(archive), bodies(file, "conflicts")) == ([What.OTHER_BYTES, What.UNSIGNED_VOID], [forged.body])


def test_a_void_from_before_its_gate_s_key_was_known_is_judged_once_it_is(archive: Archive, card: Card) -> None:
    store(archive, card.sent(3))
    later = Card(epoch="e2")
    store(archive, later.give_up_range(EPOCH, 1, 2))
    assert [gap.ranges for gap in archive.gaps(PROVINCE)] == [((1, 2),)]
    store(archive, later.birth())
    assert (list(archive.gaps(PROVINCE)), alarms(archive)) == ([], [])


def test_a_forged_void_from_before_is_alarmed_once_the_key_is_known(archive: Archive, card: Card) -> None:
    store(archive, card.sent(3), Card(epoch="e2", key=key(9)).give_up_range(EPOCH, 1, 2), card.birth())
    assert ([gap.ranges for gap in archive.gaps(PROVINCE)], alarms(archive)) == ([((1, 2),)], [What.UNSIGNED_VOID])


@pytest.mark.parametrize("data", [None, [], {"hash": "zz", "signature": ""}, {"hash": "99" * 32, "signature": 7}])
def test_a_void_that_is_none_is_an_event_like_any_other_and_alarmed(archive: Archive, data: object) -> None:
    card = Card()
    found = card.write(EventType.VOID, data)  # type: ignore[arg-type]  # what a meddled gate may send
    assert store(archive, card.birth(), found, card.decide(), card.birth()) == [NOTED, STORED, STORED, NOTED]
    assert alarms(archive) == [What.UNSIGNED_VOID]
