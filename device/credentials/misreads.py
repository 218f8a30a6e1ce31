"""What people show by mistake: named, so that they can be told what to show instead. Nothing of it is kept."""

from __future__ import annotations

from device.domain import Misread, NotACredential

EMVCO = b"000201"  # payload format indicator, the first field of every EMVCo merchant code
EMVCO_CRC = b"6304"
LINKS = (b"http://", b"https://", b"www.")


def read(payload: bytes) -> NotACredential:
    if _is_payment(payload):
        return NotACredential(Misread.PAYMENT)
    if payload[:8].lower().startswith(LINKS):
        return NotACredential(Misread.LINK)
    return NotACredential(Misread.OTHER)


def _is_payment(payload: bytes) -> bool:
    """VietQR and other EMVCo codes end in a CRC over everything before its four digits."""
    body, digits = payload[:-4], payload[-4:]
    return payload.startswith(EMVCO) and body.endswith(EMVCO_CRC) and digits.upper() == b"%04X" % crc16_ccitt_false(body)


def crc16_ccitt_false(data: bytes) -> int:
    """Polynomial 0x1021, start 0xFFFF, not reflected; the check value of ``123456789`` is 0x29B1."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
