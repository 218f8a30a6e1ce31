from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.admission.presence import Moment
from device.admission.presentations import Remembered
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.errors import StoreDamagedError, StoreError, VerificationError
from device.events.cloudevents import body_hash, event_id
from device.events.confirmation import Confirmation, range_digest
from device.gate import memory
from device.gate.database import DAMAGED_HINT, DISK_HINT, probe
from device.gate.memory import OpenGrant
from device.gate.packing import unpack
from device.gate.room import RESERVE_BYTES
from device.gate.schema import MIGRATIONS, SCHEMA
from device.gate.store import PRESENTATION_NS, Store
from device.gate.waiting import BATCH_BYTES
from tests.device.strangers import needs_root, open_folder, somebody_else

NOW = Instant(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), ClockTrust.TRUSTED)
NOISE = random.Random(1).randbytes(4000).hex()  # 4,000 bytes on the disk: what repeats itself is packed
NOW_MOMENT = Moment(NOW, "boot-1", 1)


def opened(path: Path, *, gate: str = "g1", boot: str = "boot-1") -> Store:
    return Store(path / "events.db", gate=gate, boot=boot)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path)) as store:
        yield store


def append(store: Store, count: int = 1, **data: object) -> list[str]:
    """``count`` events, each in a transaction of its own; their ids."""
    ids = []
    for _ in range(count):
        with store.transaction() as writing:
            ids.append(writing.append(EventType.AUDIT, data, subject="gate", now=NOW))
    return ids


def confirmed(store: Store, first: int, last: int) -> Confirmation:
    bodies = [event.body for event in store.events_after(first - 1, last - first + 1)]
    return Confirmation("g1", store.epoch, first, last, range_digest(bodies))


def confirmed_all(store: Store, first: int, last: int) -> Confirmation:
    """The same for more events than fit one packet."""
    bodies = [unpack(body) for (body,) in store._db.execute("SELECT body FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence", (first, last))]
    return Confirmation("g1", store.epoch, first, last, range_digest(bodies))


def sequences(store: Store) -> list[int]:
    return [event.sequence for event in store.events_after(0, 1000)]


# --- durability ------------------------------------------------------------------------------------------------


def test_the_file_is_in_wal_and_commits_reach_the_disk(store: Store, tmp_path: Path) -> None:
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._db.execute("PRAGMA secure_delete").fetchone() == (1,)
    assert (tmp_path / "events.db-wal").exists()


def test_a_file_system_that_gives_no_wal_is_refused() -> None:
    with pytest.raises(StoreError) as caught:
        Store(Path(":memory:"), gate="g1", boot="boot-1")
    assert (caught.value.what, caught.value.hint) == (
        " runs with journal_mode=memory, synchronous=2",
        "the store needs a file system with WAL, such as ext4",
    )


COMMITTER = """\
import sys
from pathlib import Path
from tests.device.gate.test_store import append, opened
store = opened(Path(sys.argv[1]))
while True:
    print(append(store)[0], flush=True)
"""


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", COMMITTER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(100)]
        process.send_signal(signal.SIGKILL)
        printed += process.stdout.readlines()
    acknowledged = [line.strip() for line in printed if line.endswith("\n")]
    with closing(opened(tmp_path)) as store:
        events = list(_all(store))
        found = [json.loads(event.body)["id"] for event in events]
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) - len(acknowledged) in {0, 1}  # committed, and killed before it could be printed
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert append(store) == [event_id("g1", store.epoch, len(found) + 1)]


def _all(store: Store) -> Iterator[StoredEvent]:
    last = 0
    while batch := store.events_after(last, 1000):
        yield from batch
        last = batch[-1].sequence


# --- the chain -------------------------------------------------------------------------------------------------


def test_events_follow_each_other_without_a_gap_and_each_names_the_one_before(store: Store) -> None:
    append(store, 5, what="test")
    bodies = [event.body for event in store.events_after(0, 10)]
    assert [json.loads(body)["sequence"] for body in bodies] == [f"{number:020d}" for number in range(1, 6)]
    assert [json.loads(body)["previoushash"] for body in bodies] == ["", *(body_hash(body).hex() for body in bodies[:-1])]


