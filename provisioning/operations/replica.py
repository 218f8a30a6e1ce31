"""A second copy of what gates sent, on another disk. It follows the archive row by row, so it may begin empty or come back late."""

from __future__ import annotations

from pathlib import Path

from device.errors import StoreError
from provisioning.operations.database import Database
from provisioning.operations.schema import KEPT, REPLICA_MIGRATIONS

SLICE_ROWS = 1000
"""Copied in one commit, so that a replica that begins empty holds nothing up for longer than one."""


class Replica:
    """Rows of these tables are never changed or erased, so the archive's row numbers say what is missing."""

    def __init__(self, path: Path, archive: Database) -> None:
        """Nothing is opened yet: the disk may be away at the start as at any time."""
        self._path = path
        self._archive = archive
        self._database: Database | None = None

    def follow(self) -> bool:
        """Copy the next slice; whether all that the archive has is on disk in both.

        Raises:
            StoreError: it cannot be written, or is the replica of another archive. The next call opens it anew.
        """
        try:
            database = self._database = self._database or self._open()
            with database.told(), database.transaction():
                return all([self._copy(database, table) for table in KEPT])  # noqa: C419 - every table, not up to the first
        except StoreError:
            self.close()
            raise

    def close(self) -> None:
        if self._database is not None:
            database, self._database = self._database, None
            database.close()

    def _open(self) -> Database:
        database = Database(self._path, REPLICA_MIGRATIONS, called="replica")
        with database.told():
            mine = all(self._agrees(database, table) for table in KEPT)
        if not mine:
            database.close()
            raise StoreError(f"{self._path} is the replica of another archive", hint="give [replica] a file of its own")
        return database

    def _agrees(self, database: Database, table: str) -> bool:
        """Is its newest row what the archive has under that number?"""
        newest = database.row(f"SELECT rowid, source, id, body FROM {table} ORDER BY rowid DESC LIMIT 1")  # noqa: S608 - a name of ours
        return newest is None or newest == self._archive.row(f"SELECT rowid, source, id, body FROM {table} WHERE rowid = ?", newest[:1])  # noqa: S608

    def _copy(self, database: Database, table: str) -> bool:
        (last,) = database.row(f"SELECT ifnull(max(rowid), 0) FROM {table}") or (0,)  # noqa: S608
        rows = self._archive.rows(f"SELECT rowid, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, SLICE_ROWS))  # noqa: S608
        for row in rows:
            columns = "rowid, source, epoch, sequence, id, type, received_at, body" + (", hash" if table != "events" else "")
            database.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        return len(rows) < SLICE_ROWS
