"""Bytes in, a ``Credential`` or a typed refusal out: one file a format, exactly one format a payload."""

from __future__ import annotations

from device.credentials import cccd, kd1, mic, misreads
from device.credentials.kd1 import Issuers
from device.credentials.text import PAYLOAD_MAX
from device.domain import Credential, Misread, NotACredential

__all__ = ["Issuers", "read"]

SIGNED = ((kd1.detect, kd1.read),)
UNSIGNED = ((mic.detect, mic.read), (cccd.detect, cccd.read))
"""The table of formats: a new one is one file with ``detect`` and ``read``, and a line here."""


def read(payload: bytes, issuers: Issuers) -> Credential | NotACredential:
    """What ``payload`` claims, and whether that is proven by one of ``issuers``.

    Detectors look at the exact bytes, and at most one of them accepts: no "try each until one fits".
    """
    if len(payload) > PAYLOAD_MAX:
        return NotACredential(Misread.OTHER)
    for detect, read_signed in SIGNED:
        if detect(payload):
            return read_signed(payload, issuers)
    for detect, read_claim in UNSIGNED:
        if detect(payload):
            return read_claim(payload)
    return misreads.read(payload)
