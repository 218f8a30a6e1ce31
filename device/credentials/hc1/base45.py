"""Base45 (RFC 9285): two bytes in three characters of a QR symbol's alphanumeric mode. A blank is one of them."""

from __future__ import annotations

import struct

from device.credentials.hc1.broken import BrokenError

ALPHABET = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
STRANGE = 255
VALUES = bytes(ALPHABET.find(letter) if letter in ALPHABET else STRANGE for letter in range(256))


def decode(text: bytes) -> bytes:
    """The bytes that ``text`` stands for.

    Raises:
        BrokenError: a character outside the alphabet, one left over, or a group beyond 65535 (255 for the last two).
    """
    values = text.translate(VALUES)
    if STRANGE in values:
        raise BrokenError("a character that base45 does not have")
    ends = len(values) - len(values) % 3
    words = [low + 45 * middle + 2025 * high for low, middle, high in zip(values[0:ends:3], values[1:ends:3], values[2:ends:3], strict=True)]
    try:
        return struct.pack(f">{len(words)}H", *words) + _last(values[ends:])
    except (struct.error, ValueError):
        raise BrokenError("a group of characters that stands for no bytes") from None


def _last(values: bytes) -> bytes:
    """One byte in two characters, where the number of bytes is odd."""
    if not values:
        return b""
    low, high = values
    return bytes([low + 45 * high])
