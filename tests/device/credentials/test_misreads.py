from __future__ import annotations

import pytest

from device.credentials import misreads
from device.domain import Misread, NotACredential

VIETQR = b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F"
VIETQR_WITH_AMOUNT = b"00020101021238540010A00000072701240006970436011000000000000208QRIBFTTA5303704540470005802VN62130809VE GUI XE6304059A"

CASES: dict[str, tuple[bytes, Misread]] = {
    "VietQR, static": (VIETQR, Misread.PAYMENT),
    "VietQR, with an amount": (VIETQR_WITH_AMOUNT, Misread.PAYMENT),
    "its check digits in small letters": (VIETQR[:-4] + b"bf8f", Misread.PAYMENT),
    "a wrong CRC": (VIETQR[:-1] + b"E", Misread.OTHER),
    "another amount under the same CRC": (VIETQR_WITH_AMOUNT.replace(b"7000", b"9000"), Misread.OTHER),
    "no CRC": (VIETQR[:-8], Misread.OTHER),
    "only the CRC field": (b"6304" + b"%04X" % misreads.crc16_ccitt_false(b"6304"), Misread.OTHER),
    "only the beginning": (b"000201", Misread.OTHER),
    "a link": (b"https://qr.tokhaiyte.vn/dkdd", Misread.LINK),
    "a link without TLS": (b"http://example.vn", Misread.LINK),
    "a link in capitals": (b"HTTPS://EXAMPLE.VN", Misread.LINK),
    "a link without a scheme": (b"www.example.vn", Misread.LINK),
    "a declaration's link": (b"https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id=00000000-0000-4000-8000-000000000001", Misread.LINK),
    "a word that begins like a link": (b"httpsomething", Misread.OTHER),
    "nothing": (b"", Misread.OTHER),
    "one byte": (b"\xff", Misread.OTHER),
    "a network's password": (b"WIFI:S:quan;T:WPA;P:secret;;", Misread.OTHER),
    "a business card": (b"BEGIN:VCARD", Misread.OTHER),
    "a telephone number": (b"tel:0900000001", Misread.OTHER),
    "a vehicle's sheet": (b"TKVT_000123", Misread.OTHER),
    "a vaccine certificate": (b"HC1:NCFOXN", Misread.OTHER),
}


@pytest.mark.parametrize(("payload", "expected"), CASES.values(), ids=CASES.keys())
def test_what_is_shown_by_mistake_has_a_name(payload: bytes, expected: Misread) -> None:
    assert misreads.read(payload) == NotACredential(expected)


@pytest.mark.parametrize(("data", "crc"), [(b"", 0xFFFF), (b"123456789", 0x29B1), (VIETQR[:-4], 0xBF8F), (VIETQR_WITH_AMOUNT[:-4], 0x059A)])
def test_the_crc_has_its_published_check_values(data: bytes, crc: int) -> None:
    assert misreads.crc16_ccitt_false(data) == crc
