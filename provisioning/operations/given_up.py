"""Events that gates have given up, each in a void that its gate has signed.

A range of an epoch that a damaged store has ended is lost: nobody waits for it. A single event that the broker refused is not: a void
stands in its place, and its original lies in the gate until the recorder has that, too. Any broker or uplink can have a gate make such
a void, so the original is owed, and is asked for until it comes.
"""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.errors import VerificationError
from device.events import void
from device.events.cloudevents import body_hash, event_id
from device.events.void import Void
from provisioning.operations.alarms import What
from provisioning.operations.arrivals import VOID, Arrival, claim_in, link_of
from provisioning.operations.chains import Chains
from provisioning.operations.database import Database
from provisioning.operations.register import Known, Register
from provisioning.operations.runs import Range
from provisioning.operations.schema import REPLICA_MIGRATIONS

VOIDS = (
    "SELECT source, epoch, sequence, id, body FROM events WHERE type = ?1 "
    "UNION ALL SELECT source, epoch, sequence, id, body FROM voided WHERE type = ?1"
)
SETTLED = "SELECT 1 FROM settled WHERE gate = ? AND epoch = ? AND first = ? AND last = ?"
BODY = "SELECT body FROM events WHERE source = ? AND id = ?"
FURTHER = "SELECT 1 FROM {} WHERE source = ? AND id = ? AND hash = ?"

ASKED_MAX = 8
"""Originals of one epoch that are asked for together: where the broker still takes none of them, it may end a session at each."""


class GivenUp:
    """Changed within a transaction of the archive."""

    def __init__(self, database: Database, chains: Chains, register: Register) -> None:
        self._database = database
        self._chains = chains
        self._register = register

    # --- voids as they come ------------------------------------------------------------------------------------

    def take(self, known: Known, each: Arrival, moment: str) -> bool:
        """Settle what a void gives up, once its gate's key is known. Whether nothing is wrong with it, as far as one can tell."""
        if each.claim is None:
            self._register.alarm(each.topics.gate, What.UNSIGNED_VOID, moment)
            return False
        if known.key is None:
            return self._register.claim(each.topics.gate, each.claim.envelope)
        envelope, hash_ = each.claim.envelope, each.claim.hash
        sound = (not hash_ or _is_sound(known, each, envelope, hash_)) and self._settle(known, envelope, moment)
        if not sound:
            self._register.alarm(each.topics.gate, What.UNSIGNED_VOID, moment)
        return sound

    def judge_claims(self, known: Known, moment: str) -> None:
        """The gate's key is known now: what it has given up before?"""
        for envelope in self._register.take_claims(known.gate):
            if not self._settle(known, envelope, moment):
                self._register.alarm(known.gate, What.UNSIGNED_VOID, moment)

    def is_of_one_event(self, known: Known, each: Arrival, stored: bytes, moment: str) -> bool:
        """An event and its voids may have one id: it arrived after all, came when it was asked for, or was refused for several reasons.
        Nothing else may.
        """
        if each.link != link_of(stored):
            return False
        if each.claim and each.claim.hash:
            return self.take(known, each, moment)
        claim = claim_in(stored)
        return claim is not None and _is_sound(known, each, claim.envelope, claim.hash)

    def _settle(self, known: Known, envelope: bytes, moment: str) -> bool:
        signed = _verified(envelope, known.key or b"")
        if signed is None or signed.gate != known.gate:
            return False
        self._chains.settle(signed.gate, signed.epoch, (signed.first, signed.last), signed.why)
        if signed.hash and not self._has(signed.gate, event_id(signed.gate, signed.epoch, signed.first), signed.hash):
            self._owe(signed.gate, signed.epoch, signed.first, signed.hash, moment)
        return True

    # --- originals ---------------------------------------------------------------------------------------------

    def came(self, each: Arrival) -> None:
        """Is it what was owed?"""
        owed = (each.topics.gate, each.epoch, each.sequence, each.hash)
        self._database.execute("DELETE FROM owed WHERE gate = ? AND epoch = ? AND sequence = ? AND hash = ?", owed)

    def has_original(self, each: Arrival) -> bool:
        """Is ``each`` a void whose original is stored, too?"""
        return bool(each.claim and each.claim.hash) and self._has(each.topics.gate, each.id, each.link)

    def owed(self, gate: str, epoch: str) -> list[Range]:
        """Some of what is owed: each time others, so that those which never come do not stand before the rest."""
        sql = "SELECT sequence, sequence FROM (SELECT sequence FROM owed WHERE gate = ? AND epoch = ? ORDER BY random() LIMIT ?) ORDER BY sequence"
        return self._database.rows(sql, (gate, epoch, ASKED_MAX))

    def debtors(self, limit: int) -> list[tuple[str, str]]:
        """Gates and epochs that owe originals."""
        return self._database.rows("SELECT DISTINCT gate, epoch FROM owed LIMIT ?", (limit,))

    def _has(self, gate: str, id_: str, hash_: bytes) -> bool:
        source = f"/gates/{gate}"
        (body,) = self._database.row(BODY, (source, id_)) or (None,)
        if body is not None and body_hash(body) == hash_:
            return True
        return any(self._database.row(FURTHER.format(table), (source, id_, hash_)) for table in ("voided", "conflicts"))

    # --- archives of before ------------------------------------------------------------------------------------

    def recall(self, version: int, moment: str) -> None:
        """Of a file that had ``version`` until now, which knew less of its voids."""
        for source, epoch, sequence, id_, body in self._database.rows(VOIDS, (VOID,)):
            gate, claim = source.removeprefix("/gates/"), claim_in(body)
            if claim is None:
                continue
            if version <= len(REPLICA_MIGRATIONS):
                self._register.claim(gate, claim.envelope)  # judged when its gate names its key
            elif claim.hash and self._database.row(SETTLED, (gate, epoch, sequence, sequence)) and not self._has(gate, id_, claim.hash):
                self._owe(gate, epoch, sequence, claim.hash, moment)

    def _owe(self, gate: str, epoch: str, sequence: int, hash_: bytes, moment: str) -> None:
        self._database.execute("INSERT OR IGNORE INTO owed VALUES (?, ?, ?, ?)", (gate, epoch, sequence, hash_))
        self._register.alarm(gate, What.UNDELIVERED, moment)


def _is_sound(known: Known, each: Arrival, envelope: bytes, hash_: bytes) -> bool:
    """May it stand in the place of ``each``? Without a key nobody can tell yet; the claim is judged when there is one."""
    if known.key is None:
        return True
    signed = _verified(envelope, known.key)
    return signed is not None and signed == Void(each.topics.gate, each.epoch, each.sequence, each.sequence, signed.why, hash_)


def _verified(envelope: bytes, key: bytes) -> Void | None:
    try:
        return void.verify(envelope, Ed25519PublicKey.from_public_bytes(key))
    except (VerificationError, ValueError):
        return None
