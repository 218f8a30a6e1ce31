"""What can still be read of a damaged store: row by row, round the holes.

Nothing is believed because it could be read. A body must unpack by its checksum, name its own place, and be the one whose hash
the next event carries.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device.errors import StoreDamagedError, VerificationError
from device.events import void
from device.gate.chain import End
from device.gate.epochs import OldEpoch
from device.gate.packing import unpack
from device.gate.sound_rows import MISREAD, holds

READ_WITHIN_S = 120.0
"""A gate that does not serve for longer than this serves people better without its old events: the file is kept."""

END = ("sequence", "hash", "clock_floor", "events", "refusals")
"""Columns of ``head``."""

PLACE_FIRST, PLACE_LAST = -(2**40), 2**40
"""No gate lives to record so many."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A row of ``event``, and what its body says of itself."""

    place: int
    type: str
    stored: bytes
    refusal: int
    epoch: str
    sequence: int
    previous: str
    link: str


class Readable:
    """Every method gives what there is, and raises nothing for what is not."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._until = time.monotonic() + READ_WITHIN_S

    def _is_late(self) -> bool:
        return time.monotonic() > self._until

    def epoch(self) -> str:
        """Empty where it cannot be read."""
        row = self._one("SELECT value FROM meta WHERE name='epoch'")
        return row[0].decode() if row and holds("meta", ("value",), row) else ""

    def end(self) -> End | None:
        """``None`` also where it is not to be believed: there are events behind it."""
        row = self._one(f"SELECT {', '.join(END)} FROM head")  # noqa: S608 - names of this program
        last = self._one("SELECT max(sequence) FROM event")
        if not (row and holds("head", END, row)) or (last and last[0] is not None and last[0] > row[0]):
            return None
        return End(row[0], row[1], datetime.fromisoformat(row[2]), row[3], row[4])

    def old_epochs(self) -> list[OldEpoch]:
        columns = ("epoch", "shift")
        return [OldEpoch(*row) for row in self.rows("old_epoch", columns)[0] if holds("old_epoch", columns, row)]

    def columns(self, table: str) -> tuple[str, ...]:
        try:
            return tuple(row[1] for row in self._db.execute(f"PRAGMA table_info({table})"))
        except sqlite3.Error:
            return ()

    def rows(self, table: str, columns: tuple[str, ...]) -> tuple[list[tuple[Any, ...]], bool]:
        """Rows of a small table as far as they can be read from both ends, some perhaps twice; and whether that was all."""
        found: list[tuple[Any, ...]] = []
        for order in ("", f" ORDER BY {columns[0]} DESC"):
            try:
                for row in self._db.execute(f"SELECT {', '.join(columns)} FROM {table}{order}"):  # noqa: S608 - names of this program
                    found.append(row)
                    if self._is_late():
                        return found, False
            except sqlite3.Error:
                continue
            return found, True
        return found, False

    def events(self, epoch: str, end: End | None) -> Iterator[Saved]:
        """Events in order of their places, each proven as far as it can be; ``epoch`` is that of the places above zero."""
        names = {old.name: old.shift for old in self.old_epochs()} | ({epoch: 0} if epoch else {})
        held: Saved | None = None
        for row in self._event_rows():
            event = _read(*row)
            if event is None or (event.epoch in names and event.sequence - names[event.epoch] != event.place):
                continue
            if held is not None and not _contradicts(held, event):
                yield held
            held = event
        if held is not None and (end is None or held.place != end.sequence or held.link == end.hash.hex()):
            yield held

    def _event_rows(self) -> Iterator[tuple[Any, ...]]:
        at: int | None = PLACE_FIRST
        columns = "sequence, type, body, refusal" if "refusal" in self.columns("event") else "sequence, type, body, 0"
        query = f"SELECT {columns} FROM event WHERE sequence >= ? ORDER BY sequence"  # noqa: S608 - names of this program
        while at is not None and not self._is_late():
            try:
                for row in self._db.execute(query, (at,)):
                    yield row
                    at = row[0] + 1
                    if self._is_late():
                        return
            except sqlite3.Error:
                at = self._behind_the_hole(query, at)
            else:
                return

    def _behind_the_hole(self, query: str, at: int) -> int | None:
        """The next place behind ``at`` from which on something can be read: by steps that double, and then by halves."""
        step = 1
        while self._one(f"{query} LIMIT 1", (at + step,)) is None:
            step *= 2
            if at + step > PLACE_LAST or self._is_late():
                return None
        torn, sound = at + step // 2, at + step
        while torn + 1 < sound:
            middle = (torn + sound) // 2
            torn, sound = (torn, middle) if self._one(f"{query} LIMIT 1", (middle,)) is not None else (middle, sound)
        return sound

    def _one(self, query: str, bound: tuple[int, ...] = ()) -> tuple[Any, ...] | None:
        try:
            row: tuple[Any, ...] | None = self._db.execute(query, bound).fetchone()
        except sqlite3.Error:
            return None
        return row


def _read(place: int, type_: str, stored: bytes, refusal: int) -> Saved | None:
    if not holds("event", ("sequence", "type", "body", "refusal"), (place, type_, stored, refusal)):
        return None
    try:
        body = unpack(stored)
        event = json.loads(body)
        if event["type"] != f"{void.TYPE_PREFIX}{type_}":
            return None
        return Saved(place, type_, stored, refusal, event["epoch"], int(event["sequence"]), event["previoushash"], void.link(body).hex())
    except (StoreDamagedError, VerificationError, *MISREAD):
        return None


def _contradicts(event: Saved, following: Saved) -> bool:
    """Does the event that follows carry another hash than that of ``event``?"""
    return following.epoch == event.epoch and following.place == event.place + 1 and following.previous != event.link
