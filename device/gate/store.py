"""The store: what the gate must not forget, in one SQLite file with one writer.

WAL with ``synchronous=FULL``, asserted at start: with ``NORMAL`` a power cut loses acknowledged rows (measured: 19,549 of
288,005 over 29 cuts; with FULL none). Whatever belongs together is one transaction: the decision's event, the grant
that it opens, the use that it reserves, and the presentation that it settles.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from device.admission.presentations import Remembered
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.errors import StoreError, VerificationError
from device.events import cloudevents
from device.events.confirmation import Confirmation, range_digest
from device.gate import identities, memory, reports
from device.gate.identities import Identities
from device.gate.memory import Memory, OpenGrant
from device.gate.reports import Reports

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE event (sequence INTEGER PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE open_grant (id TEXT PRIMARY KEY, presentation TEXT NOT NULL, pass BLOB) WITHOUT ROWID;
CREATE TABLE pass_use (pass BLOB PRIMARY KEY, uses INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE presentation (track TEXT PRIMARY KEY, presentation TEXT NOT NULL, fingerprint BLOB NOT NULL, boot TEXT NOT NULL, at_ns INTEGER NOT NULL);
"""

MIGRATIONS = (SCHEMA, memory.TABLES, identities.TABLES, reports.TABLES, memory.COUNTED_TABLE)
"""From each version to the next; a new file takes every step, an old one those that it lacks."""

PRESENTATION_NS = 600_000_000_000
"""Ten minutes: a code that was held up longer than this over a restart may be decided again."""

DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
DAMAGED_HINT = "the file is damaged: keep it for the office and take it out of the folder; the gate then begins a new epoch"
DISK_HINT = "is the disk full, read-only or worn out, or the folder another user's? `df`, `ls -l`, `dmesg` and `qrgate doctor` tell"

RESERVE_BYTES = 32 * 1024 * 1024
"""New facts leave so much of the disk free: letting delivered events go writes too, and must still have room when they do not."""

BATCH_BYTES = 48 * 1024
"""A batch of events leaves room in a packet of 64 KiB."""


