"""Lists of persons and credentials: whom the province denies, allows, has revoked, expects, or knows as declared.

A list is one run of records of twelve bytes, sorted and without doubles: eleven bytes of a keyed hash and one byte that
says more. So it is searched where it lies, without being taken apart, and names nobody to whoever lacks the key.

Eleven bytes: among 1,000,000 entries a stranger is taken for somebody else once in 3e20 look-ups (2^88 values).
That is never, also for the some hundred names a minute of a busy gate.
"""

from __future__ import annotations

import hashlib
import hmac
import operator
import struct
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import islice
from math import isqrt
from typing import TypeAlias

HASH_BYTES = 11
KEY_BYTES = 32
KEY_ID_BYTES = 8
KEY_ID_TEXT = b"qrgate-list-key-id-v1"  # no name has this form: each begins with its kind and a colon
ENTRIES_MAX = 1_000_000
RECORD = struct.Struct(f">{HASH_BYTES}sB")
_HASH = struct.Struct(f"{HASH_BYTES}s")

Body: TypeAlias = bytes | memoryview


class ListKind(StrEnum):
    DENY = "deny"  # must not pass; at the lane it looks like any refusal
    ALLOW = "allow"
    REVOKED = "revoked"  # passes, certificates and signers that are no longer good
    EXPECTED = "expected"  # whom a quarantine site awaits at the roll-call
    DECLARED = "declared"  # who has made a health declaration, and who has not


MUST_STAY, RELEASED = 0, 1
NOT_DECLARED, DECLARED = 0, 1

VALUES: Mapping[ListKind, frozenset[int]] = dict.fromkeys(ListKind, frozenset({0})) | {
    ListKind.EXPECTED: frozenset({MUST_STAY, RELEASED}),
    ListKind.DECLARED: frozenset({NOT_DECLARED, DECLARED}),
}
"""What the last byte of a record may say."""

OF_SEVERAL: Mapping[ListKind, Callable[[int, int], int]] = dict.fromkeys(ListKind, max) | {ListKind.EXPECTED: min}
"""Two names of one person say different things: who must stay under one of them stays, who declared under one has declared."""


def hash_of(key: bytes, name: bytes) -> bytes:
    """What stands in a list for ``name``, such as ``cccd:…``; ``key`` is the province's list key."""
    return hmac.digest(key, name, hashlib.sha256)[:HASH_BYTES]


def key_id(key: bytes) -> bytes:
    """Tells two list keys apart and betrays neither: a gate with another key would find nobody, and nobody would notice."""
    return hmac.digest(key, KEY_ID_TEXT, hashlib.sha256)[:KEY_ID_BYTES]


def count(body: Body) -> int:
    return len(body) // RECORD.size


def find(body: Body, wanted: bytes) -> int | None:
    """The value that the sorted ``body`` has for the hash ``wanted``; ``None`` where it is not listed."""
    at = place(body, wanted)
    if at < count(body):
        found, value = RECORD.unpack_from(body, at * RECORD.size)
        if found == wanted:
            return int(value)
    return None


def place(body: Body, wanted: bytes, begin: int = 0) -> int:
    """The first record from ``begin`` on whose hash is not below ``wanted``.

    Halves what is left, as ever, but begins where a keyed hash must lie: its values are spread evenly, so of a million
    records it is among some thousands known beforehand. Fewer steps, and all of them in neighbouring pages.
    """
    low, high = _bracket(body, wanted, begin)
    size, read = RECORD.size, _HASH.unpack_from
    while low < high:
        middle = (low + high) // 2
        if read(body, middle * size)[0] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def _bracket(body: Body, wanted: bytes, begin: int) -> tuple[int, int]:
    """A stretch that surely holds the place: where the guess is off, it reaches to the body's end on that side."""
    records = count(body)
    guess = int.from_bytes(wanted[:8], "big") * records >> 64
    reach = 3 * isqrt(records) + 1  # six standard deviations: sqrt(n) / 2 in the middle of n even draws, less elsewhere
    low, high = min(max(guess - reach, begin), records), min(max(guess + reach, begin), records)
    if low > begin and _HASH.unpack_from(body, (low - 1) * RECORD.size)[0] >= wanted:
        low = begin
    if high < records and _HASH.unpack_from(body, high * RECORD.size)[0] < wanted:
        high = records
    return low, high


def is_sorted(body: Body) -> bool:
    """Whole records, each hash above the one before. All in C: a second in Python's own loop would be five on a Pi."""
    if len(body) % RECORD.size:
        return False
    ahead = islice(RECORD.iter_unpack(body), 1, None)
    hashes, next_hashes = map(operator.itemgetter(0), RECORD.iter_unpack(body)), map(operator.itemgetter(0), ahead)
    return all(map(operator.gt, next_hashes, hashes))


def values_of(body: Body) -> set[int]:
    return set(bytes(body[RECORD.size - 1 :: RECORD.size]))
