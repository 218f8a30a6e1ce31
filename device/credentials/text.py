"""From exact bytes to the fields of a barred text."""

from __future__ import annotations

import unicodedata

PAYLOAD_MAX = 4296
"""Bytes: the largest QR symbol, version 40-L in alphanumeric mode."""


def decode_fields(payload: bytes) -> list[str]:
    """The fields between bars, or an empty list where ``payload`` is no clean text.

    What wedge scanners add is taken off (BOM, NUL, line ends); then strict UTF-8, because a charset that is guessed
    swallows bars (a Big5 trail byte is ``|``); then NFC, so that one name has one spelling. Control characters make
    the whole text unfit.
    """
    if len(payload) > PAYLOAD_MAX:
        return []
    try:
        text = payload.removeprefix(b"\xef\xbb\xbf").rstrip(b"\x00\r\n").decode("utf-8")
    except UnicodeDecodeError:
        return []
    if any(unicodedata.category(character) == "Cc" for character in text):
        return []
    return unicodedata.normalize("NFC", text).split("|")
