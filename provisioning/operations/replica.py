"""A second copy of what gates sent, on another disk. It follows the archive row by row, so it may begin empty or come back late."""

from __future__ import annotations

from pathlib import Path

from device.errors import StoreError
from provisioning.operations.database import Database, TryAgainError
from provisioning.operations.schema import KEPT, REPLICA_MIGRATIONS

SLICE_ROWS = 1000
"""Copied in one commit, so that a replica that begins empty holds nothing up for longer than one."""


class Replica:
    """Rows of these tables are never changed or erased, so the archive's row numbers say what is missing."""

    def __init__(self, path: Path, archive: Database, *, same_disk: bool = False) -> None:
        """Nothing is opened yet: the disk may be away at the start as at any time. ``same_disk``: it may be the archive's own.

        Raises:
            StoreError: it is that one.
        """
        self._path = path
        self._archive = archive
        self._same_disk = same_disk
        self._database: Database | None = None
        self._require_another_disk()

    def follow(self) -> bool:
        """Copy the next slice; whether all that the archive has is on disk in both.

        Raises:
            TryAgainError: it cannot be written, has lost its file, or is the replica of another archive. The next call opens it anew.
        """
        try:
            database = self._database = self._database or self._open()
            with database.told(), database.transaction():
                complete = all([self._copy(database, table) for table in KEPT])  # noqa: C419 - every table, not up to the first
            database.require_in_place()
        except StoreError as error:
            self.close()
            raise TryAgainError(error.what, hint=error.hint) from error
        return complete

    def close(self) -> None:
        if self._database is not None:
            database, self._database = self._database, None
            database.close()

    def _require_another_disk(self) -> None:
        """Where its disk is not mounted there is often a folder all the same, and that is on the first disk."""
        try:
            device = self._path.resolve().parent.stat().st_dev
        except OSError:
            return  # it is away, and cannot be opened either
        if device == self._archive.device and not self._same_disk:
            raise StoreError(
                f"the replica {self._path} would lie on the disk of the archive",
                hint="is its own disk mounted? [replica] same_disk = true allows it, for a test or a laptop",
            )

    def _open(self) -> Database:
        self._require_another_disk()
        database = Database(self._path, REPLICA_MIGRATIONS, called="replica")
        with database.told():
            mine = all(self._agrees(database, table) for table in KEPT)
        if not mine:
            database.close()
            raise StoreError(
                f"{self._path} is the replica of another archive",
                hint="is that one lost? then name this file in [storage] and a new one in [replica]; else give [replica] a file of its own",
            )
        return database

    def _agrees(self, database: Database, table: str) -> bool:
        """Is its newest row what the archive has under that number?"""
        newest = database.row(f"SELECT rowid, source, id, body FROM {table} ORDER BY rowid DESC LIMIT 1")  # noqa: S608 - a name of ours
        with self._archive.told():
            return newest is None or newest == self._archive.row(f"SELECT rowid, source, id, body FROM {table} WHERE rowid = ?", newest[:1])  # noqa: S608

    def _copy(self, database: Database, table: str) -> bool:
        (last,) = database.row(f"SELECT ifnull(max(rowid), 0) FROM {table}") or (0,)  # noqa: S608
        with self._archive.told():
            rows = self._archive.rows(f"SELECT rowid, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, SLICE_ROWS))  # noqa: S608
        for row in rows:
            columns = "rowid, source, epoch, sequence, id, type, received_at, body" + (", hash" if table != "events" else "")
            database.execute(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        return len(rows) < SLICE_ROWS
