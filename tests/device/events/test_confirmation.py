from __future__ import annotations

import hashlib
import tracemalloc
from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.errors import VerificationError
from device.events.confirmation import RANGE_MAX, Confirmation, decode, encode, range_digest

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=300)

DIGEST = bytes(range(32))
WORD = Confirmation(gate="g1", epoch="e1", first=1, last=20, digest=DIGEST)
GOLDEN = b"\x85\x62g1\x62e1\x01\x14\x58\x20" + DIGEST


def altered(**values: Any) -> bytes:
    return encode(replace(WORD, **values))


def test_the_golden_confirmation_is_written_and_read_as_it_always_was() -> None:
    assert (encode(WORD), decode(GOLDEN)) == (GOLDEN, WORD)


POSSIBLE = {
    "one event": replace(WORD, first=7, last=7),
    "as many as may be": replace(WORD, first=5, last=5 + RANGE_MAX - 1),
    "the last there can be": replace(WORD, first=2**63 - 1, last=2**63 - 1),
}


@pytest.mark.parametrize("confirmation", POSSIBLE.values(), ids=POSSIBLE.keys())
def test_a_possible_range_comes_out_as_it_went_in(confirmation: Confirmation) -> None:
    assert decode(encode(confirmation)) == confirmation


IMPOSSIBLE: dict[str, bytes] = {
    "one event too many": altered(first=5, last=5 + RANGE_MAX),
    "an end before the beginning": altered(first=2, last=1),
    "from zero": altered(first=0),
    "from below zero": altered(first=-1),
    "more than the store can count": altered(first=2**63, last=2**63),
    "beyond the store's last": altered(first=2**63 - 1, last=2**63),
    "beyond any integer": altered(first=2**200, last=2**200),
    "a gate that is bytes": altered(gate=b"g1"),
    "an epoch that is nothing": altered(epoch=None),
    "first true": altered(first=True),
    "last a fraction": altered(last=20.0),
    "a digest that is a text": altered(digest="00"),
    "four values": cbor2.dumps(["g1", "e1", 1, 20]),
    "six values": cbor2.dumps(["g1", "e1", 1, 20, DIGEST, 0]),
    "a map with these for keys": cbor2.dumps({"g1": 0, "e1": 0, 1: 0, 20: 0, DIGEST: 0}),
    "five letters": cbor2.dumps("g1e11"),
    "one number": cbor2.dumps(5),
    "nothing": b"",
    "cut short": GOLDEN[:-1],
    "a byte behind it": GOLDEN + b"\x00",
    "itself twice": GOLDEN + GOLDEN,
    "a length longer than it need be": b"\x98\x05" + GOLDEN[1:],
    "a number longer than it need be": GOLDEN.replace(b"\x01\x14\x58", b"\x01\x18\x14\x58"),
    "a list without a stated length": b"\x9f" + GOLDEN[1:] + b"\xff",
    "a tag before it": b"\xd9\xd9\xf7" + GOLDEN,
    "no CBOR": b"\xff",
    "a nest of lists": b"\x81" * 2000,
    "a list that claims 2^63 values": b"\x9b\x7f" + b"\xff" * 7,
}


@pytest.mark.parametrize("payload", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_anything_else_is_refused(payload: bytes) -> None:
    with pytest.raises(VerificationError) as caught:
        decode(payload)
    assert caught.value.what == "not a confirmation"


def test_a_network_of_addresses_is_not_unpacked() -> None:
    """CBOR has a tag for networks, Python iterates over every address in one: five bytes could fill all memory."""
    payload = cbor2.dumps(ip_network("10.0.0.0/16"))
    tracemalloc.start()
    with suppress(VerificationError):
        decode(payload)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@SEEDED
@given(st.binary(max_size=200) | st.builds(lambda at, new: GOLDEN[:at] + new + GOLDEN[at + 1 :], st.integers(0, len(GOLDEN)), st.binary(max_size=3)))
def test_any_bytes_are_one_confirmation_or_none(payload: bytes) -> None:
    with suppress(VerificationError):
        assert encode(decode(payload)) == payload


BODIES = [b"first", b"second", b""]


def test_a_digest_is_the_hash_of_the_bodies_hashes() -> None:
    assert range_digest(BODIES) == hashlib.sha256(b"".join(hashlib.sha256(each).digest() for each in BODIES)).digest()


@pytest.mark.parametrize("other", [[], [b"first", b"second"], [b"second", b"first", b""], [b"firstsecond"], [b"first", b"second", b"", b""]])
def test_a_digest_knows_order_borders_and_number(other: list[bytes]) -> None:
    assert range_digest(BODIES) != range_digest(other)


def test_a_digest_takes_bodies_as_they_come() -> None:
    assert range_digest(iter(BODIES)) == range_digest(BODIES)
