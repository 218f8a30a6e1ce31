"""The recorder's archive: every event once, in SQLite, on disk before anybody is told so; and what is odd about them.

Nothing that a gate sent is thrown away or stalls it. Other bytes under an id that is there are kept beside it, alarmed, and
confirmed with their own digest: a confirmation says "these very bytes are safe", so it lets nothing leave a gate that has others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.errors import VerificationError
from device.events import void
from device.events.cloudevents import body_hash
from device.events.topics import Topics
from device.events.void import Void
from provisioning.operations.alarms import What
from provisioning.operations.arrivals import VOID, Arrival, claim_in
from provisioning.operations.births import Birth
from provisioning.operations.chains import Chains
from provisioning.operations.database import Database
from provisioning.operations.identity import Identities
from provisioning.operations.register import DOUBTFUL_MAX, Known, Register
from provisioning.operations.repeats import Gap
from provisioning.operations.schema import MIGRATIONS

INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, id) DO NOTHING"

BROKEN_MAX = 10_000
"""Epochs with a gap that are looked at in one go."""


class Verdict(Enum):
    STORED = auto()
    DUPLICATE = auto()  # the same bytes are there already
    CONFLICT = auto()  # other bytes had this id: a cloned or a meddled gate; both are kept
    CROWDED = auto()  # one conflict too many: not kept, so not confirmed
    NOTED = auto()  # a birth message


SAFE = frozenset({Verdict.STORED, Verdict.DUPLICATE, Verdict.CONFLICT})
"""These very bytes are on disk."""


class Archive:
    """Owned by one thread. Close it, or use it in a ``with``."""

    def __init__(self, path: Path) -> None:
        """Open the archive at ``path`` or make an empty one; one of an older recorder is brought up to date.

        Raises:
            StoreError: it cannot be opened, is of a newer version, or does not promise durable commits.
        """
        self.database = Database(path, MIGRATIONS, called="archive")
        with self.database.told():
            self.chains = Chains(self.database)
            self.register = Register(self.database)
        self._identities = Identities(self.database, self.register)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def store(self, arrivals: Sequence[Arrival | Birth], *, received_at: datetime) -> list[Verdict]:
        """One verdict for each of ``arrivals``, all in one commit: when this returns, they are on disk.

        Raises:
            StoreError: nothing of them was stored.
        """
        moment = received_at.isoformat(timespec="milliseconds")
        with self.database.told():
            try:
                with self.database.transaction():
                    verdicts = [self._note(each, moment) if isinstance(each, Birth) else self._place(each, moment) for each in arrivals]
                    self.chains.write(moment)
                    self.register.write()
            except BaseException:
                self.chains.forget()
                self.register.forget()
                raise
        return verdicts

    def take_accepted(self) -> list[str]:
        """Gates that an operator has accepted since the last time; from now on they are what he decided."""
        with self.database.told():
            if self.database.row("SELECT 1 FROM accepted LIMIT 1") is None:
                return []
            with self.database.transaction():
                return self.register.take_accepted()

    def gaps(self, province: str) -> Iterator[Gap]:
        """What is missing below the highest event of each epoch, and was not given up by its gate."""
        for gate, epoch in self.chains.broken(BROKEN_MAX):
            site = self.register.site(gate)
            if site and (ranges := self.chains.missing(gate, epoch)):
                yield Gap(Topics(province, site, gate), epoch, tuple(ranges))

    # --- events ------------------------------------------------------------------------------------------------

    def _place(self, each: Arrival, moment: str) -> Verdict:
        known = self.register.gate(each.topics)
        row = (each.source, each.epoch, each.sequence, each.id, each.type, moment, each.body)
        if self.database.execute(INSERT, row).rowcount == 0:
            return self._again(known, each, moment, row)
        gate = each.topics.gate
        if not self.chains.add(gate, each.epoch, each.sequence, before=each.before, link=each.link):
            self.register.alarm(gate, What.BROKEN_CHAIN, moment)
        if each.sequence == known.head_sequence and each.epoch == known.head_epoch and each.link != known.head_hash:
            self.register.alarm(gate, What.BROKEN_CHAIN, moment)
        if each.type == VOID:
            self._void(known, each, moment)
        return Verdict.STORED

    def _again(self, known: Known, each: Arrival, moment: str, row: tuple[object, ...]) -> Verdict:
        """An id that is there already."""
        (body,) = self.database.row("SELECT body FROM events WHERE source = ? AND id = ?", (each.source, each.id)) or (b"",)
        if body == each.body:
            return Verdict.DUPLICATE
        further = [*row, each.hash]
        if self._is_void_and_its_event(known, each, body, moment):
            added = self.database.execute("INSERT OR IGNORE INTO voided VALUES (?, ?, ?, ?, ?, ?, ?, ?)", further).rowcount
            return Verdict.STORED if added else Verdict.DUPLICATE
        if self.database.row("SELECT 1 FROM conflicts WHERE source = ? AND id = ? AND hash = ?", (each.source, each.id, each.hash)):
            return Verdict.DUPLICATE
        if known.doubtful >= DOUBTFUL_MAX:
            self.register.alarm(each.topics.gate, What.CROWDED, moment)
            return Verdict.CROWDED
        self.register.alarm(each.topics.gate, What.OTHER_BYTES, moment)
        known.doubtful += 1
        self.register.change(known)
        self.database.execute("INSERT INTO conflicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", further)
        return Verdict.CONFLICT

    def _is_void_and_its_event(self, known: Known, each: Arrival, stored: bytes, moment: str) -> bool:
        """A gate gave an event up that had arrived after all, or that it sent again later; and no third thing under that id."""
        if each.claim and each.claim.hash:
            related = each.claim.hash == body_hash(stored) and self._void(known, each, moment)
        else:
            claim = claim_in(stored)
            related = claim is not None and claim.hash == each.hash and self._is_sound(known, each, claim.envelope, claim.hash)
        other = self.database.row("SELECT 1 FROM voided WHERE source = ? AND id = ? AND hash != ?", (each.source, each.id, each.hash))
        return related and other is None

    # --- voids -------------------------------------------------------------------------------------------------

    def _void(self, known: Known, each: Arrival, moment: str) -> bool:
        """Settle what a void gives up, once its gate's key is known. Whether nothing is wrong with it, as far as one can tell."""
        if each.claim is None:
            self.register.alarm(each.topics.gate, What.UNSIGNED_VOID, moment)
            return False
        if known.key is None:
            return self.register.claim(each.topics.gate, each.claim.envelope)
        envelope, hash_ = each.claim.envelope, each.claim.hash
        sound = (not hash_ or self._is_sound(known, each, envelope, hash_)) and self._settle(known, envelope)
        if not sound:
            self.register.alarm(each.topics.gate, What.UNSIGNED_VOID, moment)
        return sound

    def _is_sound(self, known: Known, each: Arrival, envelope: bytes, hash_: bytes) -> bool:
        """May it stand in the place of ``each``? Without a key nobody can tell yet; the claim is judged when there is one."""
        if known.key is None:
            return True
        signed = _verified(envelope, known.key)
        return signed is not None and signed == Void(each.topics.gate, each.epoch, each.sequence, each.sequence, signed.why, hash_)

    def _settle(self, known: Known, envelope: bytes) -> bool:
        signed = _verified(envelope, known.key or b"")
        if signed is None or signed.gate != known.gate:
            return False
        self.chains.settle(signed.gate, signed.epoch, (signed.first, signed.last), signed.why)
        return True

    # --- births ------------------------------------------------------------------------------------------------

    def _note(self, birth: Birth, moment: str) -> Verdict:
        known = self.register.gate(birth.topics)
        had_key = known.key is not None
        for what in self._identities.judge(birth, known, moment):
            self.register.alarm(known.gate, what, moment)
        if not had_key and known.key is not None:
            for envelope in self.register.take_claims(known.gate):
                if not self._settle(known, envelope):
                    self.register.alarm(known.gate, What.UNSIGNED_VOID, moment)
        return Verdict.NOTED


def _verified(envelope: bytes, key: bytes) -> Void | None:
    try:
        return void.verify(envelope, Ed25519PublicKey.from_public_bytes(key))
    except (VerificationError, ValueError):
        return None
