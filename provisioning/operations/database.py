"""One SQLite file that promises durable commits, or an error that says why it does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device.errors import StoreError

BUSY_S = 5.0
"""A reader with the sqlite3 tool may hold the file for a moment; whoever holds it longer makes everything wait."""
PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
"""Somebody else's lock and a full disk leave the file as it was. After a failed write (``SQLITE_IOERR``) only a new process knows what is on disk."""
FILES = ("", "-wal", "-shm")
"""What SQLite keeps beside each other as long as a database is open."""
JOURNAL_BYTES_MAX = 64 * 1024 * 1024
SYNCHRONOUS_FULL = 2
CACHE_KIB = 64 * 1024
"""The index of a million events has some 50 MiB, and each gate writes at another place of it."""

Migration = Sequence[str]
"""The statements that lead from one version of the schema to the next."""


class TryAgainError(StoreError):
    """It will pass, or somebody will mend it, while this process runs. Nothing of what was asked for was written."""


class Database:
    """Owned by one thread. Rows come as tuples."""

    def __init__(self, path: Path, migrations: Sequence[Migration], *, called: str) -> None:
        """Open ``path`` or make it, and bring it to the version that ``migrations`` lead to. ``called`` names it in errors.

        Its folder is never made: where that is missing, a disk is.

        Raises:
            StoreError: it cannot be opened, is of a newer version, or does not promise durable commits.
        """
        self.path = path
        self.came_from = 0
        """The version that the file had; 0 where it is new."""
        self._called = called
        if not path.parent.is_dir():
            raise StoreError(f"the folder of the {called} is not there: {path.parent}", hint="is its disk mounted? if it is, make the folder")
        with self.told():
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, cached_statements=256)
        try:
            with self.told():
                self._promise()
                self._migrate(migrations)
        except StoreError:
            self._connection.close()
            raise
        self._opened = self._places()

    def close(self) -> None:
        with self.told():
            self._connection.close()

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._connection.execute(sql, values)

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row, if there is one."""
        found: tuple[Any, ...] | None = self._connection.execute(sql, values).fetchone()
        return found

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; on disk when it ends."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    @contextmanager
    def told(self) -> Iterator[None]:
        """Turns what SQLite says into a StoreError: a TryAgainError where the file is as it was."""
        try:
            yield
        except sqlite3.Error as error:
            passing = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF in PASSING  # the lower byte is the primary code
            raise (TryAgainError if passing else StoreError)(
                f"the {self._called} {self.path}: {error}", hint="is the disk full, the folder not ours, or the file in other hands?"
            ) from error

    @property
    def device(self) -> int | None:
        """The number of the file system on which it was opened."""
        (file, *_) = self._opened
        return file[0] if file else None

    def require_in_place(self) -> None:
        """To be asked after a commit and before anybody is told of it: SQLite goes on in a file that has no name any more.

        Raises:
            StoreError: a file of this database was deleted, replaced or hidden by another disk. What was committed since then is lost.
        """
        if self._places() != self._opened:
            raise StoreError(
                f"the {self._called} {self.path} was deleted, replaced or unmounted while it was in use",
                hint="where it is lost, docs/brokers.md says what to do",
            )

    def pragma(self, text: str) -> Any:
        row = self.row(f"PRAGMA {text}")
        return row[0] if row else None

    def _places(self) -> list[tuple[int, int] | None]:
        """Device and inode of each of its files."""
        return [_place(self.path.with_name(self.path.name + end)) for end in FILES]

    def _promise(self) -> None:
        journal = self.pragma("journal_mode = WAL")
        self.pragma("synchronous = FULL")
        synchronous = self.pragma("synchronous")
        # Measured: WAL with NORMAL loses rows at a power cut, and a confirmed row is gone for good.
        if (journal, synchronous) != ("wal", SYNCHRONOUS_FULL):
            raise StoreError(
                f"{self.path} does not promise durable commits: journal {journal}, synchronous {synchronous}", hint="put it on a local file system"
            )
        self.pragma(f"journal_size_limit = {JOURNAL_BYTES_MAX}")
        self.pragma(f"cache_size = -{CACHE_KIB}")

    def _migrate(self, migrations: Sequence[Migration]) -> None:
        with self.transaction():
            version = self.pragma("user_version")
            if version > len(migrations):
                raise StoreError(f"{self.path} has version {version}, this recorder writes {len(migrations)}", hint="use the recorder that wrote it")
            self.came_from = version
            for statements in migrations[version:]:
                for statement in statements:
                    self.execute(statement)
            if version < len(migrations):
                self.execute(f"PRAGMA user_version = {len(migrations)}")


def _place(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def look(path: Path, version: int) -> sqlite3.Connection:
    """``path`` for reading only, while a recorder may be writing to it.

    Raises:
        StoreError: it is not there, or of another version.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None)
        found = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.Error as error:
        raise StoreError(f"the archive {path}: {error}", hint="has the recorder run here? see [storage] in recorder.toml") from error
    if found != version:
        connection.close()
        raise StoreError(f"{path} has version {found}, not {version}", hint="start the recorder once: it brings the file up to date")
    return connection
