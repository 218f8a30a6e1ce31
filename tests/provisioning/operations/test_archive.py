from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from device.errors import StoreError
from provisioning.operations.archive import Archive, Verdict
from provisioning.operations.arrivals import Arrival, read
from tests.provisioning.live import EPOCH, PROVINCE, decisions, event

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with Archive(tmp_path / "events.sqlite") as opened:
        yield opened


def arrival(sequence: int, **data: Any) -> Arrival:
    found = read(decisions("g-a"), event("g-a", sequence, **data), province=PROVINCE)
    assert isinstance(found, Arrival)
    return found


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute("SELECT * FROM events ORDER BY sequence").fetchall()


def test_an_event_is_stored_to_the_byte(archive: Archive, tmp_path: Path) -> None:
    assert archive.store([arrival(1)], received_at=NOW) == [Verdict.STORED]
    expected = ("/gates/g-a", EPOCH, 1, f"g-a-{EPOCH}-00000000000000000001", "qrgate.decision", "2026-11-01T00:00:00.000+00:00", event("g-a", 1))
    assert rows(tmp_path / "events.sqlite") == [expected]


def test_the_same_event_again_is_a_duplicate_in_one_batch_and_in_the_next(archive: Archive, tmp_path: Path) -> None:
    assert archive.store([arrival(1), arrival(1)], received_at=NOW) == [Verdict.STORED, Verdict.DUPLICATE]
    assert archive.store([arrival(1), arrival(2)], received_at=NOW) == [Verdict.DUPLICATE, Verdict.STORED]
    assert len(rows(tmp_path / "events.sqlite")) == 2


def test_other_bytes_under_the_same_id_are_a_conflict_and_the_first_stay(archive: Archive, tmp_path: Path) -> None:
    archive.store([arrival(1)], received_at=NOW)
    assert archive.store([arrival(1, admit=True)], received_at=NOW) == [Verdict.CONFLICT]
    assert [row[-1] for row in rows(tmp_path / "events.sqlite")] == [event("g-a", 1)]


def test_it_is_there_after_opening_again(tmp_path: Path) -> None:
    for expected in (Verdict.STORED, Verdict.DUPLICATE):
        with Archive(tmp_path / "events.sqlite") as archive:
            assert archive.store([arrival(1)], received_at=NOW) == [expected]


def test_every_commit_is_brought_to_disk(archive: Archive) -> None:
    pragmas = [archive._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


def test_a_store_without_a_durable_journal_is_refused() -> None:
    with pytest.raises(StoreError, match="does not promise durable commits: journal memory"):
        Archive(Path(":memory:"))


def test_a_batch_that_cannot_be_stored_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    archive._database.execute("CREATE TRIGGER full BEFORE INSERT ON events WHEN new.sequence = 2 BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(StoreError, match="disk full"):
        archive.store([arrival(1), arrival(2)], received_at=NOW)
    assert rows(tmp_path / "events.sqlite") == []
    assert archive.store([arrival(1)], received_at=NOW) == [Verdict.STORED]


def test_a_file_of_another_version_or_kind_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "newer")) as database:
        database.execute("PRAGMA user_version = 9")
    (tmp_path / "none").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="has version 9, this recorder writes 1"):
        Archive(tmp_path / "newer")
    with pytest.raises(StoreError, match="not a database"):
        Archive(tmp_path / "none")
