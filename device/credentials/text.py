"""From exact bytes to clean text, and to the fields of a barred text."""

from __future__ import annotations

import re
import unicodedata

PAYLOAD_MAX = 4296
"""Bytes: the largest QR symbol, version 40-L in alphanumeric mode."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # the whole of Unicode's category Cc
COMPOSED_MAX = 400


def trimmed(payload: bytes) -> bytes:
    """Without what wedge scanners and C programs add: a byte order mark, line ends, NUL."""
    return payload.removeprefix(b"\xef\xbb\xbf").rstrip(b"\x00\r\n")


def decode(payload: bytes) -> str | None:
    """The text of ``payload``, or ``None`` where it is no clean text.

    Strict UTF-8, because a charset that is guessed swallows bars (a Big5 trail byte is ``|``). Control characters make
    the whole text unfit.
    """
    if len(payload) > PAYLOAD_MAX:
        return None
    try:
        text = trimmed(payload).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if CONTROL.search(text) else text


def decode_fields(payload: bytes) -> list[str]:
    """The fields between bars exactly as written, or an empty list where ``payload`` is no clean text."""
    text = decode(payload)
    return [] if text is None else text.split("|")


def composed(field: str) -> str:
    """Letters and their accents as one character each (NFC), so that one word has one spelling.

    A longer field than any name stays as it is: a tower of accents is put in order in quadratic time (4 ms for a full symbol).
    """
    return unicodedata.normalize("NFC", field) if len(field) <= COMPOSED_MAX else field