class Store:
    """Raises StoreError wherever the disk or the file will not do; nothing is half done then."""

    def __init__(self, path: Path, *, gate: str, boot: str, reserve: int = RESERVE_BYTES) -> None:
        """``reserve`` is in bytes."""
        self._folder = path.parent
        self._gate = gate
        self._boot = boot
        self._reserve = reserve
        self.commit_ns = 0
        with _as_store_error(path), ExitStack() as unless_well:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
            unless_well.callback(self._db.close)
            self._set_up()
            self._memory = Memory(self._db)
            self._identities = Identities(self._db)
            self._reports = Reports(self._db)
            self.epoch: str = self._meta("epoch").decode()
            self._last_sequence = int(self._meta("last_sequence"))
            self._last_hash: bytes = self._meta("last_hash")
            self.clock_floor = datetime.fromisoformat(self._meta("clock_floor").decode())
            unless_well.pop_all()

    def _set_up(self) -> None:
        path = self._db.execute("PRAGMA database_list").fetchone()[2]
        (journal,) = self._db.execute("PRAGMA journal_mode=WAL").fetchone()
        self._db.execute("PRAGMA synchronous=FULL")
        (synchronous,) = self._db.execute("PRAGMA synchronous").fetchone()
        if (journal, synchronous) != ("wal", 2):
            raise StoreError(
                f"{path} runs with journal_mode={journal}, synchronous={synchronous}", hint="the store needs a file system with WAL, such as ext4"
            )
        self._db.execute("PRAGMA secure_delete=ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise StoreError(f"{path} has schema {version}, this version knows {len(MIGRATIONS)}", hint="install the version that wrote it")
        with self._transaction():
            for statements in MIGRATIONS[version:]:
                for statement in statements.strip().split(";\n"):
                    self._db.execute(statement)
            if version == 0:
                first = {"epoch": secrets.token_hex(8).encode(), "last_sequence": b"0", "last_hash": b"", "clock_floor": b"1970-01-01T00:00:00+00:00"}
                self._db.executemany("INSERT INTO meta VALUES (?, ?)", first.items())
            self._db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")

    # --- writing -----------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, makes_room: bool = False) -> Iterator[Transaction]:
        """All that is written inside becomes durable at its end, or none of it. What only erases ``makes_room`` and asks for none.

        Raises:
            StoreError: there is no room, or the commit failed; nothing was recorded.
        """
        before = self._last_sequence, self._last_hash
        try:
            with _as_store_error("the store"):
                if not makes_room:
                    self._need_room()
            with _as_store_error("the store"), self._transaction():
                yield Transaction(self)
                if self._last_sequence != before[0]:
                    self._db.execute("UPDATE meta SET value=? WHERE name='last_sequence'", (str(self._last_sequence).encode(),))
                    self._db.execute("UPDATE meta SET value=? WHERE name='last_hash'", (self._last_hash,))
                    self._db.execute("UPDATE meta SET value=? WHERE name='clock_floor'", (self.clock_floor.isoformat().encode(),))
        except BaseException:
            self._last_sequence, self._last_hash = before
            raise

    @contextmanager
    def erasing(self) -> Iterator[Transaction]:
        """A transaction for what must be gone at its end: from the file, and from the log of writes, which would keep it until
        somebody writes over it. Raises StoreError.
        """
        with self.transaction(makes_room=True) as writing:
            yield writing
        with _as_store_error("the store"):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _need_room(self) -> None:
        if self._free_on_disk() >= self._reserve or self._room() >= self._reserve:  # the disk first: nearly always that is all
            return
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log keeps its greatest length otherwise, some megabytes
        if (room := self._room()) < self._reserve:
            raise StoreError(
                f"{room // 2**20} MiB are free at {self._folder}, and {self._reserve // 2**20} are kept for letting delivered events go",
                hint="does the uplink deliver? otherwise make room; `df` and `qrgate doctor` tell",
            )

    def _room(self) -> int:
        """Bytes for new facts: what the disk has, and what the file holds empty since events were let go (it never shrinks)."""
        (pages,) = self._db.execute("PRAGMA freelist_count").fetchone()
        (page_bytes,) = self._db.execute("PRAGMA page_size").fetchone()
        return self._free_on_disk() + int(pages * page_bytes)

    def _free_on_disk(self) -> int:
        try:
            disk = os.statvfs(self._folder)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be looked at: {error.strerror}", hint=DISK_HINT) from None
        return disk.f_bavail * disk.f_frsize

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            begin_ns = time.monotonic_ns()
            self._db.execute("COMMIT")
            self.commit_ns = time.monotonic_ns() - begin_ns  # the disk's share of the last transaction
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def append(self, kind: EventType, data: Mapping[str, Any], *, subject: str, now: Instant) -> str:
        """One event at the end of the chain, inside a transaction; answers with its id."""
        sequence = self._last_sequence + 1
        stamp = cloudevents.Stamp(self._gate, self._boot, self.epoch, sequence, self._last_hash)
        body = cloudevents.encode(kind, data, subject=subject, time=now, stamp=stamp)
        self._db.execute("INSERT INTO event VALUES (?, ?, ?)", (sequence, kind, body))
        self._last_sequence, self._last_hash = sequence, cloudevents.body_hash(body)
        if now.trust is ClockTrust.TRUSTED:
            self.clock_floor = max(self.clock_floor, now.utc)
        return cloudevents.event_id(self._gate, self.epoch, sequence)

    def confirm(self, confirmation: Confirmation) -> int:
        """Let go of the events that the recorder has stored; answers how many.

        The signature is already proven. Here the range must be of this gate and epoch, wholly present, and its
        digest that of the very bytes in the store: a confirmation that was seen before finds no rows and does nothing.
        It asks for no room: it is what makes room.

        Raises:
            VerificationError: the confirmation is for somebody or something else; nothing is deleted.
        """
        if (confirmation.gate, confirmation.epoch) != (self._gate, self.epoch):
            raise VerificationError("the confirmation is for another gate or epoch")
        if confirmation.last > self._last_sequence:
            raise VerificationError("the confirmation is for events that do not exist yet")
        bounds = (confirmation.first, confirmation.last)
        with _as_store_error("the store"):
            rows = self._db.execute("SELECT body FROM event WHERE sequence BETWEEN ? AND ? ORDER BY sequence", bounds).fetchall()
            if not rows:
                return 0
            if len(rows) != confirmation.last - confirmation.first + 1 or range_digest(body for (body,) in rows) != confirmation.digest:
                raise VerificationError("the confirmation does not fit the events in the store")
            with self._transaction():
                self._db.execute("DELETE FROM event WHERE sequence BETWEEN ? AND ?", bounds)
        return len(rows)

    def forget_presentations(self, now_ns: int) -> None:
        """Erase what is only needed to survive a restart; in the same write as something that matters."""
        self._db.execute("DELETE FROM presentation WHERE boot != ? OR at_ns < ?", (self._boot, now_ns - PRESENTATION_NS))

    # --- reading -----------------------------------------------------------------------------------------------

    def events_after(self, sequence: int, limit: int) -> tuple[StoredEvent, ...]:
        """Unconfirmed events with a higher sequence, in order: at most ``limit``, and no more than fit one packet."""
        batch: list[StoredEvent] = []
        size = 0
        with _as_store_error("the store"):
            rows = self._db.execute(
                "SELECT sequence, type, body FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?", (sequence, limit)
            ).fetchall()
        for number, kind, body in rows:
            size += len(body)
            if batch and size > BATCH_BYTES:
                break
            batch.append(StoredEvent(number, EventType(kind), body))
        return tuple(batch)

    @property
    def last_sequence(self) -> int:
        return self._last_sequence

    def unconfirmed(self) -> int:
        with _as_store_error("the store"):
            return int(self._db.execute("SELECT count(*) FROM event").fetchone()[0])

    @contextmanager
    def recalling(self) -> Iterator[Memory]:
        """What is remembered of passes and bearers, to be read only."""
        with _as_store_error("the store"):
            yield self._memory

    @contextmanager
    def roll_calls(self) -> Iterator[Reports]:
        """Who has reported, and what was judged, to be read only."""
        with _as_store_error("the store"):
            yield self._reports

    def identity(self, sequence: int) -> bytes | None:
        """The sealed identity that belongs to an event, if it was kept and is not yet erased."""
        with _as_store_error("the store"):
            return self._identities.of(sequence)

    def open_grants(self) -> list[OpenGrant]:
        """Grants without a passage: at start, those that were open when the gate died."""
        with self.recalling() as memory:
            return memory.open_grants()

    def remembered(self, now_ns: int) -> list[Remembered]:
        """Codes that were decided in this boot and may still be held up."""
        with _as_store_error("the store"):
            rows = self._db.execute(
                "SELECT track, presentation, fingerprint FROM presentation WHERE boot=? AND at_ns>?", (self._boot, now_ns - PRESENTATION_NS)
            )
            return [Remembered(*row) for row in rows]

    def _meta(self, name: str) -> bytes:
        row = self._db.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        if row is None:
            raise StoreError(f"the store lacks {name!r}", hint=DAMAGED_HINT)
        return bytes(row[0])

    def close(self) -> None:
        self._db.close()


class Transaction:
    """What may be written together. Only ``Store.transaction`` makes one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._db = store._db  # noqa: SLF001 - two halves of one thing
        self.memory = store._memory  # noqa: SLF001
        self.identities = store._identities  # noqa: SLF001
        self.reports = store._reports  # noqa: SLF001
        self.next_sequence = store.last_sequence + 1

    def append(self, kind: EventType, data: Mapping[str, Any], *, subject: str, now: Instant) -> str:
        return self._store.append(kind, data, subject=subject, now=now)

    def remember(self, known: Remembered, now_ns: int) -> None:
        row = (known.track_id, known.presentation, known.fingerprint, self._store._boot, now_ns)  # noqa: SLF001
        self._db.execute("INSERT OR REPLACE INTO presentation VALUES (?, ?, ?, ?, ?)", row)
        self._store.forget_presentations(now_ns)


@contextmanager
def _as_store_error(what: object) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind (sqlite.org/rescode.html)
        raise StoreError(f"{what} cannot be used: {error}", hint=DAMAGED_HINT if code in DAMAGED else DISK_HINT) from None


def probe(path: Path) -> float:
    """Commit one row durably in a file beside the store and take it away again: milliseconds. Raises StoreError."""
    trial = path.with_suffix(".probe")
    try:
        with _as_store_error(trial), closing(sqlite3.connect(trial, isolation_level=None)) as database:
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
