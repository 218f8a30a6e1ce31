"""Find any of a million byte strings in many megabytes, in seconds.

Six bytes from the middle of each pattern are its key. At every offset of the data the six bytes there are looked up, first in a
table of bits, which nearly all fail, then among the sorted keys; only what is left is compared byte by byte. (The middle, since
many codes begin alike.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.canaries.spelling import HEXADECIMAL, LEAST

KEY_BYTES = LEAST
CHUNK_BYTES = 1 << 20
TABLE_BITS = 26
SPREAD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: its product's high bits depend on every bit of the key
NUMBER_ALONE = 12
"""Digits. A shorter number is only one where no hexadecimal letter stands beside it: within a hash or a number of nanoseconds, ten
digits of ten thousand telephone numbers come up by chance once in a few runs; standing alone, not once in 10,000."""


@dataclass(frozen=True, slots=True)
class Hit:
    what: str
    form: bytes
    at: int


class Search:
    def __init__(self, patterns: Mapping[bytes, str]) -> None:
        """Patterns of six bytes at least, and what each of them is."""
        assert all(len(pattern) >= KEY_BYTES for pattern in patterns)
        keys = np.fromiter((_key(pattern) for pattern in patterns), dtype=np.uint64, count=len(patterns))
        order = np.argsort(keys, kind="stable")
        listed = list(patterns)
        self._keys = keys[order]
        self._patterns = [listed[at] for at in order]
        self._what = patterns
        self._ignored: set[bytes] = set()
        self._may = np.zeros(1 << TABLE_BITS, dtype=bool)
        self._may[_spread(self._keys)] = True

    def __len__(self) -> int:
        return len(self._patterns)

    def ignore(self, data: bytes, *, only: str = "") -> None:
        """What stands in ``data``, and has ``only`` in its name, is nobody's own, and is no hit from now on."""
        self._ignored |= {hit.form for hit in self.find(data) if only in hit.what}

    @property
    def ignored(self) -> dict[bytes, str]:
        return {form: self._what[form] for form in sorted(self._ignored)}

    def find(self, data: bytes) -> Iterator[Hit]:
        """Every place of ``data`` where a pattern stands."""
        if not self._patterns:
            return
        for start in range(0, len(data) - KEY_BYTES + 1, CHUNK_BYTES):
            there = _windows(data[start : start + CHUNK_BYTES + KEY_BYTES - 1])
            likely = np.flatnonzero(self._may[_spread(there)])
            first = np.searchsorted(self._keys, there[likely])
            first[first == len(self._keys)] = 0
            for offset, at in zip(likely[self._keys[first] == there[likely]], first[self._keys[first] == there[likely]], strict=True):
                yield from self._compare(data, start + int(offset), int(at))

    def _compare(self, data: bytes, offset: int, at: int) -> Iterator[Hit]:
        key = self._keys[at]
        while at < len(self._keys) and self._keys[at] == key:
            pattern = self._patterns[at]
            begin = offset - _key_at(pattern)
            stands = begin >= 0 and data.startswith(pattern, begin) and not _is_part_of_a_number(data, begin, pattern)
            if stands and pattern not in self._ignored:
                yield Hit(self._what[pattern], pattern, begin)
            at += 1


def _windows(data: bytes) -> NDArray[np.uint64]:
    """The number that the six bytes at each offset make."""
    octets = np.frombuffer(data, dtype=np.uint8).astype(np.uint64)
    count = len(octets) - KEY_BYTES + 1
    there = octets[:count].copy()
    for place in range(1, KEY_BYTES):
        there |= octets[place : place + count] << np.uint64(8 * place)
    return there


def _spread(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (keys * SPREAD) >> np.uint64(64 - TABLE_BITS)


def _key_at(pattern: bytes) -> int:
    return (len(pattern) - KEY_BYTES) // 2


def _key(pattern: bytes) -> int:
    at = _key_at(pattern)
    return int.from_bytes(pattern[at : at + KEY_BYTES], "little")


def _is_part_of_a_number(data: bytes, begin: int, pattern: bytes) -> bool:
    if len(pattern) >= NUMBER_ALONE or not pattern.isdigit():
        return False
    end = begin + len(pattern)
    return (begin > 0 and data[begin - 1] in HEXADECIMAL) or (end < len(data) and data[end] in HEXADECIMAL)
