"""Sealed identities: who the bearer was, readable for the health department only, and erased without touching the event.

The event carries the SHA-256 of the sealed bytes, nothing else: with the row gone, its bytes and the hash chain are as before.
"""

from __future__ import annotations

import sqlite3

from device.admission.presence import DAY_NS, Moment, age_ns
from device.domain import ClockTrust
from device.gate.moments import COLUMNS, columns, moment

TABLES = f"""
CREATE TABLE identity (sequence INTEGER PRIMARY KEY, sealed BLOB NOT NULL, retention_days INTEGER NOT NULL, {COLUMNS});
CREATE INDEX identity_kept_for ON identity (retention_days, sequence);
"""


class Identities:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def of(self, sequence: int) -> bytes | None:
        row = self._db.execute("SELECT sealed FROM identity WHERE sequence=?", (sequence,)).fetchone()
        return bytes(row[0]) if row else None

    def keep(self, sequence: int, sealed: bytes, retention_days: int, now: Moment) -> None:
        self._db.execute("INSERT INTO identity VALUES (?, ?, ?, ?, ?, ?, ?)", (sequence, sealed, retention_days, *columns(now)))

    def erase_due(self, now: Moment) -> int:
        """Erase what was kept for its time; how many rows. Each is kept for the days that the policy named when it was sealed."""
        erased = 0
        for (days,) in self._db.execute("SELECT DISTINCT retention_days FROM identity").fetchall():
            if (due := self._last_due(days, now)) is None:
                continue
            erased += self._db.execute("DELETE FROM identity WHERE retention_days=? AND sequence <= ?", (days, due)).rowcount
        return erased

    def _last_due(self, days: int, now: Moment) -> int | None:
        """The last event whose identity is due among those that are kept for ``days``; whatever came before it is older still.
        ``None`` where none is: no number would do, for below zero are those that were saved from a damaged store.

        A row from before a restart that was written without a clock has no certain age: a later one tells.
        """
        last: int | None = None
        if now.instant.trust is not ClockTrust.TRUSTED and now.monotonic_ns < days * DAY_NS:
            return last  # nothing is surely older than this start of the machine
        rows = self._db.execute("SELECT sequence, utc, trust, boot, at_ns FROM identity WHERE retention_days=? ORDER BY sequence", (days,))
        for sequence, *since in rows:
            kept = moment(*since)
            if age_ns(kept, now) >= days * DAY_NS:
                last = sequence
            elif kept.boot == now.boot or kept.instant.trust is ClockTrust.TRUSTED:
                break
        return last

    def erase(self, first: int, last: int) -> int:
        """Erase those of a range of events, by order; how many rows."""
        return self._db.execute("DELETE FROM identity WHERE sequence BETWEEN ? AND ?", (first, last)).rowcount
