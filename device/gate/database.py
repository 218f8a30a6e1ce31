"""The store's connection to its file: how it is set up, brought to this version's tables, and what its errors mean."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from device.errors import QrgateError, StoreDamagedError, StoreError
from device.gate.schema import MIGRATIONS

PAGE_BYTES = 512
"""Of a new file. A commit writes whole pages, into the log and later into the file, and most rows here are short (measured: see the decision
on the store's file)."""

READ_BYTES = 1024 * 1024

PATIENCE_S = 1.0
"""Somebody else who writes to the file is waited for so long; nobody should."""

PATIENCE_STEPS = 100_000
"""Of SQLite's machine, between two looks at the clock."""

VERSION_MAX = 1_000
"""No version of this program will know so many: a number beyond is damage, and not a version's."""

DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
NOT_THESE_TABLES = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH)
"""What a step from one version to the next ends with on a file that is not of the version that it names."""
DAMAGED_HINT = "start the gate again: it sets the file aside, saves what can be read, and begins a new epoch"
DISK_HINT = "is the disk full, read-only or worn out, or the folder another user's? `df`, `ls -l`, `dmesg` and `qrgate doctor` tell"


@contextmanager
def as_store_error(what: object) -> Iterator[None]:
    """Raises StoreError or StoreDamagedError in place of what SQLite or the disk says."""
    try:
        yield
    except sqlite3.Error as error:
        if _kind(error) in DAMAGED:
            raise StoreDamagedError(f"{what} cannot be used: {error}", hint=DAMAGED_HINT) from None
        raise StoreError(f"{what} cannot be used: {error}", hint=DISK_HINT) from None
    except QrgateError:
        raise
    except OSError as error:
        raise StoreError(f"{what} cannot be used: {error.strerror}", hint=DISK_HINT) from None


def _kind(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte (sqlite.org/rescode.html)


def must_be_given(path: Path) -> None:
    """Read every byte of the database and its log: before damage is believed.

    SQLite calls damage what may be a disk that answers no read (SQLITE_IOERR_CORRUPTFS): a file on it is as sound as before,
    once the disk is back.

    Raises:
        StoreError: the disk does not give them.
    """
    for each in (path, path.with_name(path.name + "-wal")):
        with as_store_error(each), suppress(FileNotFoundError), each.open("rb", buffering=0) as file:
            while file.read(READ_BYTES):
                pass


def connect(path: Path) -> sqlite3.Connection:
    """WAL with ``synchronous=FULL``, or nothing. Reading a text that is none is StoreDamagedError. Raises StoreError, sqlite3.Error."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=PATIENCE_S)
    try:
        _set_up(database)
    except BaseException:
        database.close()
        raise
    return database


def _set_up(database: sqlite3.Connection) -> None:
    database.text_factory = _text
    path = database.execute("PRAGMA database_list").fetchone()[2]
    database.execute(f"PRAGMA page_size={PAGE_BYTES}")  # a file that exists keeps its own
    (journal,) = database.execute("PRAGMA journal_mode=WAL").fetchone()
    database.execute("PRAGMA synchronous=FULL")
    (synchronous,) = database.execute("PRAGMA synchronous").fetchone()
    if (journal, synchronous) != ("wal", 2):
        raise StoreError(
            f"{path} runs with journal_mode={journal}, synchronous={synchronous}", hint="the store needs a file system with WAL, such as ext4"
        )
    database.execute("PRAGMA secure_delete=ON")


def _text(stored: bytes) -> str:
    """Raises StoreDamagedError: SQLite takes any bytes for a text, and Python's module would call it an error like that of a full disk."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        raise StoreDamagedError("a text in the store is none", hint=DAMAGED_HINT) from None


@contextmanager
def patience(database: sqlite3.Connection, within_s: float) -> Iterator[None]:
    """What is asked inside is given up after so long: sqlite3.OperationalError."""
    until = time.monotonic() + within_s
    database.set_progress_handler(lambda: time.monotonic() > until, PATIENCE_STEPS)
    try:
        yield
    finally:
        database.set_progress_handler(None, 0)


def migrate(database: sqlite3.Connection) -> None:
    """Make the tables of this version, or bring an older file's to it.

    Raises:
        StoreError: it is a newer version's.
        StoreDamagedError: it is not of the version that it names.
        sqlite3.Error: the disk will not do.
    Nothing is half done then.
    """
    path = database.execute("PRAGMA database_list").fetchone()[2]
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= VERSION_MAX:
        raise StoreDamagedError(f"{path} has schema {version}, and there is no such version", hint=DAMAGED_HINT)
    if version > len(MIGRATIONS):
        raise StoreError(f"{path} has schema {version}, this version knows {len(MIGRATIONS)}", hint="install the version that wrote it")
    if version == len(MIGRATIONS):
        return
    try:
        with transaction(database):
            _take_steps(database, version)
    except sqlite3.Error as error:
        if _kind(error) in NOT_THESE_TABLES:
            raise StoreDamagedError(f"{path} is not of schema {version}, as it says: {error}", hint=DAMAGED_HINT) from None
        raise


def _take_steps(database: sqlite3.Connection, version: int) -> None:
    for statements in MIGRATIONS[version:]:
        for statement in statements.strip().split(";\n"):
            database.execute(statement)
    if version == 0:
        database.execute("INSERT INTO meta VALUES ('epoch', ?)", (secrets.token_hex(8).encode(),))
    database.execute(f"PRAGMA user_version={len(MIGRATIONS)}")


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of it is durable at the end, or nothing. Raises sqlite3.Error."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def probe(path: Path) -> float:
    """Commit one row durably in a file beside the store and take it away again: milliseconds. Raises StoreError."""
    trial = path.with_suffix(".probe")
    try:
        with as_store_error(trial), closing(sqlite3.connect(trial, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            database.execute("CREATE TABLE IF NOT EXISTS probe (at REAL)")
            begin = time.perf_counter()
            database.execute("INSERT INTO probe VALUES (1)")
            elapsed = time.perf_counter() - begin
        return elapsed * 1000
    finally:
        for suffix in (".probe", ".probe-wal", ".probe-shm"):
            path.with_suffix(suffix).unlink(missing_ok=True)
