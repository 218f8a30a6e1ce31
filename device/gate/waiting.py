"""Events that wait until the recorder has them. Their places are their sequences, and below zero those of epochs of before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.presence import Moment
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.errors import StoreDamagedError, VerificationError
from device.events import void
from device.events.cloudevents import body_hash
from device.events.confirmation import Confirmation, range_digest
from device.events.void import Void
from device.gate.chain import Chain
from device.gate.database import DAMAGED_HINT
from device.gate.epochs import Epochs
from device.gate.packing import pack, unpack
from device.gate.voids import Voids

BATCH_BYTES = 48 * 1024
"""A batch of events leaves room in a packet of 64 KiB."""

EXPIRE_MAX = 5_000
"""Events that are erased at once where there is no recorder: more than a gate records in an hour, and a fraction of a second."""

PLACE_MIN = -(2**63)
"""Before all: those that were saved from a damaged store come first."""

Places = tuple[int, int]
"""The first and the last."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the recorder has stored: ``places``, and there the events or, where voids stand in for them, their ``originals``."""

    places: Places
    originals: bool


class Waiting:
    """On the store's connection; whoever calls the writing methods has opened the store's transaction. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection, gate: str, chain: Chain) -> None:
        self._db = database
        self._gate = gate
        self._chain = chain
        self._voids = Voids(database)
        self._epochs = Epochs(database)

    # --- reading -----------------------------------------------------------------------------------------------

    def after(self, place: int, limit: int) -> tuple[StoredEvent, ...]:
        batch: list[StoredEvent] = []
        size = 0
        for number, kind, stored in self._db.execute(
            "SELECT sequence, type, body FROM event WHERE sequence > ? ORDER BY sequence LIMIT ?", (place, limit)
        ):
            body = unpack(stored)
            size += len(body)
            if batch and size > BATCH_BYTES:
                break
            batch.append(StoredEvent(number, _type(kind), body))
        return tuple(batch)

    def oldest(self) -> datetime | None:
        """When the first was recorded, by the clock of that moment."""
        row = self._db.execute("SELECT body FROM event ORDER BY sequence LIMIT 1").fetchone()
        return datetime.fromisoformat(json.loads(unpack(row[0]))["time"]) if row else None

    def confirmed(self, confirmation: Confirmation) -> Stored | None:
        """What may be let go; ``None`` where it is gone already.

        Raises:
            VerificationError: the confirmation is for somebody or something else.
        """
        places = self._places(confirmation)
        rows = self._db.execute("SELECT sequence, body FROM event WHERE sequence BETWEEN ? AND ?", places)
        events = {place: unpack(body) for place, body in rows}
        if _fits(events, confirmation):
            return Stored(places, originals=False)
        if (originals := self._voids.bodies(*places)) and _fits(events | originals, confirmation):
            return Stored(places, originals=True)
        if events:
            raise VerificationError("the confirmation does not fit the events in the store")
        return None

    def originals(self) -> int:
        """How many events wait behind their voids."""
        return len(self._voids)

    def places(self, epoch: str, first: int, last: int) -> Places | None:
        """Where a range of ``epoch`` stands; ``None``: there is no such epoch here. What was never recorded is no place of another one's."""
        return (first, last) if epoch == self._chain.epoch else self._epochs.places(epoch, first, last)

    def _places(self, confirmation: Confirmation) -> Places:
        first, last = confirmation.first, confirmation.last
        old = self._epochs.find(confirmation.epoch)
        if confirmation.gate != self._gate or (confirmation.epoch != self._chain.epoch and old is None):
            raise VerificationError("the confirmation is for another gate or epoch")
        if old is not None:
            first, last = old.place(first), old.place(last)
        if last > (self._chain.end.sequence if old is None else -1):
            raise VerificationError("the confirmation is for events that do not exist yet")
        return first, last

    def expired(self, before: Instant) -> Places | None:
        """The first events if they are from before a moment: at most ``EXPIRE_MAX`` of them.

        One that was written without a trusted clock is at least as old as the one that follows it with one.
        """
        due = None
        for sequence, body in self._db.execute("SELECT sequence, body FROM event ORDER BY sequence LIMIT ?", (EXPIRE_MAX,)):
            event = json.loads(unpack(body))
            if event["clockquality"] == ClockTrust.TRUSTED:
                if datetime.fromisoformat(event["time"]) >= before.utc:
                    break
                due = sequence
        return None if due is None else (PLACE_MIN, due)

    # --- writing -----------------------------------------------------------------------------------------------

    def let_go(self, places: Places, *, originals: bool = False) -> int:
        """Delete the events there, and what waits behind voids only if those are the ``originals`` that are stored; how many."""
        (refusals,) = self._db.execute("SELECT total(refusal) FROM event WHERE sequence BETWEEN ? AND ?", places).fetchone()
        events = self._db.execute("DELETE FROM event WHERE sequence BETWEEN ? AND ?", places).rowcount
        self._chain.count(-events, -int(refusals))
        return max(events, self._voids.erase(*places) if originals else 0)

    def void(self, place: int, why: str, key: Ed25519PrivateKey, now: Moment) -> bool:
        """Put a signed void there and keep the original. False: nothing is there but a void, or too many originals wait."""
        row = self._db.execute("SELECT sequence, type, body, refusal FROM event WHERE sequence=?", (place,)).fetchone()
        if row is None or row[1] == EventType.VOID or not self._voids.has_room:
            return False
        body, refusal = unpack(row[2]), row[3]
        event = json.loads(body)
        sequence = int(event["sequence"])
        said = Void(self._gate, event["epoch"], sequence, sequence, why, body_hash(body))
        stand_in = void.in_place_of(body, said, void.sign(key, said))
        self._voids.keep(row, now)
        self._db.execute("UPDATE event SET type=?, body=?, refusal=0 WHERE sequence=?", (EventType.VOID, pack(stand_in), place))
        self._chain.count(0, -refusal)
        return True

    def unvoid(self, first: int, last: int) -> int:
        """Put originals back in their places, also where a confirmed void is gone from there; how many."""
        originals = self._voids.take(first, last)
        for original in originals:
            was_gone = self._db.execute("DELETE FROM event WHERE sequence=?", original[:1]).rowcount == 0
            self._db.execute("INSERT INTO event VALUES (?, ?, ?, ?)", original)
            self._chain.count(int(was_gone), original[3])
        return len(originals)

    def expire_originals(self, now: Moment, retention_days: int) -> int:
        """Where there is no recorder: erase those that have waited for so many days; how many."""
        return self._voids.expire(now, retention_days)


def _fits(bodies: Mapping[int, bytes], confirmation: Confirmation) -> bool:
    """Are these, by their places, the very events that are confirmed?"""
    whole = len(bodies) == confirmation.last - confirmation.first + 1
    return whole and range_digest(bodies[place] for place in sorted(bodies)) == confirmation.digest


def _type(kind: str) -> EventType:
    """Raises StoreDamagedError: a process that stumbled over it would do so at each start again."""
    try:
        return EventType(kind)
    except ValueError:
        raise StoreDamagedError("an event in the store is of no type", hint=DAMAGED_HINT) from None
