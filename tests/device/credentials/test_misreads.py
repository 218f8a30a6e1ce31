from __future__ import annotations

import pytest

from device.credentials import misreads
from device.domain import Misread, NotACredential

VIETQR = b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F"
VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Thu;Nguyen\r\nTEL:0900000001\r\nEND:VCARD\r\n"

PAYMENTS: dict[str, bytes] = {
    "VietQR, static": VIETQR,
    "VietQR, with an amount": b"00020101021238540010A00000072701240006970436011000000000000208QRIBFTTA5303704540470005802VN62130809VE GUI XE6304059A",
    "VietQR, with a line end": VIETQR + b"\r\n",
}

HEALTH_LINKS: dict[str, bytes] = {
    "the declaration": b"https://tokhaiyte.vn/",
    "its registration of places": b"https://tokhaiyte.vn/?page=Project.TKYT.destinationRegister",
    "the check-points' page": b"https://qr.tokhaiyte.vn/dkdd",
    "PC-Covid": b"https://pccovid.gov.vn",
    "PC-Covid's codes": b"https://qr.pccovid.gov.vn/abcdef",
    "Bluezone": b"https://bluezone.gov.vn/x",
    "NCOVI": b"https://ncovi.vn/x?y=z",
    "the city's declaration, without TLS": b"http://kbyt.khambenh.gov.vn/",
    "the transport register": b"https://vantai.drvn.gov.vn/",
    "the register's other port": b"https://vantai.drvn.gov.vn:8081/api/qr/getInfo?token=AbC123",
    "a health book": b"https://suckhoedientu.vn/x",
    "a province's health book": b"https://suckhoedientu-abc.gov.vn/",
    "www before it": b"https://www.tokhaiyte.vn/",
    "in capitals": b"HTTPS://TOKHAIYTE.VN/X",
    "a dot behind the host": b"https://tokhaiyte.vn./",
    "a blank before it": b" https://tokhaiyte.vn/",
}

APP_STORES: dict[str, bytes] = {
    "Bluezone for iPhones": b"https://apps.apple.com/us/app/bluezone/id1508062685?ls=1",
    "Bluezone for Android": b"https://play.google.com/store/apps/details?id=com.mic.bluezone",
    "the store's older name": b"https://itunes.apple.com/app/id1",
    "Android's own scheme": b"market://details?id=com.mic.bluezone",
    "the same in capitals": b"MARKET://DETAILS?ID=COM.MIC.BLUEZONE",
    "Apple's own scheme": b"itms-apps://apple.com/app/id1508062685",
    "Apple's own scheme, TLS": b"itms-appss://apple.com/app/id1508062685",
    "another maker's": b"https://appgallery.huawei.com/app/C1",
}

WIFI: dict[str, bytes] = {
    "a network's password": b"WIFI:S:quan;T:WPA;P:secret;;",
    "in small letters": b"wifi:S:quan;;",
}

CONTACTS: dict[str, bytes] = {
    "a visiting card": VCARD,
    "a visiting card, in small letters": VCARD.lower(),
    "a visiting card after a byte order mark": b"\xef\xbb\xbf" + VCARD,
    "a visiting card in Latin-1": VCARD.replace(b"Nguyen", b"Nguy\xean"),
    "a Japanese visiting card": b"MECARD:N:THU,NGUYEN;TEL:0900000001;;",
    "a telephone number": b"tel:0900000001",
    "a telephone number in capitals": b"TEL:+84900000001",
    "a short message": b"sms:1022?body=x",
    "a short message with its text": b"SMSTO:1022:x",
    "a picture message": b"mmsto:1022",
    "a mail": b"mailto:a@b.example",
    "a Japanese mail": b"MATMSG:TO:a@b.example;SUB:x;;",
}

