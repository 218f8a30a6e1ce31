"""CBOR as bundles use it: a small part of RFC 8949, with bounds, and one spelling of each value.

Whole numbers, byte strings, texts, lists, maps with texts for keys, finite numbers, true, false and null; lengths are told
ahead, keys are sorted.
"""

from __future__ import annotations

from typing import Any

import cbor2

from device.cbor import Form, loads
from device.errors import VerificationError

FORM = Form(depth_max=12, items_max=50_000, keys=frozenset({str}))
"""A policy has some hundreds of values; this many are read in well under a second on a small machine."""


def decode(data: bytes) -> Any:
    """The one value that ``data`` spells.

    Raises:
        VerificationError: where it is anything else: another type, too deep, too many, spelt differently, cut short or
            followed by more.
    """
    value = loads(data, FORM)
    if encode(value) != data:
        raise VerificationError("CBOR that is not in its one spelling")
    return value


def encode(value: Any) -> bytes:
    """``value`` in its one spelling. Raises TypeError where CBOR knows no such value."""
    try:
        spelt: bytes = cbor2.dumps(value, canonical=True)
    except cbor2.CBORError as error:
        raise TypeError(str(error)) from None
    return spelt
