"""The recorder's archive: every event once, in SQLite, on disk before anybody is told so."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Self

from device.errors import StoreError
from provisioning import files
from provisioning.operations.arrivals import Arrival

SCHEMA_VERSION = 1
BUSY_S = 5.0
"""A reader with the sqlite3 tool may hold the file for a moment; whoever holds it longer stops the recorder."""
JOURNAL_BYTES_MAX = 64 * 1024 * 1024
SYNCHRONOUS_FULL = 2

SCHEMA = """
CREATE TABLE events (
    source TEXT NOT NULL,
    epoch TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    received_at TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (source, id)
) STRICT
"""
INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, id) DO NOTHING"


class Verdict(Enum):
    STORED = auto()
    DUPLICATE = auto()  # the same bytes are there already
    CONFLICT = auto()  # other bytes have this id: a cloned or a meddled gate


class Archive:
    """Owned by one thread. Close it, or use it in a ``with``."""

    def __init__(self, path: Path) -> None:
        """Open the archive at ``path`` or make an empty one.

        Raises:
            StoreError: it cannot be opened, is of another version, or does not promise durable commits.
        """
        self._path = path
        files.make_folder(path.parent)
        with self._told():
            self._database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            with self._told():
                self._prepare()
        except StoreError:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._told():
            self._database.close()

    def store(self, arrivals: Sequence[Arrival], *, received_at: datetime) -> list[Verdict]:
        """One verdict for each of ``arrivals``, all in one commit: when this returns, they are on disk.

        Raises:
            StoreError: nothing of them was stored.
        """
        moment = received_at.isoformat(timespec="milliseconds")
        with self._told(), self._transaction():
            return [self._place(each, moment) for each in arrivals]

    def _place(self, each: Arrival, moment: str) -> Verdict:
        row = (each.source, each.epoch, each.sequence, each.id, each.type, moment, each.body)
        if self._database.execute(INSERT, row).rowcount == 1:
            return Verdict.STORED
        (body,) = self._database.execute("SELECT body FROM events WHERE source = ? AND id = ?", (each.source, each.id)).fetchone()
        return Verdict.DUPLICATE if body == each.body else Verdict.CONFLICT

    def _prepare(self) -> None:
        journal = self._pragma("journal_mode = WAL")
        self._pragma("synchronous = FULL")
        synchronous = self._pragma("synchronous")
        # Measured: WAL with NORMAL loses rows at a power cut, and a confirmed row is gone for good.
        if (journal, synchronous) != ("wal", SYNCHRONOUS_FULL):
            raise StoreError(
                f"{self._path} does not promise durable commits: journal {journal}, synchronous {synchronous}", hint="put it on a local file system"
            )
        self._pragma(f"journal_size_limit = {JOURNAL_BYTES_MAX}")
        version = self._pragma("user_version")
        if version == 0:
            with self._transaction():
                self._database.execute(SCHEMA)
                self._database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif version != SCHEMA_VERSION:
            raise StoreError(f"{self._path} has version {version}, this recorder writes {SCHEMA_VERSION}", hint="use the recorder that wrote it")

    def _pragma(self, text: str) -> object:
        row = self._database.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row else None

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the archive {self._path}: {error}", hint="is the disk full, the folder not ours, or the file in other hands?"
            ) from error
