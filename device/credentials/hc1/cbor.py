"""The CBOR that a health certificate is made of: the shared reader, with a certificate's bounds."""

from __future__ import annotations

from typing import Any

from device import cbor
from device.cbor import Form
from device.credentials.hc1.broken import BrokenError
from device.errors import VerificationError

FORM = Form(depth_max=16, items_max=512, keys=frozenset({int, str}), loose=True)
"""A certificate has 6 levels; 86 items are the most that a public test certificate has. Issuers' programs leave lengths open."""


def loads(data: bytes) -> Any:
    """The one item in ``data``, its keys whole numbers and texts. Raises BrokenError where it is none, or larger than ``FORM``."""
    try:
        return cbor.loads(data, FORM)
    except VerificationError as error:
        raise BrokenError(error.what) from None
