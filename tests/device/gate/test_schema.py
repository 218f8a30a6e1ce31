from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from device.admission.presence import Moment
from device.domain import ClockTrust, EventType, Instant
from device.events.cloudevents import Stamp, body_hash, encode
from device.gate import reports
from device.gate.memory import Stay
from device.gate.schema import HEAD_TABLE, MIGRATIONS
from tests.device.gate.test_store import confirmed, opened

NOW = Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED)
BODY = encode(EventType.ALARM, {"what": "forced"}, subject="gate", time=NOW, stamp=Stamp("g1", "boot-0", "0123", 7, b""))
MOMENT = (NOW.utc.isoformat(), "trusted", "boot-0", 5)


def made_by(path: Path, steps: int) -> None:
    """A store as the version with so many steps left it: event 7 waits, somebody is inside and known, and a grant is open."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA page_size=4096")
        database.execute("PRAGMA journal_mode=WAL")
        for statements in MIGRATIONS[:steps]:
            database.executescript(statements)
        meta = {"epoch": b"0123", "last_sequence": b"7", "last_hash": body_hash(BODY), "clock_floor": NOW.utc.isoformat().encode()}
        database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        database.execute("INSERT INTO event VALUES (7, 'alarm', ?)", (BODY,))
        database.execute("INSERT INTO inside VALUES (x'01', 2, ?, ?, ?, ?)", MOMENT)
        database.execute("INSERT INTO known_as VALUES (x'0a', x'01', ?, ?, ?, ?)", MOMENT)
        database.execute("INSERT INTO open_grant (id, presentation, pass) VALUES ('id-1', 't-1', x'0b')")
        database.execute("INSERT INTO pass_use VALUES (x'0b', 3)")
        database.execute("INSERT INTO presentation VALUES ('t-1', 't-1', x'0c', 'boot-0', 5)")
        database.execute(f"PRAGMA user_version={steps}")


@pytest.mark.parametrize("steps", range(MIGRATIONS.index(reports.TABLES), MIGRATIONS.index(HEAD_TABLE) + 1))
def test_a_store_of_each_version_in_the_field_keeps_what_it_holds(tmp_path: Path, steps: int) -> None:
    made_by(tmp_path / "events.db", steps)
    for _ in range(2):
        with closing(opened(tmp_path)) as store, store.recalling() as memory:
            assert (store.epoch, store.last_sequence, store.clock_floor, store.unconfirmed()) == ("0123", 7, NOW.utc, 1)
            assert [event.body for event in store.events_after(0, 10)] == [BODY]
            assert (memory.uses_of(b"\x0b"), [grant.id for grant in store.open_grants()]) == (3, ["id-1"])
            assert (memory.stay_of(b"\x01"), memory.persons_of([b"\x0a"])) == (Stay(Moment(NOW, "boot-0", 5), 2), (b"\x01",))
    with closing(opened(tmp_path)) as store:
        with store.transaction() as writing:
            writing.append(EventType.AUDIT, {}, subject="gate", now=NOW)
        assert json.loads(store.events_after(7, 1)[0].body)["previoushash"] == body_hash(BODY).hex()
        assert (store.confirm(confirmed(store, 7, 8)), store.unconfirmed()) == (2, 0)


def test_an_old_store_keeps_its_page_size_and_a_new_one_has_ours(tmp_path: Path) -> None:
    made_by(tmp_path / "events.db", MIGRATIONS.index(HEAD_TABLE))
    (tmp_path / "new").mkdir()
    sizes = []
    for folder in (tmp_path, tmp_path / "new"):
        with closing(opened(folder)) as store:
            sizes.append(store._db.execute("PRAGMA page_size").fetchone()[0])
    assert sizes == [4096, 512]


def test_whoever_adds_a_type_of_event_adds_a_version_of_the_store() -> None:
    """An older program takes a type that it does not know for damage, and saves what it can. By the version it knows that it is older, and
    says who can read the file: add a step, an empty one if need be, and both numbers here.
    """
    assert (len(MIGRATIONS), len(EventType)) == (10, 6)
