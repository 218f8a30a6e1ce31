"""Epochs that ended with a damaged store: where their events stand in the one that took its place.

An event's place is its sequence in the present epoch, and below zero in one of before: all that was saved stands ahead of all
that is new, in the order in which it happened. The body of such an event still names its own epoch and sequence.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

TABLES = """
CREATE TABLE old_epoch (epoch TEXT PRIMARY KEY, shift INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class OldEpoch:
    """``shift`` is what is taken from a sequence of ``name`` to have the event's place."""

    name: str
    shift: int

    def place(self, sequence: int) -> int:
        return sequence - self.shift


class Epochs:
    """On the store's connection; whoever calls the writing method has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def find(self, name: str) -> OldEpoch | None:
        row = self._db.execute("SELECT shift FROM old_epoch WHERE epoch=?", (name,)).fetchone()
        return OldEpoch(name, int(row[0])) if row else None

    def places(self, name: str, first: int, last: int) -> tuple[int, int] | None:
        """The places of a range of an epoch of before, and none of the epoch that followed it; ``None``: there was no such epoch."""
        if (old := self.find(name)) is None:
            return None
        (following,) = self._db.execute("SELECT coalesce(max(shift), 0) FROM old_epoch WHERE shift < ?", (old.shift,)).fetchone()
        return old.place(first), min(old.place(last), -following)

    def all(self) -> list[OldEpoch]:
        return [OldEpoch(*row) for row in self._db.execute("SELECT epoch, shift FROM old_epoch")]

    def add(self, epoch: OldEpoch) -> None:
        self._db.execute("INSERT OR IGNORE INTO old_epoch VALUES (?, ?)", (epoch.name, epoch.shift))