LINKS: dict[str, bytes] = {
    "a link": b"https://a.example/x",
    "a link without TLS": b"http://example.vn",
    "a link in capitals": b"HTTPS://EXAMPLE.VN",
    "a link without a scheme": b"www.example.vn",
    "Zalo": b"https://zalo.me/0900000001",
    "Zalo's own scheme": b"zalo://qr/p/abc",
    "Facebook": b"https://www.facebook.com/x",
    "an invoice": b"https://hoadon.example/tracuu?mst=0100000000&so=1",
    "a login's secret": b"otpauth://totp/a?secret=GEZDGNBV",
    "a spot on the map": b"geo:21.0,105.8",
    "a health host in the query": b"https://evil.example/?x=kbyt.khambenh.gov.vn",
    "a health host as a path": b"https://evil.example/tokhaiyte.vn",
    "a health host in the fragment": b"https://evil.example/#https://tokhaiyte.vn/",
    "a health host before an at sign": b"https://tokhaiyte.vn@evil.example/",
    "a health host behind an at sign": b"https://evil.example@tokhaiyte.vn/",
    "a health host behind a backslash": b"https://evil.example\\@tokhaiyte.vn/",
    "a health host before a backslash": b"https://tokhaiyte.vn\\.evil.example/",
    "a health host as the beginning of another": b"https://tokhaiyte.vn.evil.example/",
    "a health host as the end of another": b"https://eviltokhaiyte.vn/",
    "a host below a health host": b"https://a.tokhaiyte.vn/",
    "a health host in another script": "https://tokh\u0430iyte.vn/".encode(),  # a Cyrillic a
    "a health host in wide letters": "https://\uff54okhaiyte.vn/".encode(),
    "a health host with a letter escaped": b"https://%74okhaiyte.vn/",
    "a health host with a line end inside": b"https://tokhai\nyte.vn/",
    "a health book's name elsewhere": b"https://suckhoedientu.evil.example/",
    "a health book's name further on": b"https://evil.suckhoedientu.vn/",
    "an app store's name below another": b"https://play.google.com.evil.example/store",
    "a scheme without a host": b"https://",
    "a scheme without slashes": b"https:tokhaiyte.vn",
    "a scheme with backslashes": b"https:\\\\tokhaiyte.vn",
    "a link that is no text": b"https://a.example/\xff",
}

SET_UP: dict[str, bytes] = {
    "a gate's set-up": b"GP1:NCFOXN%TS3DH",
    "a part of a gate's set-up": b"GP1/A1B2/1-3/NCFOXN",
    "nothing behind it": b"GP1",
    "a blank behind it": b"GP1 SITE=S1",
}

OTHERS: dict[str, bytes] = {
    "nothing": b"",
    "only a byte order mark": b"\xef\xbb\xbf",
    "only line ends": b"\r\n\r\n",
    "one byte": b"\xff",
    "a word": "vé gửi xe 0123".encode(),
    "a word that begins like a link": b"httpsomething",
    "a word that begins like a set-up": b"GP12345",
    "a set-up in small letters": b"gp1:abc",
    "a payment with a wrong CRC": VIETQR[:-1] + b"E",
    "a payment cut": VIETQR[:-8],
    "a link within a text": b"see https://a.example/",
    "a telephone number as it is": b"0900000001",
    "a card's number alone": b"999090000001",
    "an appointment": b"BEGIN:VEVENT\r\nEND:VEVENT",
    "a scheme of one letter": b"c://x",
    "a scheme with a digit first": b"1a://x",
    "a script": b"javascript:alert(1)",
    "a ticket of pretix": b"E4BibyTSylQOgeKjuMPiTDxi5HXPuTVsx1qCli3IL0143gj0EZXOB9iQInANxRFJTt4Pf9nXnHdB91Qk/RN0L5AIBABSxw2TKFnSUNUCKAEAPAQA",
    "a JSON web token": b"eyJhbGciOiJFUzI1NiJ9.e30.AA",
    "a PASETO": b"v4.public.e30",
    "as much as a symbol holds": b"A" * 4296,
}

TABLE = {
    Misread.PAYMENT: PAYMENTS,
    Misread.HEALTH_LINK: HEALTH_LINKS,
    Misread.APP_STORE: APP_STORES,
    Misread.WIFI: WIFI,
    Misread.CONTACT: CONTACTS,
    Misread.LINK: LINKS,
    Misread.SET_UP: SET_UP,
    Misread.OTHER: OTHERS,
}
CASES = {f"{what}: {name}": (payload, what) for what, payloads in TABLE.items() for name, payload in payloads.items()}


@pytest.mark.parametrize(("payload", "expected"), CASES.values(), ids=CASES.keys())
def test_what_is_shown_by_mistake_has_a_name(payload: bytes, expected: Misread) -> None:
    assert misreads.read(payload) == NotACredential(expected)
