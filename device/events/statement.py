"""A short signed statement: a CBOR list of plain values with one way to write it, in a COSE_Sign1 envelope.

The head of the chain and a void are such; each has its own ``context``, so that one can never be taken for the other.
"""

from __future__ import annotations

from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from device.cbor import Form, loads
from device.errors import VerificationError
from device.events import cose


def sign(key: Ed25519PrivateKey, values: list[Any], *, context: bytes) -> bytes:
    return cose.sign1(key, cbor2.dumps(values), context=context)


def verify(envelope: bytes, key: Ed25519PublicKey, types: list[type], *, context: bytes) -> list[Any]:
    """The values if ``key`` signed a list of exactly these ``types`` for ``context``. Raises VerificationError."""
    payload = cose.verify1(envelope, key, context=context)
    values = loads(payload, Form(depth_max=1, items_max=1 + len(types), keys=frozenset()))
    if type(values) is not list or [type(value) for value in values] != types or cbor2.dumps(values) != payload:
        raise VerificationError("not the statement that was expected")
    return values
