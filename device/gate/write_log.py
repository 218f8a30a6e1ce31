"""SQLite's log of writes (the ``-wal`` file): kept at one length, written over rather than grown, and wiped of what was let go.

A commit that makes the file longer waits for the file system's own journal as well; one that writes over what is there waits
for its own bytes alone (measured: see the decision on the store's file). So the log is made as long as it gets before the
first commit, and SQLite, which begins at its front again after each checkpoint, finds it written already.

That leaves old pages in it: events that were confirmed since, and sealed identities that were erased. They are written over with
zeros, but only behind the last valid frame. What is before it may be in the database file already and is a log all the same: a reader
who comes at the wrong moment keeps SQLite from beginning at the front, the next commits go behind it, and after a power cut they
are found through it (measured: with the front wiped, they were lost). So the log is made to begin anew first, with a page that
nobody minds.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

HEADER_BYTES = 32
FRAME_HEAD_BYTES = 24
GENERATION = slice(12, 16)
"""Where the header counts how often the log has begun anew (sqlite.org/fileformat2.html, "The Write-Ahead Log")."""

LOG_PAGES = 1000
"""So many pages and SQLite makes a checkpoint by itself, within somebody's commit: the idle turn should have done it before."""

TIDY_NS = 28_000_000_000
"""What was let go is overwritten at the second turn at the latest: within a minute."""

ZEROS_BYTES = 64 * 1024


class WriteLog:
    """On the store's connection, with no transaction open. Raises sqlite3.Error and OSError."""

    def __init__(self, database: sqlite3.Connection, path: Path) -> None:
        """``path`` is that of the database file."""
        self._db = database
        self._path = path.with_name(path.name + "-wal")
        (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
        self._frame_bytes = FRAME_HEAD_BYTES + int(page_bytes)
        self._tidied_ns: int | None = None
        self._generation: int | None = None
        self._stale_to = 0  # behind this there are zeros only
        self.is_written = True
        """Something was committed since the last tidying."""

    def lay_out(self) -> None:
        """Give the log its length. On a disk without room for it, it grows as it is needed."""
        self._db.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        if self._move() is None:
            return
        begin, length = self._bytes(), HEADER_BYTES + LOG_PAGES * self._frame_bytes
        self._stale_to = begin
        with suppress(OSError):
            self._zero(begin, length)

    def tidy(self, now_ns: int) -> None:
        """Checkpoint, and zeros over what is old: from time to time, in a turn in which nobody waits."""
        if self._tidied_ns is not None and now_ns - self._tidied_ns < TIDY_NS:
            return
        if not self.is_written and not self._stale_to:
            return
        frames = self._move()
        if frames is None:
            return  # somebody reads the file: the next turn
        self._tidied_ns = now_ns
        if self.is_written:
            self._wipe_behind(HEADER_BYTES + frames * self._frame_bytes)
        else:
            self._wipe_all()
        self.is_written = False

    def wipe(self) -> None:
        """Zeros over all that is old, now. A reader of the file that is in the way is waited for by the next tidying."""
        if self._move() is not None:
            self._stale_to = self._bytes()
            self._wipe_all()

    def shorten(self) -> None:
        """Give the log's bytes back to the disk."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._stale_to = self._bytes()

    def _move(self) -> int | None:
        """Move all pages into the database file; how many frames the log holds. ``None`` where a reader is in the way: it is not waited for."""
        (patience_ms,) = self._db.execute("PRAGMA busy_timeout").fetchone()
        self._db.execute("PRAGMA busy_timeout=0")
        try:
            busy, frames, moved = self._db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        finally:
            self._db.execute(f"PRAGMA busy_timeout={patience_ms}")
        return None if busy or frames != moved else max(frames, 0)

    def _wipe_behind(self, end: int) -> None:
        generation = self._read_generation()
        if self._generation is None or generation - self._generation > 1:
            self._stale_to = self._bytes()  # it began anew in between: nobody knows how far it went
        self._zero(end, self._stale_to)
        self._generation, self._stale_to = generation, end

    def _wipe_all(self) -> None:
        """All that was written before now. Where a reader keeps the log from beginning anew, the next tidying does it."""
        before = self._read_generation()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        self._db.execute(f"PRAGMA user_version={version}")  # writes the first page, as it is, durably
        frames, generation = self._move(), self._read_generation()
        if frames is None or generation == before:
            self._stale_to = self._bytes()
            return
        self._zero(HEADER_BYTES + frames * self._frame_bytes, self._stale_to)
        self._generation, self._stale_to = generation, 0

    def _zero(self, begin: int, end: int) -> None:
        if begin >= end:
            return
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            for at in range(begin, end, ZEROS_BYTES):
                os.pwrite(descriptor, bytes(min(ZEROS_BYTES, end - at)), at)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def _read_generation(self) -> int:
        with self._path.open("rb") as file:
            return int.from_bytes(file.read(HEADER_BYTES)[GENERATION], "big")

    def _bytes(self) -> int:
        return self._path.stat().st_size
