"""COSE_Sign1 (RFC 9052) with Ed25519, and nothing else of COSE.

One algorithm, fixed here and not read from the message, so that no header can choose a weaker one. ``context`` is
the external additional data: a signature made for one purpose is worthless for another.
"""

from __future__ import annotations

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.errors import VerificationError

TAG_SIGN1 = 18
PROTECTED = cbor2.dumps({1: -8})  # alg: EdDSA
HEAD = b"\xd2\x84" + cbor2.dumps(PROTECTED) + b"\xa0"  # the tag, a list of four, the protected header, no other header
SIGNATURE_HEAD = b"\x58\x40"
SIGNATURE_BYTES = 64
ENVELOPE_MAX = 8 * 1024
"""Bytes, unless the caller expects more; confirmations and commands come nowhere near. What is longer is not even parsed."""


def sign1(key: Ed25519PrivateKey, payload: bytes, *, context: bytes) -> bytes:
    """``payload`` in a tagged COSE_Sign1 envelope."""
    return _envelope(payload, key.sign(_to_be_signed(payload, context)))


def verify1(envelope: bytes, key: Ed25519PublicKey, *, context: bytes, longest: int = ENVELOPE_MAX) -> bytes:
    """The payload of ``envelope`` if ``key`` signed exactly these bytes for ``context``.

    Raises:
        VerificationError: on anything else; the text never says which check failed to the sender's profit.
    """
    if len(envelope) > longest:
        raise VerificationError("the signed message is too long")
    payload, signature = _parts(envelope)
    if _envelope(payload, signature) != envelope:
        raise VerificationError("not a signed message")
    try:
        key.verify(signature, _to_be_signed(payload, context))
    except InvalidSignature:
        raise VerificationError("the signature does not fit") from None
    return payload


def _parts(envelope: bytes) -> tuple[bytes, bytes]:
    """Where payload and signature stand if it is an envelope: then there is one way to write it, and the caller compares.

    No general parser sees bytes that nobody has signed: a megabyte of CBOR can stand for far more.
    """
    length_bytes = {0x58: 2, 0x59: 3, 0x5A: 5}.get(envelope[len(HEAD)] if len(envelope) > len(HEAD) else 0, 1)
    return envelope[len(HEAD) + length_bytes : -len(SIGNATURE_HEAD) - SIGNATURE_BYTES], envelope[-SIGNATURE_BYTES:]


def _envelope(payload: bytes, signature: bytes) -> bytes:
    envelope: bytes = cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [PROTECTED, {}, payload, signature]))
    return envelope


def _to_be_signed(payload: bytes, context: bytes) -> bytes:
    structure: bytes = cbor2.dumps(["Signature1", PROTECTED, context, payload])
    return structure
