"""A gate's day as numbered steps, the same every time: what each does to the store, and what the store must hold after it.

Whoever cuts the power knows the last step that was acknowledged. Afterwards the store must be as after that one, or as after the next, whose
commit may have reached the disk before anybody could be told.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.budget import MINUTE_NS
from device.admission.presence import Moment
from device.admission.presentations import Remembered
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.errors import QrgateError
from device.events.cloudevents import body_hash, event_id
from device.events.confirmation import Confirmation, range_digest
from device.gate.memory import OpenGrant
from device.gate.salvage import Opened, open_store
from device.gate.store import Store

GATE, BOOT = "g1", "boot-1"
KEY = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
NOW = Instant(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), ClockTrust.TRUSTED)

PASSES = 16
ROUND = 47
"""Steps: 22 people let in, of whom every third does not go through; then what the recorder has is let go, now and then thoroughly."""
KEPT = 7
"""Events that the recorder has not confirmed yet when it confirms."""
REOPENED_EVERY = 4 * ROUND


@dataclass
class Holdings:
    """What a store holds after ``step``. Events are numbered from 1; those up to ``confirmed`` are gone."""

    step: int = 0
    last: int = 0
    confirmed: int = 0
    uses: Counter[int] = field(default_factory=Counter)
    open_grant: int = 0  # the sequence of its decision; 0: none is open

    def after_next(self) -> Holdings:
        after = Holdings(self.step + 1, self.last, self.confirmed, Counter(self.uses), self.open_grant)
        match _kind(after.step):
            case "decision":
                after.last += 1
                after.uses[_pass_of(after.step)] += 1
                after.open_grant = after.last
            case "passage":
                after.last += 1
                after.uses[_pass_of(after.step - 1)] -= _goes_unused(after.step)
                after.open_grant = 0
            case "confirm":
                after.confirmed = max(after.last - KEPT, 0)
            case "audit":
                after.last += 1
        return after


def _kind(step: int) -> str:
    if step % ROUND == 0:
        return "confirm"
    if step % ROUND == ROUND - 1:
        return "clean"
    if step % ROUND == ROUND - 2:
        return "audit"
    return "decision" if step % ROUND % 2 else "passage"


def _pass_of(step: int) -> int:
    return step * 7 % PASSES


def _goes_unused(step: int) -> bool:
    return step % 3 == 0


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


# --- at the gate -----------------------------------------------------------------------------------------------


class Day:
    """The gate's part: ``take`` does one step after the other, and comes back from each when it is durable."""

    def __init__(self, path: Path, holdings: Holdings, *, synchronous: str = "FULL") -> None:
        """``synchronous`` other than FULL is what the proof is about: the gate asserts FULL. Raises StoreError."""
        self._path = path
        self._synchronous = synchronous
        self._holds = holdings
        self._open()

    def _open(self) -> None:
        self._store = opened(self._path).store
        if self._synchronous != "FULL":
            self._store._db.execute(f"PRAGMA synchronous={self._synchronous}")

    def take(self) -> int:
        """The number of the step that is durable now. Raises StoreError: it is not done, and may be tried again."""
        after = self._holds.after_next()
        if after.step % REOPENED_EVERY == REOPENED_EVERY // 2:
            self._store.close()
            self._open()
        match _kind(after.step):
            case "decision":
                self._let_in(after)
            case "passage":
                self._end(after)
            case "confirm":
                self._let_go(after)
            case "clean":
                self._store.tidy(after.step * MINUTE_NS)
                with self._store.erasing():
                    pass
            case "audit":
                with self._store.transaction() as writing:
                    writing.append(EventType.AUDIT, {"step": after.step}, subject="gate", now=NOW)
        self._holds = after
        return after.step

    def _let_in(self, after: Holdings) -> None:
        presentation, key = f"00000000-{after.step}", _key(_pass_of(after.step))
        with self._store.transaction() as writing:
            data = {"step": after.step, "admit": True, "person": key.hex(), "timing": {"frame_ns": after.step, "decoded_ns": after.step}}
            id_ = writing.append(EventType.DECISION, data, subject=presentation, now=NOW)
            writing.remember(Remembered(presentation, presentation, key), after.step)
            writing.memory.open_grant(OpenGrant(id_, presentation, key, key), Moment(NOW, BOOT, after.step))

    def _end(self, after: Holdings) -> None:
        presentation, key = f"00000000-{after.step - 1}", _key(_pass_of(after.step - 1))
        id_ = event_id(GATE, self._store.epoch, self._holds.open_grant)
        with self._store.transaction() as writing:
            writing.append(EventType.PASSAGE, {"step": after.step, "decision": id_}, subject=presentation, now=NOW)
            writing.memory.end_grant(OpenGrant(id_, presentation, key, key), passed=0 if _goes_unused(after.step) else 1)

    def _let_go(self, after: Holdings) -> None:
        first = self._holds.confirmed + 1
        if after.confirmed < first:
            return
        bodies = (event.body for event in self._store.events_after(first - 1, after.confirmed - first + 1))
        self._store.confirm(Confirmation(GATE, self._store.epoch, first, after.confirmed, range_digest(bodies)))


