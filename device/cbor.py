"""CBOR (RFC 8949) from bytes that anybody may have written: the one reader of passes, certificates, bundles and lists.

Not cbor2: that makes dates, patterns, fractions, networks and references of what is tagged so. 200 bytes of patterns are
37 ms, and five bytes become 2^128 addresses. Here only plain values come out, at a cost that is known before.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.errors import VerificationError

TAG_DATE = 0
BREAK = b"\xff"
OPEN = 31
WORDS: dict[int, bool | None] = {20: False, 21: True, 22: None}
FLOATS = {25: ">e", 26: ">f", 27: ">d"}


@dataclass(frozen=True, slots=True)
class Form:
    """What the CBOR of one format may be.

    ``depth_max`` counts levels below the outermost value, ``items_max`` every value, key and piece; one costs about half
    a microsecond. ``keys`` are the types of keys. Only where ``loose`` may lengths be left open and values carry tags.
    """

    depth_max: int
    items_max: int
    keys: frozenset[type]
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag that means nothing to this reader."""

    tag: int
    value: Any


def loads(data: bytes, form: Form) -> Any:
    """The one item in ``data``: int, finite float, bytes, str, list, dict, bool, ``None`` or ``Tagged``.

    Each key stands there once. A text that is tagged as a date is a text.

    Raises:
        VerificationError: anything else, bytes behind it, or more than ``form`` allows.
    """
    reader = _Reader(data, form)
    item = reader.item(0)
    if reader.at != len(data):
        raise VerificationError("bytes behind the end of the CBOR")
    return item


class _Reader:
    def __init__(self, data: bytes, form: Form) -> None:
        self.at = 0
        self._data = data
        self._form = form
        self._left = form.items_max
        self._kinds: tuple[Callable[[int, int], Any], ...] = (
            self._number,
            self._negative,
            self._bytes,
            self._text,
            self._array,
            self._map,
            self._tag,
            self._simple,
        )

    def item(self, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > self._form.depth_max:
            raise VerificationError("more CBOR than this format has")
        head = self._take(1)[0]
        return self._kinds[head >> 5](head & 31, depth)

    def _take(self, size: int) -> bytes:
        taken = self._data[self.at : self.at + size]
        if len(taken) != size:
            raise VerificationError("the CBOR ends too early")
        self.at += size
        return taken

    def _number(self, info: int, _depth: int = 0) -> int:
        if info < 24:
            return info
        if info > 27:
            raise VerificationError("a CBOR head that has no meaning")
        return int.from_bytes(self._take(1 << info - 24), "big")

    def _negative(self, info: int, _depth: int) -> int:
        return -1 - self._number(info)

    def _is_open(self, info: int) -> bool:
        """Is the length left open?"""
        return info == OPEN and self._form.loose

    def _bytes(self, info: int, depth: int) -> bytes:
        return b"".join(self._pieces(bytes, depth)) if self._is_open(info) else self._take(self._number(info))

    def _text(self, info: int, depth: int) -> str:
        if self._is_open(info):
            return "".join(self._pieces(str, depth))
        try:
            return self._take(self._number(info)).decode()
        except UnicodeDecodeError:
            raise VerificationError("a CBOR text that is no UTF-8") from None

    def _pieces(self, kind: type, depth: int) -> list[Any]:
        pieces = self._array(OPEN, depth)
        if any(type(piece) is not kind for piece in pieces):
            raise VerificationError("a CBOR string in pieces that are no strings")
        return pieces

    def _array(self, info: int, depth: int) -> list[Any]:
        if not self._is_open(info):
            return [self.item(depth + 1) for _ in range(self._number(info))]  # ends with the bytes or with the items
        items = []
        while not self._broken_off():
            items.append(self.item(depth + 1))
        return items

    def _map(self, info: int, depth: int) -> dict[Any, Any]:
        left = -1 if self._is_open(info) else self._number(info)
        items: dict[Any, Any] = {}
        while left and not (left < 0 and self._broken_off()):
            key = self.item(depth + 1)
            if type(key) not in self._form.keys or key in items:
                raise VerificationError("a CBOR key twice, or of another kind than this format has")
            items[key] = self.item(depth + 1)
            left -= 1
        return items

    def _broken_off(self) -> bool:
        if self._data[self.at : self.at + 1] != BREAK:
            return False
        self.at += 1
        return True

    def _tag(self, info: int, depth: int) -> Any:
        if not self._form.loose:
            raise VerificationError("a CBOR tag, which this format does not have")
        tag, value = self._number(info), self.item(depth + 1)
        return value if tag == TAG_DATE and type(value) is str else Tagged(tag, value)

    def _simple(self, info: int, _depth: int) -> float | bool | None:
        if info in WORDS:
            return WORDS[info]
        if info not in FLOATS:
            raise VerificationError("a CBOR value that means nothing here")
        (value,) = struct.unpack(FLOATS[info], self._take(1 << info - 24))
        if not math.isfinite(value):
            raise VerificationError("a CBOR number that is none")
        return float(value)
