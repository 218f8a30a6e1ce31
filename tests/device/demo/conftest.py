"""Payloads for the demo's roles: the synthetic vectors of the facts, and placeholders as long as a KD1 pass."""

from __future__ import annotations

import base64
import hashlib

import pytest

from device.demo.scenes import ROLES

SYNTHETIC = {
    "cccd7": "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Khu phố 1, Phường Thử, Quận Mẫu, Tỉnh Thí Điểm|15042021",
    "mic": "999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|<1<GD4999900000001<0900000001",
    "payment": "00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F",
}


def stand_in(role: str) -> bytes:
    """As long as a KD1 pass with dates and a zone (155 characters, version 9); it says nothing."""
    noise = hashlib.shake_128(role.encode()).digest(112)
    claims, signature = base64.urlsafe_b64encode(noise[:48]), base64.urlsafe_b64encode(noise[48:]).rstrip(b"=")
    return b"KD1." + claims + b"." + signature


@pytest.fixture(scope="session")
def payloads() -> dict[str, bytes]:
    return {role: SYNTHETIC[role].encode() if role in SYNTHETIC else stand_in(role) for role in ROLES}
