"""What the people of the demo hold up: synthetic persons, and passes signed by a key that everybody knows."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.credentials.base64url import to_base64url
from device.credentials.kd1 import Claims, issuer_key_id, text_to_sign
from device.demo.scenes import ROLES

ISSUER_SEED = hashlib.sha256(b"qrgate demo issuer: public, opens no real gate").digest()
STRANGER_SEED = hashlib.sha256(b"qrgate demo stranger: nobody trusts it").digest()
GATE = "demo-gate"

BEGIN = int(datetime(2020, 1, 1, tzinfo=UTC).timestamp())
END = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
LONG_AGO = int(datetime(2021, 12, 31, tzinfo=UTC).timestamp())

# Synthetic vectors: real citizens' numbers begin with 001 to 096, bank and shop of the payment code do not exist.
CLAIMS = {
    "cccd7": "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Khu phố 1, Phường Thử, Quận Mẫu, Tỉnh Thí Điểm|15042021",
    "cccd11": "999190000002||Trần Thị Mẫu|03041990|Nữ|Thôn Mẫu, Xã Thử, Tỉnh Thí Điểm|01082024||||",
    "mic": "999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|<1<GD4999900000001<0900000001",
    "payment": "00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F",
}


def payloads() -> dict[str, bytes]:
    """The payload of every role in ``scenes``; the same in every run."""
    issuer, stranger = (Ed25519PrivateKey.from_private_bytes(seed) for seed in (ISSUER_SEED, STRANGER_SEED))
    held = {role: text.encode() for role, text in CLAIMS.items()}
    for number, role in enumerate(ROLES):
        if role not in held:
            held[role] = _pass(number, role, issuer, stranger)
    return held


def _pass(number: int, role: str, issuer: Ed25519PrivateKey, stranger: Ed25519PrivateKey) -> bytes:
    claimed, signer = {"forged": (issuer, stranger), "unknown_issuer": (stranger, stranger)}.get(role, (issuer, issuer))
    claims = Claims(
        key_id=issuer_key_id(claimed.public_key().public_bytes_raw()),
        pass_id=hashlib.sha256(b"qrgate demo pass %d" % number).digest()[:16],
        valid_from_s=BEGIN,
        valid_until_s=LONG_AGO if role == "expired" else END,
        zones=("main",),
        uses=1 if role == "single_use" else None,
        counted_at=GATE if role == "single_use" else None,
    )
    text = text_to_sign(claims)
    return text + b"." + to_base64url(signer.sign(text))
