"""Originals of events that the broker refused for good: they wait here while a void stands in their place.

The recorder may ask for them by another way; otherwise they are erased after the days that events are kept, once their voids are
confirmed: until then nobody knows of them.
"""

from __future__ import annotations

import sqlite3

from device.admission.presence import DAY_NS, Moment, age_ns
from device.gate.moments import COLUMNS, columns, moment

TABLES = f"""
CREATE TABLE voided (sequence INTEGER PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL, refusal INTEGER NOT NULL, {COLUMNS});
"""

VOIDED_MAX = 100
"""Originals that wait. A captured broker that refuses everything makes so many voids, and no more."""

Original = tuple[int, str, bytes, int]
"""Sequence, type, body, and whether it is a refusal: a row of ``event``."""


class Voids:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    @property
    def has_room(self) -> bool:
        return int(self._db.execute("SELECT count(*) FROM voided").fetchone()[0]) < VOIDED_MAX

    def keep(self, original: Original, now: Moment) -> None:
        self._db.execute("INSERT OR IGNORE INTO voided VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*original, *columns(now)))

    def take(self, first: int, last: int) -> list[Original]:
        """The originals of a range, which no longer wait then."""
        rows = self._db.execute("SELECT sequence, type, body, refusal FROM voided WHERE sequence BETWEEN ? AND ?", (first, last)).fetchall()
        self._db.execute("DELETE FROM voided WHERE sequence BETWEEN ? AND ?", (first, last))
        return rows

    def erase_due(self, now: Moment, retention_days: int) -> int:
        """Erase what has waited so long, and whose void is gone from its place; how many."""
        query = "SELECT sequence, utc, trust, boot, at_ns FROM voided WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.sequence=voided.sequence)"
        rows = self._db.execute(query).fetchall()
        due = [(sequence,) for sequence, *since in rows if age_ns(moment(*since), now) >= retention_days * DAY_NS]
        self._db.executemany("DELETE FROM voided WHERE sequence=?", due)
        return len(due)
