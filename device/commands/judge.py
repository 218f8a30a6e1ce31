"""Does an order count: is it whole, signed by who may, and meant for this gate as it runs now?

Only its challenge is left to be asked for then (``challenges.py``). Everything about a signer is looked up here, nothing is read from
the message: a message says which key to try, and what follows depends on what the office has delegated to that key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.bundles.delegations import Delegation, is_limited
from device.bundles.envelope import Place
from device.commands import deeds
from device.commands.order import ALONE_WITHIN_S, CONTEXT, Order, Signature, decode, key_id, read_message
from device.errors import VerificationError
from device.events.cose import verify1


class Refusal(StrEnum):
    """Why an order is not carried out."""

    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"  # nothing is delegated to it here, or no longer
    FORGED = "forged"
    MISDIRECTED = "misdirected"  # for another gate, or sent under another verb
    OTHER_BOOT = "other_boot"  # this gate has restarted since
    NOT_ALLOWED = "not_allowed"  # the signer has another role
    NEEDS_TWO = "needs_two"  # a second key must sign too
    UNKNOWN_CHALLENGE = "unknown_challenge"
    REPLAYED = "replayed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Ruling:
    """``order`` is there as soon as its signatures are proven, whether it counts or not. ``signers`` are key ids, hex."""

    order: Order | None = None
    signers: tuple[str, ...] = ()
    refusal: Refusal | None = None

    @property
    def within_s(self) -> int:
        """How long after its challenge the order still counts."""
        if self.order is None:
            return 0
        return self.order.within_s if len(self.signers) > 1 else min(self.order.within_s, ALONE_WITHIN_S)


def judge(data: bytes, verb: str, *, place: Place, boot: str, delegations: Sequence[Delegation], passed_s: int) -> Ruling:
    """The ruling on the message ``data`` that came under ``verb``; ``passed_s`` is a moment that has certainly passed. Never raises."""
    try:
        signatures = read_message(data)
    except VerificationError:
        return Ruling(refusal=Refusal.MALFORMED)
    signers, payloads = [], set()
    for signature in signatures:
        here = [each for each in delegations if each.counts(place, passed_s)]
        key = next((each.key for each in here if key_id(each.key) == signature.key_id), None)
        if key is None:
            return Ruling(refusal=Refusal.UNKNOWN_KEY)
        payload = _proven(signature, key)
        if payload is None:
            return Ruling(refusal=Refusal.FORGED)
        signers.append([each for each in here if each.key == key])
        payloads.add(payload)
    try:
        order = decode(payloads.pop())
    except VerificationError:
        return Ruling(refusal=Refusal.MALFORMED)
    ids = tuple(signature.key_id.hex() for signature in signatures)
    if payloads or len(set(ids)) != len(ids):  # two orders, or one hand that signed twice
        return Ruling(refusal=Refusal.MALFORMED)
    return Ruling(order, ids, _refusal(order, verb, place, boot, signers, delegations))


def _proven(signature: Signature, key: bytes) -> bytes | None:
    try:
        return verify1(signature.envelope, Ed25519PublicKey.from_public_bytes(key), context=CONTEXT)
    except VerificationError:
        return None


def _refusal(
    order: Order, verb: str, place: Place, boot: str, signers: Sequence[Sequence[Delegation]], delegations: Sequence[Delegation]
) -> Refusal | None:
    if order.gate != place.gate or order.verb != verb:
        return Refusal.MISDIRECTED
    if order.boot != boot:
        return Refusal.OTHER_BOOT
    may = deeds.ROLES[order.verb]
    if not all(any(may & each.roles for each in counted) for counted in signers):
        return Refusal.NOT_ALLOWED
    if deeds.needs_two(order.deed) and len(signers) < 2:
        of_the_key = [each for each in delegations if each.key == signers[0][0].key]
        if not is_limited(of_the_key, *may):
            return Refusal.NEEDS_TWO
    return None