def test_the_chain_goes_on_after_a_restart_even_where_all_is_confirmed(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        append(store, 3)
        epoch, last = store.epoch, store.events_after(2, 1)[0].body
        store.confirm(confirmed(store, 1, 3))
    with closing(opened(tmp_path, boot="boot-2")) as store:
        assert (store.epoch, store.last_sequence, sequences(store)) == (epoch, 3, [])
        append(store)
        (event,) = store.events_after(0, 10)
        stamp = json.loads(event.body)
        assert (event.sequence, stamp["previoushash"], stamp["bootid"], stamp["epoch"]) == (4, body_hash(last).hex(), "boot-2", epoch)


def test_a_store_that_was_lost_begins_a_new_epoch(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with closing(opened(tmp_path)) as one, closing(opened(tmp_path / "other")) as other:
        assert one.epoch != other.epoch


def test_an_exception_inside_a_transaction_leaves_nothing_and_the_sequence_goes_on_without_a_gap(store: Store, tmp_path: Path) -> None:
    append(store, 2)
    with suppress(KeyError), store.transaction() as writing:
        id_ = writing.append(EventType.DECISION, {}, subject="s", now=NOW)
        writing.memory.open_grant(OpenGrant(id_, "t-1", b"pass"), NOW_MOMENT)
        writing.remember(Remembered("t-1", "t-1", b"print"), 1)
        raise KeyError
    assert (sequences(store), store.last_sequence, store.open_grants(), store._memory.uses_of(b"pass"), store.remembered(2)) == ([1, 2], 2, [], 0, [])
    append(store)
    _, second, third = (event.body for event in store.events_after(0, 10))
    assert json.loads(third)["previoushash"] == body_hash(second).hex()
    assert json.loads(third)["sequence"] == f"{3:020d}"
    with closing(sqlite3.connect(tmp_path / "events.db")) as reader:
        assert reader.execute("SELECT sequence FROM head").fetchone() == (3,)


def test_several_events_of_one_transaction_stand_in_order(store: Store) -> None:
    with store.transaction() as writing:
        ids = [writing.append(EventType.AUDIT, {"n": number}, subject="gate", now=NOW) for number in range(3)]
    assert [json.loads(event.body)["id"] for event in store.events_after(0, 10)] == ids


def test_the_latest_trusted_time_is_the_floor_of_the_clock_after_a_restart(tmp_path: Path) -> None:
    later, untrusted = NOW.utc + timedelta(hours=1), NOW.utc + timedelta(days=9)
    with closing(opened(tmp_path)) as store:
        assert store.clock_floor == datetime.fromtimestamp(0, UTC)
        for now in (NOW, Instant(later, ClockTrust.TRUSTED), NOW, Instant(untrusted, ClockTrust.UNTRUSTED)):
            with store.transaction() as writing:
                writing.append(EventType.AUDIT, {}, subject="gate", now=now)
    with closing(opened(tmp_path)) as store:
        assert store.clock_floor == later


# --- reading ---------------------------------------------------------------------------------------------------


def test_events_are_given_in_order_after_a_sequence_and_no_more_than_asked(store: Store) -> None:
    append(store, 5)
    assert [[event.sequence for event in store.events_after(*asked)] for asked in ((0, 2), (2, 2), (4, 9), (5, 9), (0, 0))] == [
        [1, 2],
        [3, 4],
        [5],
        [],
        [],
    ]


def test_a_batch_fits_a_packet_and_is_never_empty(store: Store) -> None:
    append(store, 3, text="x" * (BATCH_BYTES // 2))
    append(store, 1, text="x" * (BATCH_BYTES * 2))
    assert [[event.sequence for event in store.events_after(after, 9)] for after in (0, 1, 3)] == [[1], [2], [4]]


# --- confirmations ---------------------------------------------------------------------------------------------


def test_a_confirmed_range_is_let_go_and_nothing_else(store: Store) -> None:
    append(store, 5)
    assert (store.confirm(confirmed(store, 2, 3)), sequences(store), store.unconfirmed()) == (2, [1, 4, 5], 3)


def test_a_confirmation_that_was_seen_before_does_nothing(store: Store) -> None:
    append(store, 3)
    confirmation = confirmed(store, 1, 2)
    assert [store.confirm(confirmation), store.confirm(confirmation), sequences(store)] == [2, 0, [3]]


@pytest.mark.parametrize(
    "other",
    [
        {"gate": "g2"},
        {"epoch": "0" * 16},
        {"last": 4},
        {"first": 4, "last": 9},
        {"digest": bytes(32)},
        {"digest": b""},
        {"last": 3},
        {"first": 2},
    ],
    ids=["another gate", "another epoch", "beyond the last", "all in the future", "another digest", "no digest", "longer", "shorter"],
)
def test_a_confirmation_that_does_not_fit_lets_nothing_go(store: Store, other: dict[str, object]) -> None:
    append(store, 3)
    with pytest.raises(VerificationError):
        store.confirm(replace(confirmed(store, 1, 2), **other))  # type: ignore[arg-type]
    assert sequences(store) == [1, 2, 3]


def test_a_range_of_which_a_part_is_gone_lets_nothing_go(store: Store) -> None:
    append(store, 4)
    whole = confirmed(store, 1, 4)
    store.confirm(confirmed(store, 2, 2))
    with pytest.raises(VerificationError):
        store.confirm(whole)
    assert sequences(store) == [1, 3, 4]


# --- grants and uses -------------------------------------------------------------------------------------------


def test_a_use_is_reserved_with_the_grant_and_consumed_or_given_back_with_its_end(tmp_path: Path) -> None:
    grants = [OpenGrant(f"id-{number}", f"t-{number}", b"pass") for number in range(3)]
    with closing(opened(tmp_path)) as store:
        with store.transaction() as writing:
            for grant in grants:
                writing.memory.open_grant(grant, NOW_MOMENT)
        assert (store._memory.uses_of(b"pass"), store.open_grants()) == (3, grants)
        with store.transaction() as writing:
            writing.memory.end_grant(grants[0], passed=0)
            writing.memory.end_grant(grants[1], passed=1)
    with closing(opened(tmp_path)) as store:
        assert (store._memory.uses_of(b"pass"), store._memory.uses_of(b"other"), store.open_grants()) == (2, 0, [grants[2]])


def test_a_grant_of_a_pass_that_is_not_counted_uses_nothing(store: Store) -> None:
    grant = OpenGrant("id-1", "t-1", None)
    with store.transaction() as writing:
        writing.memory.open_grant(grant, NOW_MOMENT)
    assert store.open_grants() == [grant]
    with store.transaction() as writing:
        writing.memory.end_grant(grant, passed=0)
    assert store.open_grants() == []


# --- what may still be held up ---------------------------------------------------------------------------------


def test_presentations_are_remembered_over_a_restart_of_the_process(tmp_path: Path) -> None:
    known = [Remembered("r-1", "r-1", b"one"), Remembered("r-2", "r-1", b"two")]
    with closing(opened(tmp_path)) as store, store.transaction() as writing:
        for each in known:
            writing.remember(each, 5)
    with closing(opened(tmp_path)) as store:
        assert store.remembered(6) == known


def test_presentations_of_another_boot_are_not_remembered(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store, store.transaction() as writing:
        writing.remember(Remembered("r-1", "r-1", b"one"), 5)
    with closing(opened(tmp_path, boot="boot-2")) as store:
        assert store.remembered(6) == []


def test_presentations_are_forgotten_after_ten_minutes_and_erased_with_the_next(store: Store) -> None:
    with store.transaction() as writing:
        writing.remember(Remembered("r-1", "r-1", b"one"), 0)
    assert [len(store.remembered(now_ns)) for now_ns in (PRESENTATION_NS - 1, PRESENTATION_NS)] == [1, 0]
    with store.transaction() as writing:
        writing.remember(Remembered("r-2", "r-2", b"two"), PRESENTATION_NS + 1)
    assert store._db.execute("SELECT track FROM presentation").fetchall() == [("r-2",)]


# --- a disk that will not do -----------------------------------------------------------------------------------


def test_a_full_disk_is_a_store_error_and_nothing_acknowledged_is_lost(store: Store, tmp_path: Path) -> None:
    append(store, 3)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count={pages}")
    acknowledged = 3
    with suppress(StoreError):
        while True:
            append(store, text="x")
            acknowledged += 1
    with pytest.raises(StoreError) as caught:
        append(store, text="x" * 1000)
    assert str(caught.value) == f"the store cannot be used: database or disk is full\n  → {DISK_HINT}"
    assert sequences(store) == list(range(1, acknowledged + 1))
    store._db.execute(f"PRAGMA max_page_count={pages + 1000}")
    append(store)  # room was made: it goes on, without a gap
    with closing(opened(tmp_path)) as again:
        assert sequences(again) == list(range(1, acknowledged + 2))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, two mebibytes larger than the reserve."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={RESERVE_BYTES + 2 * 2**20}", "qrgate-test", str(tmp_path)]
    if os.getuid() != 0 or subprocess.run(command, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(store: Store) -> StoreError:
    """Append until there is no room, which is told in these words."""
    for _ in range(2000):
        try:
            append(store, text=NOISE)
        except StoreError as error:
            return error
    return pytest.fail("there is still room")


def test_a_store_that_filled_its_disk_takes_new_facts_again_after_a_confirmation(small_disk: Path) -> None:
    with closing(opened(small_disk)) as store:
        for _ in range(3):
            error = fill(store)
            assert (error.what, error.hint) == (
                f"31 MiB are free at {small_disk}, and 32 are kept for letting delivered events go",
                "does the uplink deliver? otherwise make room; `df` and `qrgate doctor` tell",
            )
            first, last = sequences(store)[0], store.last_sequence
            assert store.confirm(confirmed_all(store, first, last)) == last - first + 1 > 200
            append(store)
            assert sequences(store) == [last + 1]


def test_a_store_that_filled_its_disk_keeps_what_it_needs_to_let_go_over_a_restart(small_disk: Path) -> None:
    with closing(opened(small_disk)) as store:
        fill(store)
    with closing(opened(small_disk)) as store:
        fill(store)
        assert store.confirm(confirmed_all(store, 1, 10)) == 10
        append(store)


def test_the_reserve_is_left_and_nothing_is_half_recorded(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        append(store)
    disk = os.statvfs(tmp_path)
    with closing(Store(tmp_path / "events.db", gate="g1", boot="boot-1", reserve=disk.f_blocks * disk.f_frsize + 2**30)) as store:
        fill(store)
        assert (sequences(store), store.open_grants(), store.last_sequence) == ([1], [], 1)
        assert store.confirm(confirmed(store, 1, 1)) == 1


@needs_root
def test_a_file_that_may_only_be_read_is_a_store_error() -> None:
    with open_folder() as folder:
        with closing(opened(folder)) as store:
            append(store)
        for path in folder.iterdir():
            path.chmod(0o644)
        with somebody_else(), pytest.raises(StoreError) as caught, closing(opened(folder)) as store:
            append(store)
        assert caught.value.hint == DISK_HINT
        with closing(opened(folder)) as store:
            assert sequences(store) == [1]


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\x00" + b"\xff" * 5000], ids=["text", "a torn head"])
def test_a_file_that_is_no_database_is_told_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "events.db").write_bytes(content)
    with pytest.raises(StoreDamagedError) as caught:
        opened(tmp_path)
    assert caught.value.what.startswith(f"{tmp_path}/events.db cannot be used: ")
    assert caught.value.hint == DAMAGED_HINT
    assert (tmp_path / "events.db").read_bytes() == content


@pytest.mark.parametrize(
    ("deleting", "what"),
    [
        ("DELETE FROM meta", "the store lacks its epoch"),
        ("DELETE FROM head", "the store does not tell where its chain ends"),
        ("UPDATE head SET clock_floor='1970-0z-01T00:00:00+00:00'", "the store does not tell what time has passed"),
    ],
)
def test_a_store_that_lost_what_it_goes_by_is_damaged(tmp_path: Path, deleting: str, what: str) -> None:
    opened(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as database:
        database.execute(deleting)
    with pytest.raises(StoreDamagedError) as caught:
        opened(tmp_path)
    assert str(caught.value) == f"{what}\n  → {DAMAGED_HINT}"


def test_an_event_of_no_type_is_damage_and_not_the_end_of_each_start(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        append(store)
        store._db.execute("UPDATE event SET type='audiu'")  # one bit
        with pytest.raises(StoreDamagedError):
            store.events_after(0, 10)
        assert (tmp_path / "events.suspect").exists()


def test_a_store_of_another_version_is_told(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError) as caught:
        opened(tmp_path)
    assert str(caught.value) == f"{tmp_path}/events.db has schema 99, this version knows {len(MIGRATIONS)}\n  → install the version that wrote it"


def test_a_store_of_the_first_version_keeps_what_it_holds_and_learns_the_rest(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as database:
        for statement in SCHEMA.strip().split(";\n"):
            database.execute(statement)
        meta = {"epoch": b"0123", "last_sequence": b"0", "last_hash": b"", "clock_floor": b"1970-01-01T00:00:00+00:00"}
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        database.execute("INSERT INTO open_grant VALUES ('id-1', 't-1', x'01')")
        database.execute("INSERT INTO pass_use VALUES (x'01', 1)")
        database.execute("PRAGMA user_version=1")
    with closing(opened(tmp_path)) as store:
        assert (store.epoch, store.open_grants(), store._memory.uses_of(b"\x01")) == ("0123", [OpenGrant("id-1", "t-1", b"\x01")], 1)
        with store.transaction() as writing:
            writing.memory.end_grant(store.open_grants()[0], passed=0)
    with closing(opened(tmp_path)) as store:
        assert (store.open_grants(), store._memory.uses_of(b"\x01")) == ([], 0)


def test_a_store_from_before_people_were_counted_keeps_who_is_inside_and_counts_from_now_on(tmp_path: Path) -> None:
    before_counting = MIGRATIONS.index(memory.COUNTED_TABLE)
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as database:
        for statements in MIGRATIONS[:before_counting]:
            database.executescript(statements)
        meta = {"epoch": b"0123", "last_sequence": b"7", "last_hash": b"", "clock_floor": b"1970-01-01T00:00:00+00:00"}
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        database.execute("INSERT INTO inside VALUES (x'01', 3, ?, 'trusted', 'boot-0', 1)", (NOW.utc.isoformat(),))
        database.execute(f"PRAGMA user_version={before_counting}")
    for inside in (2, 1):
        with closing(opened(tmp_path)) as store:
            with store.transaction() as writing:
                writing.memory.count(-1, NOW_MOMENT)
            with store.recalling() as remembered:
                assert (store.epoch, store.last_sequence, remembered.occupied()) == ("0123", 7, inside)


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        opened(tmp_path / "missing")
    assert caught.value.what == f"{tmp_path}/missing/events.db cannot be used: unable to open database file"


def test_a_store_that_somebody_else_writes_to_is_a_store_error_after_a_second(store: Store, tmp_path: Path) -> None:
    append(store)
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            append(store)
        assert caught.value.what == "the store cannot be used: database is locked"
        other.execute("ROLLBACK")
    append(store)
    assert sequences(store) == [1, 2]


# --- probe -----------------------------------------------------------------------------------------------------


def test_a_probe_measures_a_commit_and_leaves_nothing(tmp_path: Path) -> None:
    assert 0 < probe(tmp_path / "events.db") < 5000
    assert list(tmp_path.iterdir()) == []


@needs_root
def test_a_probe_where_nothing_may_be_written_is_a_store_error() -> None:
    with open_folder() as folder, somebody_else(), pytest.raises(StoreError):
        probe(folder / "events.db")
