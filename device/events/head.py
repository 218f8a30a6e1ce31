"""The signed head: how far a gate's chain of events reaches, in the gate's own hand.

Each event carries the hash of the one before it, so this one hash fixes all of them. Whoever holds a head can show later
that events were taken out, changed, or written anew; only the gate can make one.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.errors import VerificationError
from device.events import statement
from device.events.confirmation import SEQUENCE_END

CONTEXT = b"qrgate-head-v1"
HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class Head:
    """The last event of ``epoch`` is ``sequence``; ``hash`` is the SHA-256 of its body. Zero and empty where there is none yet."""

    gate: str
    epoch: str
    sequence: int
    hash: bytes


TYPES: list[type] = [str, str, int, bytes]


def sign(key: Ed25519PrivateKey, head: Head) -> bytes:
    return statement.sign(key, list(astuple(head)), context=CONTEXT)


def verify(envelope: bytes, public_key: Ed25519PublicKey) -> Head:
    """Raises VerificationError where it is not a possible head that ``public_key`` has signed."""
    head = Head(*statement.verify(envelope, public_key, TYPES, context=CONTEXT))
    if not 0 <= head.sequence < SEQUENCE_END or len(head.hash) != (HASH_BYTES if head.sequence else 0):
        raise VerificationError("not the head of a chain")
    return head
