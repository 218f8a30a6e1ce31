"""The forms in which a text or some bytes could have been written down by a program."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

LEAST = 6
"""Bytes of the shortest form that is searched."""


def bare(text: str) -> str:
    """Without diacritics, as forms and old programs write Vietnamese."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return plain.replace("đ", "d").replace("Đ", "D")


def spellings(text: str) -> set[str]:
    """Composed, decomposed and without diacritics; each as it is, in small and in capital letters."""
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)
    return {letters for each in (text, composed, decomposed, bare(text)) for letters in (each, each.lower(), each.upper())}


def forms(value: str | bytes) -> set[bytes]:
    """All forms of a personal value."""
    if isinstance(value, bytes):
        return set(encoded(value))
    found = {form for spelling in spellings(value) for form in _written(spelling)}
    if value.isascii() and value.isdigit() and len(value) >= 12:  # shorter ones leave half of the eight bytes zero
        found |= {int(value).to_bytes(8, "big"), int(value).to_bytes(8, "little")}
    return found


def _written(text: str) -> Iterator[bytes]:
    yield from encoded(text.encode())
    yield text.encode("utf-16-le").rstrip(b"\0")  # without its last zero it is the same, one byte on, in the other byte order
    yield text[::-1].encode()
    yield quote(text, safe="").encode()
    yield json.dumps(text)[1:-1].encode()
    yield repr(text.encode())[2:-1].encode()
    if not text.isascii():
        yield text.encode("utf-16-be")


def encoded(data: bytes) -> Iterator[bytes]:
    """As it is and backwards, in hex, and in both base64 alphabets as it stands at each of the three offsets."""
    yield data
    yield data[::-1]
    yield data.hex().encode()
    yield data.hex().upper().encode()
    yield from in_base64(data)


def in_base64(data: bytes) -> Iterator[bytes]:
    """The letters that depend on ``data`` alone, whatever stands before and after it."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data)
        within = text[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield within
        if b"+" in within or b"/" in within:
            yield within.translate(bytes.maketrans(b"+/", b"-_"))


# --- pieces of a code ------------------------------------------------------------------------------------------

SHORT, LONG = 8, 16
HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")
TELLING = frozenset(range(0x80, 0x100)) | frozenset(b"ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ")
"""Letters, and bytes of letters with diacritics. Not punctuation: ``00501","`` stands at the end of many a hash in JSON (seen)."""
CONTROL = frozenset(range(0x20))
"""In a process's memory there are tables of 16-bit numbers, which look like a few letters of UTF-16 (seen)."""


def pieces(code: bytes) -> set[bytes]:
    """Pieces of ``code``, raw, in hex and in base64: whoever writes down 23 bytes of it in a row has written one of them.

    Eight bytes are enough where two of them are letters that no number and no hash is written with: 11 bytes in a row of most
    codes. Any other piece could be a part of a number of nanoseconds, a date or a hash: those have 16.
    """
    short = {code[at : at + SHORT] for at in range(0, len(code) - SHORT + 1, SHORT // 2)}
    found = {piece for piece in short if sum(byte in TELLING for byte in piece) >= 2 and CONTROL.isdisjoint(piece)}
    found |= {code[at : at + LONG] for at in range(0, len(code) - LONG + 1, LONG // 2)}
    found |= {code[at : at + LONG].hex().encode() for at in range(0, len(code) - LONG + 1, LONG // 2)}
    for letters in in_base64(code):
        found |= {letters[at : at + LONG] for at in range(0, len(letters) - LONG + 1, LONG)}
    return found
