from __future__ import annotations

import pytest

from device.credentials import payment

VIETQR = b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F"
VIETQR_WITH_AMOUNT = b"00020101021238540010A00000072701240006970436011000000000000208QRIBFTTA5303704540470005802VN62130809VE GUI XE6304059A"

CASES: dict[str, tuple[bytes, bool]] = {
    "VietQR, static": (VIETQR, True),
    "VietQR, with an amount": (VIETQR_WITH_AMOUNT, True),
    "its check digits in small letters": (VIETQR[:-4] + b"bf8f", True),
    "a wrong CRC": (VIETQR[:-1] + b"E", False),
    "another amount under the same CRC": (VIETQR_WITH_AMOUNT.replace(b"7000", b"9000"), False),
    "no CRC": (VIETQR[:-8], False),
    "cut": (VIETQR[:-1], False),
    "only the CRC field": (b"6304" + b"%04X" % payment.crc16_ccitt_false(b"6304"), False),
    "only the beginning": (b"000201", False),
    "nothing": (b"", False),
}


@pytest.mark.parametrize(("payload", "expected"), CASES.values(), ids=CASES.keys())
def test_a_payment_code_is_known_by_its_crc(payload: bytes, expected: bool) -> None:
    assert payment.detect(payload) is expected


@pytest.mark.parametrize(("data", "crc"), [(b"", 0xFFFF), (b"123456789", 0x29B1), (VIETQR[:-4], 0xBF8F), (VIETQR_WITH_AMOUNT[:-4], 0x059A)])
def test_the_crc_has_its_published_check_values(data: bytes, crc: int) -> None:
    assert payment.crc16_ccitt_false(data) == crc
