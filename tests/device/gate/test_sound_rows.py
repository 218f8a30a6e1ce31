"""Rows as a worn card gives them back, written into a real store: table by table, and what the gate makes of each."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.admission.presence import Moment, age_ns
from device.admission.presentations import Remembered
from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreDamagedError, StoreError
from device.gate import reports
from device.gate.memory import OpenGrant
from device.gate.salvage import Opened, open_store
from device.gate.schema import HEAD_TABLE, MIGRATIONS
from device.gate.sound_rows import COLUMNS
from device.gate.store import SUSPECT, Store
from tests.device.gate.test_salvage import KEY, told
from tests.device.gate.test_schema import made_by

NOW = Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED)
AT = Moment(NOW, "boot-1", 1)
LATER = Moment(NOW, "boot-2", 1)
GRANT = OpenGrant("g1-e-9", "cafe-9", b"pass", b"person")
CODE = Remembered("0000aaaa-1", "cafe-9", b"code")


def opened(folder: Path) -> Opened:
    return open_store(folder / "events.db", gate="g1", boot="boot-1", key=KEY, now=NOW, reserve=0)


def fill(store: Store) -> None:
    """A row in every table."""
    first = OpenGrant("g1-e-1", "cafe-1", b"pass", b"guest")
    with store.transaction() as writing:
        for number in range(1, 6):
            writing.append(EventType.AUDIT, {"n": number}, subject="gate", now=NOW)
        writing.memory.open_grant(first, AT)
        writing.memory.end_grant(first, passed=1)
        writing.memory.open_grant(OpenGrant("g1-e-2", "cafe-2", None, b"leaver", people=2), AT)
        writing.memory.know(b"person", [b"name"], AT)
        writing.memory.count(2, AT)
        writing.memory.step(b"pass", 7)
        writing.memory.open_grant(GRANT, AT)
        writing.identities.keep(3, b"sealed", 30, AT)
        writing.reports.add(b"entry", NOW.utc)
        writing.reports.judge(NOW.utc)
        writing.remember(CODE, 1)
    store.void(2, "refused_135", KEY, AT)
    store._db.execute("INSERT INTO gone VALUES (?, ?, 'trusted', 'boot-1', 1)", (b"gone", NOW.utc.isoformat()))
    store._db.execute("INSERT INTO old_epoch VALUES ('00ff', 5)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(opened(tmp_path).store) as store:
        fill(store)
    return tmp_path


def write(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as database:
        assert database.execute(statement, values).rowcount == 1


def rows(folder: Path, table: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{folder / 'events.db'}?mode=ro", uri=True)) as database:
        return database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - names of this test


def alarm(store: Store) -> dict[str, Any]:
    kind, data = told(store)[0]
    assert kind == EventType.ALARM
    return {name: data[name] for name in ("what", "unread", "rows_lost") if name in data}


def test_every_column_of_every_table_is_looked_at(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "events.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        there = {table: {row[1] for row in database.execute(f"PRAGMA table_info({table})")} - {"one"} for table in tables}
    assert {table: set(columns) for table, columns in COLUMNS.items()} == there
    assert all(rows(folder, table) for table in COLUMNS)


def test_a_store_with_something_in_every_table_is_sound(folder: Path) -> None:
    found = opened(folder)
    with closing(found.store) as store:
        assert (found.damage, store.unconfirmed()) == (None, 5)


@pytest.mark.parametrize("steps", range(MIGRATIONS.index(reports.TABLES), MIGRATIONS.index(HEAD_TABLE) + 1))
def test_a_sound_store_of_each_version_in_the_field_is_not_set_aside(tmp_path: Path, steps: int) -> None:
    made_by(tmp_path / "events.db", steps)
    for _ in range(2):
        found = opened(tmp_path)
        found.store.close()
        assert (found.damage, found.store.epoch) == (None, "0123")


NOT_UTF_8 = b"\xff\xfe"
WRONG = [
    ("pass_use", "uses", "many"),
    ("pass_use", "uses", -1),
    ("pass_use", "pass", 7),
    ("rotating_step", "step", 2**62),
    ("open_grant", "id", NOT_UTF_8),
    ("open_grant", "direction", "entrz"),
    ("open_grant", "people", -3),
    ("open_grant", "utc", b"2026"),
    ("inside", "people", "x"),
    ("inside", "people", 2**40),
    ("inside", "person", "text"),
    ("inside", "utc", "2026-07-0q"),
    ("inside", "utc", "2026-07-01T00:00:00"),  # of no zone
    ("gone", "trust", "trustee"),
    ("gone", "at_ns", "late"),
    ("known_as", "person", 1.5),
    ("counted", "people", float("inf")),
    ("counted", "boot", NOT_UTF_8),
    ("reported", "utc", NOT_UTF_8),
    ("roll_call", "judged", "9999-12-31T23:59:59+00:00"),
    ("presentation", "track", NOT_UTF_8),
    ("presentation", "fingerprint", 1),
    ("identity", "sealed", "text"),
    ("identity", "retention_days", 2**50),
    ("identity", "sequence", -(2**63)),
    ("voided", "body", b"no event"),
    ("voided", "type", "audiu"),
]


def spoil(folder: Path, table: str, column: str, value: Any) -> None:
    """One row, as text where it is to be one."""
    place = "rowid=1" if table in {"open_grant", "inside", "event"} else "true"
    marked = "CAST(? AS TEXT)" if value == NOT_UTF_8 else "?"
    write(folder, f"UPDATE {table} SET {column}={marked} WHERE {place}", value)  # noqa: S608 - names of this test


@pytest.mark.parametrize(("table", "column", "value"), WRONG)
def test_a_row_that_does_not_hold_is_lost_and_told_and_the_rest_is_kept(folder: Path, table: str, column: str, value: Any) -> None:
    before = {each: len(rows(folder, each)) for each in COLUMNS if each not in {"meta", "head", "event", "old_epoch"}}
    spoil(folder, table, column, value)
    with closing(opened(folder).store) as store:
        assert alarm(store) == {"what": "store_damaged", "unread": [table], "rows_lost": 1}
        assert {each: len(rows(folder, each)) for each in before} == before | {table: before[table] - 1}
    again = opened(folder)
    again.store.close()
    assert again.damage is None


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE meta SET value=?", 5),
        ("UPDATE meta SET value=?", b"\xff" * 8),
        ("UPDATE head SET sequence=?", "x"),
        ("UPDATE head SET sequence=?", 2),  # and events follow
        ("UPDATE head SET sequence=?", 2**62),
        ("UPDATE head SET hash=?", b"\0" * 32),
        ("UPDATE head SET hash=?", "text"),
        ("UPDATE head SET events=?", 10**9),
        ("UPDATE head SET refusals=?", "x"),
        ("UPDATE head SET clock_floor=?", 5),
        ("UPDATE head SET clock_floor=?", "2026-07-01T00:00:00"),
        ("UPDATE head SET clock_floor=?", "6026-07-01T00:00:00+00:00"),
        ("UPDATE old_epoch SET shift=?", "x"),
        ("UPDATE old_epoch SET epoch=?", b"\xff"),
        ("UPDATE event SET body=? WHERE sequence=3", "text"),
        ("UPDATE event SET body=? WHERE sequence=3", 5),
        ("UPDATE event SET body=? WHERE sequence=3", b'{"type":"qrgate.audit"}'),
        ("UPDATE event SET type=? WHERE sequence=3", "audiu"),
        ("UPDATE event SET type=CAST(? AS TEXT) WHERE sequence=3", b"\xff"),
        ("UPDATE event SET refusal=? WHERE sequence=3", "x"),
        ("PRAGMA user_version=-7", None),
        ("PRAGMA user_version=3", None),
        ("PRAGMA user_version=1000011", None),
    ],
)
def test_what_the_store_goes_by_is_mended_once_and_the_events_are_saved(folder: Path, statement: str, value: Any) -> None:
    with closing(sqlite3.connect(folder / "events.db", isolation_level=None)) as database:
        database.execute(statement, () if value is None else (value,))
    found = opened(folder)
    with closing(found.store) as store:
        assert found.damage is not None
        assert (found.damage.saved >= 4, store.clock_floor in (NOW.utc, datetime.fromtimestamp(0, UTC))) == (True, True)
        assert [event.sequence for event in store.events_after(-100, 100)] == sorted(event.sequence for event in store.events_after(-100, 100))
        with store.recalling() as memory:
            assert memory.uses_of(b"pass") == 2
    again = opened(folder)
    again.store.close()
    assert again.damage is None


# --- at work ---------------------------------------------------------------------------------------------------


def remember(store: Store) -> None:
    store.remembered(2)


def look_up(store: Store) -> None:
    with store.recalling() as memory:
        memory.stay_of(b"guest")
        memory.uses_of(b"pass")
        memory.occupied()
        if (gone := memory.gone_since(b"gone")) is not None:
            age_ns(gone, LATER)
        memory.persons_of([b"name"])


def begin(store: Store) -> None:
    with store.transaction() as writing:
        writing.append(EventType.AUDIT, {"n": 6}, subject="gate", now=NOW)


def retain(store: Store) -> None:
    store.expire_originals(AT, 30)
    with store.erasing() as writing:
        writing.memory.forget(AT, 180)
        writing.identities.erase_due(AT)


def judge(store: Store) -> None:
    with store.roll_calls() as reports:
        reports.judged()


AT_WORK: list[tuple[str, str, Any, Callable[[Store], object]]] = [
    ("pass_use", "uses", "many", look_up),
    ("inside", "people", "x", look_up),
    ("inside", "boot", NOT_UTF_8, look_up),
    ("gone", "utc", "2026-07-01T00:00:00", look_up),
    ("known_as", "person", "text", look_up),
    ("counted", "people", float("inf"), look_up),
    ("open_grant", "direction", "entrz", Store.open_grants),
    ("open_grant", "presentation", NOT_UTF_8, Store.open_grants),
    ("presentation", "track", NOT_UTF_8, remember),
    ("inside", "at_ns", "late", retain),
    ("identity", "at_ns", "late", retain),
    ("identity", "retention_days", "long", retain),
    ("roll_call", "judged", "5", judge),
    ("event", "body", "text", lambda store: store.events_after(0, 10)),
    ("event", "body", 5, Store.oldest_waiting),
    ("event", "body", b'{"type":"qrgate.audit"}', Store.oldest_waiting),
    ("event", "type", NOT_UTF_8, lambda store: store.events_after(0, 10)),
]


@pytest.mark.parametrize(("table", "column", "value", "step"), AT_WORK)
def test_whoever_stumbles_over_a_row_at_work_ends_the_process_and_the_next_start_mends(
    folder: Path, table: str, column: str, value: Any, step: Callable[[Store], object]
) -> None:
    with closing(opened(folder).store) as store:
        spoil(folder, table, column, value)
        with pytest.raises(StoreDamagedError):
            step(store)
    assert (folder / f"events{SUSPECT}").exists()
    found = opened(folder)
    with closing(found.store) as store:
        assert found.damage is not None
        step(store)
    again = opened(folder)
    again.store.close()
    assert again.damage is None


def test_a_number_that_was_given_already_is_damage_and_no_full_disk(folder: Path) -> None:
    write(folder, "INSERT INTO event SELECT 6, type, body, 0 FROM event WHERE sequence=5")
    with closing(Store(folder / "events.db", gate="g1", boot="boot-1", reserve=0)) as store, pytest.raises(StoreDamagedError):
        begin(store)


def test_a_mistake_of_the_program_itself_sets_no_store_aside(folder: Path) -> None:
    with closing(opened(folder).store) as store:
        with pytest.raises(TypeError), store.transaction() as writing:
            writing.append(EventType.AUDIT, {"n": object()}, subject="gate", now=NOW)
        with pytest.raises(StoreError), store.transaction() as writing:
            writing.identities.keep(3, b"sealed", 30, AT)  # it has one
        with pytest.raises(KeyError), store.recalling():
            raise KeyError
        begin(store)
    assert not (folder / f"events{SUSPECT}").exists()
