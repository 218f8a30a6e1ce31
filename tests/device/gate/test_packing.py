from __future__ import annotations

import zlib
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreDamagedError
from device.events.cloudevents import Stamp, encode
from device.gate.packing import BODY_MAX, WORDS, pack, unpack

SEEDED = settings(derandomize=True, database=None, deadline=None, max_examples=300)
STAMP = Stamp("b0-lane-1", "3f0b2c9e-6d1a-4b57-9a44-1c7d0e5b8a21", "0123456789abcdef", 17, bytes(range(32)))
BODY = encode(EventType.ALARM, {"what": "forced"}, subject="gate", time=Instant(datetime(2026, 7, 1, tzinfo=UTC), ClockTrust.TRUSTED), stamp=STAMP)
GOLDEN_WORDS = 0x5AA61503


def test_a_body_comes_out_byte_by_byte_and_lies_there_in_less_than_half() -> None:
    assert (unpack(pack(BODY)), len(pack(BODY)) < len(BODY) / 2) == (BODY, True)


def test_the_words_never_change() -> None:
    """Stores in the field were packed with them."""
    assert zlib.adler32(WORDS) == GOLDEN_WORDS


def test_a_body_that_an_older_version_has_stored_is_read_as_it_is() -> None:
    assert unpack(BODY) == BODY


@SEEDED
@given(st.binary(max_size=2000))
def test_any_bytes_that_are_packed_come_out_again(body: bytes) -> None:
    assert unpack(pack(body)) == body


@SEEDED
@given(st.integers(0, len(pack(BODY)) - 1), st.integers(1, 255))
def test_a_changed_byte_never_becomes_another_body(at: int, change: int) -> None:
    packed = bytearray(pack(BODY))
    packed[at] ^= change
    if packed.startswith(b"{"):
        return
    with suppress(StoreDamagedError):
        assert unpack(bytes(packed)) == BODY


@pytest.mark.parametrize("stored", [b"", b"x", pack(BODY)[:-1], pack(BODY)[:20], zlib.compress(BODY)[:-5], pack(b"x" * (BODY_MAX + 1))])
def test_what_is_not_whole_is_damaged(stored: bytes) -> None:
    with pytest.raises(StoreDamagedError):
        unpack(stored)
