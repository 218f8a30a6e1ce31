"""Bytes in, a ``Credential`` or a typed refusal out: one file a format, exactly one format a payload."""

from __future__ import annotations

from collections.abc import Callable

from device.credentials import bhyt, cccd, hc1, hcmc, kd1, kd2, luong_xanh, mic, misreads, shc, tkvt, vds
from device.credentials.text import PAYLOAD_MAX
from device.credentials.trust import Trust
from device.domain import Credential, Misread, NotACredential

__all__ = ["Trust", "read"]

Read = Callable[[bytes, Trust], Credential | NotACredential]

SIGNED: tuple[tuple[Callable[[bytes], bool], Read], ...] = (
    (kd1.detect, lambda payload, trust: kd1.read(payload, trust.passes)),
    (kd2.detect, lambda payload, trust: kd2.read(payload, trust.rotating)),
    (hc1.detect, hc1.read),
    (shc.detect, lambda payload, trust: shc.read(payload, trust.cards)),
    (vds.detect, lambda payload, trust: vds.read(payload, trust.seals)),
)
UNSIGNED: tuple[tuple[Callable[[bytes], bool], Callable[[bytes], Credential | NotACredential]], ...] = (
    (mic.detect, mic.read),
    (cccd.detect, cccd.read),
    (bhyt.detect, bhyt.read),
    (hcmc.detect, hcmc.read),
    (luong_xanh.detect, luong_xanh.read),
    (tkvt.detect, tkvt.read),
)
"""The table of formats: a new one is one file with ``detect`` and ``read``, and a line here."""


def read(payload: bytes, trust: Trust) -> Credential | NotACredential:
    """What ``payload`` claims, and whether that is proven by somebody whom ``trust`` names.

    Detectors look at the exact bytes, and at most one of them accepts: no "try each until one fits".
    """
    if len(payload) > PAYLOAD_MAX:
        return NotACredential(Misread.OTHER)
    for detect, read_signed in SIGNED:
        if detect(payload):
            return read_signed(payload, trust)
    for detect, read_claim in UNSIGNED:
        if detect(payload):
            return read_claim(payload)
    return misreads.read(payload)
