from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.domain import ClockTrust, EventType, Instant
from device.errors import VerificationError
from device.events import cose, head
from device.events.cloudevents import Stamp, body_hash, encode
from device.events.void import CONTEXT, LAST, Void, data, in_place_of, link, sign, verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
HASH = bytes(range(32))
ONE = Void(gate="g1", epoch="e1", first=7, last=7, why="refused_151", hash=HASH)
RANGE = Void(gate="g1", epoch="e0", first=3, last=900, why="damaged")


@pytest.mark.parametrize("void", [ONE, RANGE, replace(RANGE, last=LAST), replace(RANGE, first=LAST, last=LAST)])
def test_a_void_comes_out_as_it_was_signed(void: Void) -> None:
    assert verify(sign(KEY, void), KEY.public_key()) == void


def test_the_golden_void_is_signed_as_it_always_was() -> None:
    payload = b"\x86\x62g1\x62e1\x07\x07\x6brefused_151\x58\x20" + HASH
    assert sign(KEY, ONE) == cose.sign1(KEY, payload, context=b"qrgate-void-v1")


IMPOSSIBLE: dict[str, bytes] = {
    "an end before the beginning": sign(KEY, replace(RANGE, first=901)),
    "from zero": sign(KEY, replace(RANGE, first=0)),
    "more than the store can count": sign(KEY, replace(RANGE, last=2**63)),
    "no reason": sign(KEY, replace(RANGE, why="")),
    "a reason that is a text of somebody's": sign(KEY, replace(RANGE, why="Nguyen Van A")),
    "an endless reason": sign(KEY, replace(RANGE, why="a" * 65)),
    "half a hash": sign(KEY, replace(ONE, hash=HASH[:16])),
    "one hash for a range": sign(KEY, replace(RANGE, hash=HASH)),
    "five values": cose.sign1(KEY, cbor2.dumps(["g1", "e1", 7, 7, "damaged"]), context=CONTEXT),
    "a head": head.sign(KEY, head.Head("g1", "e1", 7, HASH)),
    "another key": sign(Ed25519PrivateKey.from_private_bytes(bytes(32)), ONE),
    "nothing": b"",
}


@pytest.mark.parametrize("envelope", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_anything_else_is_refused(envelope: bytes) -> None:
    with pytest.raises(VerificationError):
        verify(envelope, KEY.public_key())


def test_the_event_of_a_void_carries_all_that_was_signed() -> None:
    assert data(ONE, b"\x01\x02", "decision") == {
        "epoch": "e1",
        "first": 7,
        "last": 7,
        "why": "refused_151",
        "hash": HASH.hex(),
        "type": "decision",
        "signature": "0102",
    }


ORIGINAL = encode(
    EventType.DECISION,
    {"admit": True},
    subject="cafe-1",
    time=Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED),
    stamp=Stamp("g1", "boot-1", "e1", 7, HASH),
)


def test_what_stands_in_the_place_of_an_event_says_nothing_of_it_and_keeps_its_place_in_the_chain() -> None:
    void = replace(ONE, hash=body_hash(ORIGINAL))
    body = in_place_of(ORIGINAL, void, b"\x01")
    before, after = json.loads(ORIGINAL), json.loads(body)
    assert {name for name in before if before[name] != after[name]} == {"type", "dataschema", "data"}
    assert (after["type"], after["data"], link(body), link(ORIGINAL)) == ("qrgate.void", data(void, b"\x01", "decision"), *[body_hash(ORIGINAL)] * 2)


def test_the_void_of_a_range_is_a_link_of_the_chain_like_any_event() -> None:
    body = in_place_of(ORIGINAL, RANGE, b"\x01")
    assert link(body) == body_hash(body)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"type":"qrgate.void"}', b'{"type":"qrgate.void","data":{"hash":"zz"}}', b"[" * 100_000])
def test_what_is_no_event_has_no_link(body: bytes) -> None:
    with pytest.raises(VerificationError):
        link(body)
