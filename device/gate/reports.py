"""Who has reported at a quarantine site, for some days: entries of the list of the expected, which name nobody here."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

from device.admission.roll_call import LOOK_BACK

TABLES = """
CREATE TABLE reported (entry BLOB NOT NULL, utc TEXT NOT NULL, PRIMARY KEY (entry, utc)) WITHOUT ROWID;
CREATE TABLE roll_call (judged TEXT NOT NULL);
"""

KEEP = LOOK_BACK + timedelta(days=1)


class Reports:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, entry: bytes, utc: datetime) -> None:
        self._db.execute("INSERT OR IGNORE INTO reported VALUES (?, ?)", (entry, _text(utc)))

    def between(self, opens: datetime, closes: datetime) -> frozenset[bytes]:
        """Who has reported from ``opens`` up to, not including, ``closes``; both with their time zones."""
        rows = self._db.execute("SELECT DISTINCT entry FROM reported WHERE utc >= ? AND utc < ?", (_text(opens), _text(closes)))
        return frozenset(bytes(entry) for (entry,) in rows)

    def judged(self) -> datetime | None:
        row = self._db.execute("SELECT judged FROM roll_call").fetchone()
        return datetime.fromisoformat(row[0]) if row else None

    def judge(self, until: datetime) -> None:
        """All up to ``until`` is judged; reports of long ago are erased."""
        self._db.execute("DELETE FROM roll_call")
        self._db.execute("INSERT INTO roll_call VALUES (?)", (_text(until),))
        self._db.execute("DELETE FROM reported WHERE utc < ?", (_text(until - KEEP),))


def _text(moment: datetime) -> str:
    """In UTC and always as long, so that texts are in the order of their moments."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
