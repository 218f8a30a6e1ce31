from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from device.errors import StoreError
from provisioning.operations.archive import Archive
from provisioning.operations.database import FILES, TryAgainError, look
from provisioning.operations.schema import SCHEMA_VERSION
from tests.provisioning.operations.played import NOW, Card


def test_every_commit_is_brought_to_disk(tmp_path: Path) -> None:
    with Archive(tmp_path / "events.sqlite") as archive:
        assert [archive.database.pragma(name) for name in ("journal_mode", "synchronous")] == ["wal", 2]


def test_a_store_without_a_durable_journal_is_refused() -> None:
    with pytest.raises(StoreError, match="does not promise durable commits: journal memory"):
        Archive(Path(":memory:"))


def test_a_folder_that_is_not_there_is_a_disk_that_is_away_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the folder of the archive is not there") as caught:
        Archive(tmp_path / "disk" / "events.sqlite")
    assert (caught.value.hint, list(tmp_path.iterdir())) == ("is its disk mounted? if it is, make the folder", [])


def test_a_lock_and_a_full_disk_pass_and_what_could_not_be_stored_is_stored_then(tmp_path: Path) -> None:
    file, card = tmp_path / "events.sqlite", Card()
    first, second = card.decide(), card.decide(filler="9" * 100_000)
    with Archive(file) as archive, closing(sqlite3.connect(file, isolation_level=None)) as other:
        archive.database.pragma("busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TryAgainError, match="database is locked"):
            archive.store([first], received_at=NOW)
        other.execute("ROLLBACK")
        archive.database.pragma(f"max_page_count = {archive.database.pragma('page_count')}")
        with pytest.raises(TryAgainError, match="disk is full"):
            archive.store([first, second], received_at=NOW)
        archive.database.pragma("max_page_count = 1000000")
        archive.store([first, second], received_at=NOW)
        assert archive.database.rows("SELECT sequence FROM events") == [(1,), (2,)]


@pytest.mark.parametrize("end", FILES)
def test_a_file_that_is_deleted_or_replaced_while_it_is_open_is_noticed(tmp_path: Path, end: str) -> None:
    file, card = tmp_path / "events.sqlite", Card()
    with Archive(file) as archive:
        archive.store([card.decide()], received_at=NOW)
        with closing(look(file, SCHEMA_VERSION)) as reader:
            reader.execute("SELECT count(*) FROM events").fetchone()
        archive.database.require_in_place()
        part = tmp_path / f"events.sqlite{end}"
        content = part.read_bytes()
        part.rename(tmp_path / "moved")
        with pytest.raises(StoreError, match="was deleted, replaced or unmounted while it was in use") as caught:
            archive.database.require_in_place()
        assert not isinstance(caught.value, TryAgainError)
        part.write_bytes(content)
        with pytest.raises(StoreError, match="was deleted, replaced or unmounted"):
            archive.database.require_in_place()
        (tmp_path / "moved").replace(part)
        archive.database.require_in_place()


def test_a_file_of_another_version_or_kind_is_told(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "newer")) as database:
        database.execute("PRAGMA user_version = 9")
    (tmp_path / "none").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match=f"has version 9, this recorder writes {SCHEMA_VERSION}"):
        Archive(tmp_path / "newer")
    with pytest.raises(StoreError, match="not a database"):
        Archive(tmp_path / "none")


def test_who_only_looks_makes_nothing_and_changes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        look(tmp_path / "events.sqlite", SCHEMA_VERSION)
    assert list(tmp_path.iterdir()) == []
    file = tmp_path / "events.sqlite"
    with Archive(file), closing(look(file, SCHEMA_VERSION)) as database, pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.execute("DELETE FROM events")
    with pytest.raises(StoreError, match="start the recorder once"):
        look(file, SCHEMA_VERSION + 1)
