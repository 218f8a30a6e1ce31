from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from device.errors import StoreError
from provisioning.operations.archive import Archive
from provisioning.operations.database import look
from provisioning.operations.schema import SCHEMA_VERSION


def test_every_commit_is_brought_to_disk(tmp_path: Path) -> None:
    with Archive(tmp_path / "events.sqlite") as archive:
        assert [archive.database.pragma(name) for name in ("journal_mode", "synchronous")] == ["wal", 2]


def test_a_store_without_a_durable_journal_is_refused() -> None:
    with pytest.raises(StoreError, match="does not promise durable commits: journal memory"):
        Archive(Path(":memory:"))


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
