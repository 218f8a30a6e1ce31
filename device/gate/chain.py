"""The chain of events: each has the next number and the hash of the one before, and one row tells where the chain ends.

The same row counts the events that are in the store, which nobody could count in a million of them at each turn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreDamagedError
from device.events import cloudevents
from device.events.head import Head
from device.gate.database import DAMAGED_HINT
from device.gate.packing import pack


@dataclass(frozen=True, slots=True)
class End:
    """The row: the last event, the latest moment of a trusted clock, and how many events, refusals among them, are in the store."""

    sequence: int
    hash: bytes
    clock_floor: datetime
    events: int
    refusals: int


class Chain:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection, *, gate: str, boot: str) -> None:
        """Raises StoreDamagedError where the file does not tell where its chain ends."""
        self._db = database
        self._gate = gate
        self._boot = boot
        self.epoch = self._read_epoch()
        self.end = self._read_end()

    def _read_epoch(self) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE name='epoch'").fetchone()
        if row is None:
            raise StoreDamagedError("the store lacks its epoch", hint=DAMAGED_HINT)
        return bytes(row[0]).decode()

    def _read_end(self) -> End:
        row = self._db.execute("SELECT sequence, hash, clock_floor, events, refusals FROM head").fetchone()
        if row is None:
            raise StoreDamagedError("the store does not tell where its chain ends", hint=DAMAGED_HINT)
        sequence, hash_, clock_floor, events, refusals = row
        try:
            return End(sequence, hash_, datetime.fromisoformat(clock_floor), events, refusals)
        except ValueError:
            raise StoreDamagedError("the store does not tell what time has passed", hint=DAMAGED_HINT) from None

    def head(self) -> Head:
        """To be signed."""
        return Head(self._gate, self.epoch, self.end.sequence, self.end.hash)

    def append(self, kind: EventType, data: Mapping[str, Any], *, subject: str, now: Instant, refusal: bool) -> str:
        """One event at the end; answers with its id."""
        end, sequence = self.end, self.end.sequence + 1
        stamp = cloudevents.Stamp(self._gate, self._boot, self.epoch, sequence, end.hash)
        body = cloudevents.encode(kind, data, subject=subject, time=now, stamp=stamp)
        self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", (sequence, kind, pack(body), refusal))
        floor = max(end.clock_floor, now.utc) if now.trust is ClockTrust.TRUSTED else end.clock_floor
        self.end = End(sequence, cloudevents.body_hash(body), floor, end.events + 1, end.refusals + refusal)
        return cloudevents.event_id(self._gate, self.epoch, sequence)

    def count(self, events: int, refusals: int) -> None:
        """So many more are in the store now, or fewer (below zero)."""
        self.end = replace(self.end, events=self.end.events + events, refusals=self.end.refusals + refusals)

    def raise_floor(self, moment: datetime) -> None:
        """``moment`` has certainly passed."""
        self.end = replace(self.end, clock_floor=max(self.end.clock_floor, moment))

    def write(self) -> None:
        """The row, at the end of a transaction that changed it."""
        end = self.end
        self._db.execute(
            "UPDATE head SET sequence=?, hash=?, clock_floor=?, events=?, refusals=?",
            (end.sequence, end.hash, end.clock_floor.isoformat(), end.events, end.refusals),
        )