def opened(path: Path) -> Opened:
    """As the gate opens it. Raises StoreError."""
    return open_store(path, gate=GATE, boot=BOOT, key=KEY, now=NOW)


# --- afterwards ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What a store holds that was opened after a cut. ``flaws`` are broken promises that no step explains, in words."""

    holds: Holdings | None
    lost: int
    flaws: list[str]


def look(path: Path, acknowledged: Holdings, begun: Holdings | None = None) -> Found:
    """Open the store as the gate would, and compare it with what it may hold: all that was ``acknowledged``, and of what came after that at most
    what was ``begun`` (the next step, where nothing is said).
    """
    possible = [acknowledged]
    while possible[-1].step < (begun or acknowledged.after_next()).step:
        possible.append(possible[-1].after_next())
    try:
        found = opened(path)
        with closing(found.store) as store:
            events = tuple(_all(store))
            flaws = [*_integrity(store), *_chain(store, events)]
            seen = _holdings(store, events)
    except QrgateError as error:
        return Found(None, acknowledged.last - acknowledged.confirmed, [f"it does not open: {error}"])
    if found.damage is not None:
        flaws.append(f"it was taken for damaged: {found.damage}")
    for each in possible:
        if seen == _comparable(each):
            return Found(each, 0, flaws)
    wanted = range(max(each.confirmed for each in possible) + 1, acknowledged.last + 1)
    there = {event.sequence for event in events}
    if not (lost := sum(sequence not in there for sequence in wanted)):
        flaws.append(f"it holds {seen} instead of {_comparable(acknowledged)}")
    return Found(None, lost, flaws)


def _comparable(holds: Holdings) -> tuple[object, ...]:
    return (holds.last, tuple(range(holds.confirmed + 1, holds.last + 1)), tuple(holds.uses[number] for number in range(PASSES)), holds.open_grant)


def _holdings(store: Store, events: tuple[StoredEvent, ...]) -> tuple[object, ...]:
    with store.recalling() as memory:
        uses = tuple(memory.uses_of(_key(number)) for number in range(PASSES))
    grants = [int(grant.id.rpartition("-")[2]) for grant in store.open_grants()]
    return (store.last_sequence, tuple(event.sequence for event in events), uses, grants[0] if grants else 0)


def _all(store: Store) -> Iterator[StoredEvent]:
    last = 0
    while batch := store.events_after(last, 1000):
        yield from batch
        last = batch[-1].sequence


def _chain(store: Store, events: tuple[StoredEvent, ...]) -> Iterator[str]:
    previous = None
    for event in events:
        told = json.loads(event.body)
        if previous is not None and told["previoushash"] != previous:
            yield f"event {event.sequence} does not follow the one before"
        if told["id"] != event_id(GATE, store.epoch, event.sequence):
            yield f"event {event.sequence} calls itself {told['id']}"
        previous = body_hash(event.body).hex()
    head = store.head()
    if events and (head.sequence, head.hash.hex()) != (events[-1].sequence, previous):
        yield f"its head is {head}"


def _integrity(store: Store) -> Iterator[str]:
    found = [row[0] for row in store._db.execute("PRAGMA integrity_check")]
    if found != ["ok"]:
        yield f"integrity_check: {found[:3]}"
