from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.errors import VerificationError
from device.events import confirmation, cose
from device.events.head import CONTEXT, Head, sign, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HASH = bytes(range(32))
HEAD = Head(gate="g1", epoch="e1", sequence=7, hash=HASH)
EMPTY = Head(gate="g1", epoch="e1", sequence=0, hash=b"")


def signed(values: Any) -> bytes:
    return cose.sign1(KEY, cbor2.dumps(values), context=CONTEXT)


@pytest.mark.parametrize("head", [HEAD, EMPTY, replace(HEAD, sequence=2**63 - 1)])
def test_a_head_comes_out_as_it_was_signed(head: Head) -> None:
    assert verify(sign(KEY, head), KEY.public_key()) == head


def test_the_golden_head_is_signed_as_it_always_was() -> None:
    assert sign(KEY, HEAD) == cose.sign1(KEY, b"\x84\x62g1\x62e1\x07\x58\x20" + HASH, context=b"qrgate-head-v1")


IMPOSSIBLE: dict[str, bytes] = {
    "below zero": sign(KEY, replace(HEAD, sequence=-1)),
    "more than the store can count": sign(KEY, replace(HEAD, sequence=2**63)),
    "an event without a hash": sign(KEY, replace(HEAD, hash=b"")),
    "half a hash": sign(KEY, replace(HEAD, hash=HASH[:16])),
    "a hash of nothing": sign(KEY, replace(EMPTY, hash=HASH)),
    "a number that is true": signed(["g1", "e1", True, HASH]),
    "three values": signed(["g1", "e1", 7]),
    "five values": signed(["g1", "e1", 7, HASH, 0]),
    "a map": signed({"g1": 7}),
    "no CBOR": cose.sign1(KEY, b"\xff", context=CONTEXT),
    "a number longer than it need be": cose.sign1(KEY, b"\x84\x62g1\x62e1\x18\x07\x58\x20" + HASH, context=CONTEXT),
    "another purpose": cose.sign1(KEY, cbor2.dumps(["g1", "e1", 7, HASH]), context=confirmation.CONTEXT),
    "another key": sign(Ed25519PrivateKey.from_private_bytes(bytes(32)), HEAD),
    "a byte behind it": sign(KEY, HEAD) + b"\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("envelope", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_anything_else_is_refused(envelope: bytes) -> None:
    with pytest.raises(VerificationError):
        verify(envelope, KEY.public_key())
