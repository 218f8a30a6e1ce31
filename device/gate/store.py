"""The store: what the gate must not forget, in one SQLite file with one writer.

WAL with ``synchronous=FULL``, asserted at start: with ``NORMAL`` a power cut loses acknowledged rows (measured: 19,549 of
288,005 over 29 cuts; with FULL none). Whatever belongs together is one transaction: the decision's event, the grant
that it opens, the use that it reserves, and the presentation that it settles.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.admission.presence import Moment
from device.admission.presentations import Remembered
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.errors import StoreDamagedError, StoreError
from device.events.confirmation import Confirmation
from device.events.head import Head
from device.gate.chain import Chain
from device.gate.database import DAMAGED_HINT, as_store_error, connect, migrate, must_be_given, patience, transaction
from device.gate.identities import Identities
from device.gate.limits import DEFAULT_LIMITS, Fill, Limits, Rank, rank_of
from device.gate.memory import Memory, OpenGrant
from device.gate.reports import Reports
from device.gate.room import RESERVE_BYTES, Room
from device.gate.sound_rows import LOOK_WITHIN_S, must_hold, stumbling_tells
from device.gate.waiting import Waiting
from device.gate.write_log import WriteLog

PRESENTATION_NS = 600_000_000_000
"""Ten minutes: a code that was held up longer than this over a restart may be decided again."""

FORGET_NS = 60_000_000_000
"""Codes whose time is over are erased once a minute, not with each decision: that would be a page more to write."""

SUSPECT = ".suspect"
"""A file beside the store, after damage was met at work: the next start does not ask whether it is sound."""


class Store:
    """Raises StoreError wherever the disk or the file will not do; nothing is half done then.

    Raises StoreDamagedError where the file is not sound: then this process must end, and ``salvage.py`` does the rest at its start.
    """

    def __init__(self, path: Path, *, gate: str, boot: str, limits: Limits = DEFAULT_LIMITS, reserve: int = RESERVE_BYTES) -> None:
        """``reserve`` are the bytes that new facts leave free on the disk."""
        self._path = path
        self._boot = boot
        self._limits = limits
        self._forgot_ns: int | None = None
        self.commit_ns = 0
        with as_store_error(path), ExitStack() as unless_well:
            self._db = connect(path)
            unless_well.callback(self._db.close)
            migrate(self._db)
            with stumbling_tells(self._db):
                self._chain = Chain(self._db, gate=gate, boot=boot)
            self._waiting = Waiting(self._db, gate, self._chain)
            self._memory = Memory(self._db)
            self._identities = Identities(self._db)
            self._reports = Reports(self._db)
            self._log = WriteLog(self._db, path)
            self._log.lay_out()
            self._room = Room(self._db, path.parent, self._log, reserve)
            unless_well.pop_all()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with as_store_error("the store"), stumbling_tells(self._db):
                yield
        except StoreDamagedError:
            must_be_given(self._path)
            with suppress(OSError):  # the next start finds most damage by itself
                self._path.with_suffix(SUSPECT).touch()
            raise

    # --- writing -----------------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self, *, makes_room: bool = False) -> Iterator[Transaction]:
        """All that is written inside becomes durable at its end, or none of it. What only erases ``makes_room`` and asks for none.

        Raises:
            StoreError: there is no room, or the commit failed; nothing was recorded.
        """
        before = self._chain.end
        try:
            with self._guarded():
                if not makes_room:
                    self._room.need()
                changes = self._db.total_changes
                with transaction(self._db):
                    yield Transaction(self)
                    if self._chain.end != before:
                        self._chain.write()
                    begin_ns = time.monotonic_ns()
                self.commit_ns = time.monotonic_ns() - begin_ns  # the disk's share
                self._log.is_written |= self._db.total_changes != changes
        except BaseException:
            self._chain.end = before
            self._memory.undone()
            raise

    @contextmanager
    def erasing(self) -> Iterator[Transaction]:
        """A transaction for what must be gone at its end: from the file, and from the log of writes, which would keep it until
        somebody writes over it. Raises StoreError.
        """
        with self.transaction(makes_room=True) as writing:
            yield writing
        with self._guarded():
            self._log.wipe()

    def append(self, kind: EventType, data: Mapping[str, Any], *, subject: str, now: Instant) -> str:
        """One event at the end of the chain, inside a transaction; answers with its id.

        Raises:
            StoreError: the store is too full for an event of this rank.
        """
        rank, fill = rank_of(kind, data), self.fill()
        if not fill.takes(rank):
            raise StoreError(
                f"{fill.share:.0%} of the store is taken, and it has no room for this ({rank.value})",
                hint="does the uplink deliver, and does the recorder confirm? [store] in gate.toml holds the limits",
            )
        return self._chain.append(kind, data, subject=subject, now=now, refusal=rank is Rank.REFUSAL)

    def remember(self, known: Remembered, now_ns: int) -> None:
        """Inside a transaction: a code was decided. Those whose time is over are erased in the same write, from time to time."""
        row = (known.track_id, known.presentation, known.fingerprint, self._boot, now_ns)
        self._db.execute("INSERT INTO presentation (track, presentation, fingerprint, boot, at_ns) VALUES (?, ?, ?, ?, ?)", row)
        if self._forgot_ns is None or now_ns - self._forgot_ns >= FORGET_NS:
            self._forgot_ns = now_ns
            self._db.execute("DELETE FROM presentation WHERE boot != ? OR at_ns < ?", (self._boot, now_ns - PRESENTATION_NS))

    def tidy(self, now_ns: int) -> None:
        """What a commit need not wait for: checkpoints, and zeros over what was let go. Once a turn; nearly always there is nothing to do."""
        with self._guarded():
            self._log.tidy(now_ns)

    def check(self) -> None:
        """Read through the file, for as long as there is patience for, and look at its rows.

        Raises:
            StoreDamagedError: the file is not sound, or a row is not what was written.
        """
        try:
            with as_store_error("the store"), patience(self._db, LOOK_WITHIN_S):
                (found,) = self._db.execute("PRAGMA quick_check(1)").fetchone()
                if found == "ok":
                    must_hold(self._db)
        except StoreError:
            return  # so far it is sound; whatever is not is met at work
        if found != "ok":
            raise StoreDamagedError(f"the store is not sound: {found}", hint=DAMAGED_HINT)

    # --- letting go --------------------------------------------------------------------------------------------

    def confirm(self, confirmation: Confirmation) -> int:
        """Let go of the events that the recorder has stored; answers how many.

        The signature is already proven. Here the range must be of this gate, of this epoch or one of before, wholly present, and
        its digest that of the very bytes in the store: a confirmation that was seen before finds no rows and does nothing.
        One for a void lets the void go and not its original. It asks for no room: it is what makes room.

        Raises:
            VerificationError: the confirmation is for somebody or something else; nothing is deleted.
        """
        with self._guarded():
            stored = self._waiting.confirmed(confirmation)
        if stored is None:
            return 0
        with self.transaction(makes_room=True):
            return self._waiting.let_go(stored.places, originals=stored.originals)

    def expire(self, before: Instant, now: Instant) -> int:
        """Where there is no recorder: let go of some of the events from before a moment, and record how many.

        To be called again until there are none. Nothing is old enough without a clock that is trusted.
        """
        if ClockTrust.UNTRUSTED in {before.trust, now.trust}:
            return 0
        with self._guarded():
            places = self._waiting.expired(before)
        if places is None:
            return 0
        with self.transaction(makes_room=True):
            expired = self._waiting.let_go(places)
            facts = {"what": "events_expired", "n": expired}
            self._chain.append(EventType.AUDIT, facts, subject="gate", now=now, refusal=False)  # also where it is too full for new facts
        return expired

    def void(self, sequence: int, why: str, key: Ed25519PrivateKey, now: Moment) -> bool:
        """Put a void, signed with ``key``, in the place of an event that the broker refuses for good; ``why`` is a word.

        The original waits until the recorder has it. False: there is no such event, it is a void itself, or ``VOIDED_MAX`` originals wait.
        """
        with self.transaction(makes_room=True):
            return self._waiting.void(sequence, why, key, now)

    def unvoid(self, first: int, last: int) -> int:
        """Put the originals of a range back in their places, as the recorder has asked for them; how many.

        That is so too where the void was confirmed and is gone: the recorder knows the original by the hash in the void.
        """
        with self.transaction():
            return self._waiting.unvoid(first, last)

    def expire_originals(self, now: Moment, retention_days: int) -> int:
        """Where there is no recorder: erase the originals of voids that have waited for so many days; how many."""
        with self.transaction(makes_room=True):
            return self._waiting.expire_originals(now, retention_days)

    # --- reading -----------------------------------------------------------------------------------------------

    def events_after(self, sequence: int, limit: int) -> tuple[StoredEvent, ...]:
        """Unconfirmed events with a higher sequence, in order: at most ``limit``, and no more than fit one packet.

        Below zero are the places of events that were saved from a damaged store.
        """
        with self._guarded():
            return self._waiting.after(sequence, limit)

    def places(self, epoch: str, first: int, last: int) -> tuple[int, int] | None:
        """Where a range of this epoch, or of one of before, stands in the store; ``None``: it has no such epoch."""
        with self._guarded():
            return self._waiting.places(epoch, first, last)

    @property
    def epoch(self) -> str:
        return self._chain.epoch

    @property
    def last_sequence(self) -> int:
        return self._chain.end.sequence

    @property
    def clock_floor(self) -> datetime:
        """The latest moment of a trusted clock at which something was recorded."""
        return self._chain.end.clock_floor

    def head(self) -> Head:
        """How far the chain of this epoch reaches, to be signed."""
        return self._chain.head()

    def unconfirmed(self) -> int:
        return self._chain.end.events

    def oldest_waiting(self) -> datetime | None:
        """When the first event that nobody has confirmed was recorded, by the clock of that moment."""
        with self._guarded():
            return self._waiting.oldest()

    def fill(self) -> Fill:
        """How much of its limits is taken."""
        end = self._chain.end
        with self._guarded():
            return self._limits.fill(end.events + self._waiting.originals(), end.refusals, self._room.taken())

    @contextmanager
    def recalling(self) -> Iterator[Memory]:
        """What is remembered of passes and bearers, to be read only."""
        with self._guarded():
            yield self._memory

    @contextmanager
    def roll_calls(self) -> Iterator[Reports]:
        """Who has reported, and what was judged, to be read only."""
        with self._guarded():
            yield self._reports

    def identity(self, sequence: int) -> bytes | None:
        """The sealed identity that belongs to an event, if it was kept and is not yet erased."""
        with self._guarded():
            return self._identities.of(sequence)

    def open_grants(self) -> list[OpenGrant]:
        """Grants without a passage: at start, those that were open when the gate died."""
        with self.recalling() as memory:
            return memory.open_grants()

    def remembered(self, now_ns: int) -> list[Remembered]:
        """Codes that were decided in this boot and may still be held up."""
        with self._guarded():
            rows = self._db.execute(
                "SELECT track, presentation, fingerprint FROM presentation WHERE boot=? AND at_ns>? ORDER BY number",
                (self._boot, now_ns - PRESENTATION_NS),
            )
            return [Remembered(*row) for row in rows]

    def close(self) -> None:
        self._db.close()


class Transaction:
    """What may be written together. Only ``Store.transaction`` makes one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.memory = store._memory  # noqa: SLF001 - two halves of one thing
        self.identities = store._identities  # noqa: SLF001
        self.reports = store._reports  # noqa: SLF001
        self.next_sequence = store.last_sequence + 1

    def append(self, kind: EventType, data: Mapping[str, Any], *, subject: str, now: Instant) -> str:
        return self._store.append(kind, data, subject=subject, now=now)

    def remember(self, known: Remembered, now_ns: int) -> None:
        self._store.remember(known, now_ns)
