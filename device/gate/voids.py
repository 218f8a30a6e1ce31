"""Originals of events that the broker refused for good: they wait here while a void stands in their place.

What a broker or an uplink says puts them here, and nothing that it says takes them away. Two signed words of the recorder do: it
asks for them, and they go back to their places; or it confirms them by their own digest. Its word on the void is not enough: then
it knows of an event that it does not have.
"""

from __future__ import annotations

import sqlite3

from device.admission.presence import DAY_NS, Moment, age_ns
from device.gate.moments import COLUMNS, columns, moment
from device.gate.packing import unpack

TABLES = f"""
CREATE TABLE voided (sequence INTEGER PRIMARY KEY, type TEXT NOT NULL, body BLOB NOT NULL, refusal INTEGER NOT NULL, {COLUMNS});
"""

VOIDED_MAX = 100
"""Originals that wait. Beyond it an event that is refused stays in its place, and the uplink tries it again from time to time."""

Original = tuple[int, str, bytes, int]
"""Sequence, type, body, and whether it is a refusal: a row of ``event``."""


class Voids:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM voided").fetchone()[0])

    @property
    def has_room(self) -> bool:
        return len(self) < VOIDED_MAX

    def bodies(self, first: int, last: int) -> dict[int, bytes]:
        """The originals of a range, by place."""
        rows = self._db.execute("SELECT sequence, body FROM voided WHERE sequence BETWEEN ? AND ?", (first, last))
        return {place: unpack(body) for place, body in rows}

    def keep(self, original: Original, now: Moment) -> None:
        self._db.execute("INSERT OR IGNORE INTO voided VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*original, *columns(now)))

    def take(self, first: int, last: int) -> list[Original]:
        """The originals of a range, which no longer wait then."""
        rows = self._db.execute("SELECT sequence, type, body, refusal FROM voided WHERE sequence BETWEEN ? AND ?", (first, last)).fetchall()
        self.erase(first, last)
        return rows

    def erase(self, first: int, last: int) -> int:
        """Those of a range that the recorder has; how many."""
        return self._db.execute("DELETE FROM voided WHERE sequence BETWEEN ? AND ?", (first, last)).rowcount

    def expire(self, now: Moment, retention_days: int) -> int:
        """Where there is no recorder: erase what has waited so long, and whose void is gone from its place; how many."""
        query = "SELECT sequence, utc, trust, boot, at_ns FROM voided WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.sequence=voided.sequence)"
        rows = self._db.execute(query).fetchall()
        due = [(sequence,) for sequence, *since in rows if age_ns(moment(*since), now) >= retention_days * DAY_NS]
        self._db.executemany("DELETE FROM voided WHERE sequence=?", due)
        return len(due)
