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
ENVELOPE_MAX = 8 * 1024
"""Bytes; nothing that is signed here comes near, and what is longer is not even parsed."""


def sign1(key: Ed25519PrivateKey, payload: bytes, *, context: bytes) -> bytes:
    """``payload`` in a tagged COSE_Sign1 envelope."""
    return _envelope(payload, key.sign(_to_be_signed(payload, context)))


def verify1(envelope: bytes, key: Ed25519PublicKey, *, context: bytes) -> bytes:
    """The payload of ``envelope`` if ``key`` signed exactly these bytes for ``context``.

    Raises:
        VerificationError: on anything else; the text never says which check failed to the sender's profit.
    """
    if len(envelope) > ENVELOPE_MAX:
        raise VerificationError("the signed message is too long")
    try:
        _protected, _unprotected, payload, signature = cbor2.loads(envelope).value
    except (cbor2.CBORError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, MemoryError):
        raise VerificationError("not a signed message") from None
    # One way to write it: no other tag or header, no second spelling, nothing after the end.
    if type(payload) is not bytes or type(signature) is not bytes or _envelope(payload, signature) != envelope:
        raise VerificationError("not a signed message")
    try:
        key.verify(signature, _to_be_signed(payload, context))
    except InvalidSignature:
        raise VerificationError("the signature does not fit") from None
    return payload


def _envelope(payload: bytes, signature: bytes) -> bytes:
    envelope: bytes = cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [PROTECTED, {}, payload, signature]))
    return envelope


def _to_be_signed(payload: bytes, context: bytes) -> bytes:
    structure: bytes = cbor2.dumps(["Signature1", PROTECTED, context, payload])
    return structure
