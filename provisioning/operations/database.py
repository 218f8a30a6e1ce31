"""One SQLite file that promises durable commits, or an error that says why it does not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from device.errors import StoreError
from provisioning import files

BUSY_S = 5.0
"""A reader with the sqlite3 tool may hold the file for a moment; whoever holds it longer stops the recorder."""
JOURNAL_BYTES_MAX = 64 * 1024 * 1024
SYNCHRONOUS_FULL = 2
CACHE_KIB = 64 * 1024
"""The index of a million events has some 50 MiB, and each gate writes at another place of it."""

Migration = Sequence[str]
"""The statements that lead from one version of the schema to the next."""


class Database:
    """Owned by one thread. Rows come as tuples."""

    def __init__(self, path: Path, migrations: Sequence[Migration], *, called: str) -> None:
        """Open ``path`` or make it, and bring it to the version that ``migrations`` lead to. ``called`` names it in errors.

        Raises:
            StoreError: it cannot be opened, is of a newer version, or does not promise durable commits.
        """
        self.path = path
        self._called = called
        files.make_folder(path.parent)
        with self.told():
            self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, cached_statements=256)
        try:
            with self.told():
                self._promise()
                self._migrate(migrations)
        except StoreError:
            self._connection.close()
            raise

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
        """Turns what SQLite says into a StoreError."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the {self._called} {self.path}: {error}", hint="is the disk full, the folder not ours, or the file in other hands?"
            ) from error

    def pragma(self, text: str) -> Any:
        row = self.row(f"PRAGMA {text}")
        return row[0] if row else None

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
            for statements in migrations[version:]:
                for statement in statements:
                    self.execute(statement)
            if version < len(migrations):
                self.execute(f"PRAGMA user_version = {len(migrations)}")


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
