"""VietQR and other EMVCo merchant codes: known only to be refused by their name. Account and amount are never read."""

from __future__ import annotations

import binascii

EMVCO = b"000201"  # payload format indicator, the first field of every EMVCo merchant code
EMVCO_CRC = b"6304"  # id and length of the last field


def detect(payload: bytes) -> bool:
    """They end in a CRC over everything before its four digits."""
    body, digits = payload[:-4], payload[-4:]
    return payload.startswith(EMVCO) and body.endswith(EMVCO_CRC) and digits.upper() == b"%04X" % crc16_ccitt_false(body)


def crc16_ccitt_false(data: bytes) -> int:
    """Polynomial 0x1021, start 0xFFFF, not reflected; the check value of ``123456789`` is 0x29B1."""
    return binascii.crc_hqx(data, 0xFFFF)
