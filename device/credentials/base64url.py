"""Base64url without padding (RFC 4648, 5), one spelling only: a text that is read is the text that would be written."""

from __future__ import annotations

import base64
import binascii


def to_base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def from_base64url(text: bytes) -> bytes | None:
    """The bytes in ``text``; ``None`` for other letters, padding, line ends, or bits that would be lost."""
    try:
        data = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if to_base64url(data) == text else None
