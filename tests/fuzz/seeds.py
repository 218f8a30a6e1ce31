"""Good payloads of every format, from which the fuzzer makes bad ones. All of them are made up."""

from __future__ import annotations

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.credentials import Trust, kd2
from device.credentials.base64url import to_base64url
from device.credentials.trust import RotatingKey
from tests.cards import CardIssuer, SealAuthority, SealSigner, negative_test, vaccination
from tests.device.credentials.hc1.issuer import HealthIssuer, certificate
from tests.gates import Issuer

ISSUER = Issuer()
HEALTH = HealthIssuer()
CARDS = CardIssuer(key=ec.derive_private_key(9, ec.SECP256R1()))
COUNTRY = SealAuthority(key=ec.derive_private_key(10, ec.SECP256R1()))
SEAL_KEY = ec.derive_private_key(11, ec.SECP256R1())
SEALS = SealSigner(COUNTRY, key=SEAL_KEY, certificate=COUNTRY.certify(SEAL_KEY.public_key(), deterministic=True))
ROTATING = b"s" * 32
ROTATING_ID = kd2.full_pass_id(kd2.key_id(ROTATING), b"9990000001")
TRUST = Trust(
    passes={ISSUER.key_id: Ed25519PublicKey.from_public_bytes(ISSUER.public)},
    rotating={kd2.key_id(ROTATING): RotatingKey(ROTATING)},
    health=HEALTH.trust.health,
    cards={CARDS.name: CARDS.key.public_key()},
    seals=(COUNTRY.trusted,),
)
"""Everybody who signs here."""
CARD = CARDS.issue()
CARD_POINT = CARDS.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def pass_of(claims: bytes) -> bytes:
    """A pass around any bytes, signed."""
    text = b"KD1." + to_base64url(claims)
    return text + b"." + to_base64url(ISSUER.key.sign(text))


PATTERNS = pass_of(cbor2.dumps({1: cbor2.CBORTag(35, "(?i)" + "[\x80-\U0010ffff]" * 10)}))
"""A pass that takes 37 ms where its patterns are compiled."""

BY_FORMAT: dict[str, tuple[bytes, ...]] = {
    "mic": (
        b"999090000001|NGUYEN VAN THU|1990-02-01|0|162979388500000100|<1<GD4999900000001<0900000001",
        b"******000001|NGUYEN VAN THU|1990-**-**|0|162979388500000100|<1<<0900000001",
        b"999308000002|TRAN THI MAU|2008-04-03|1|162979388500000200|162979388500000100<2<<",
        b"C0000001|SMITH JOHN|1985-12-31|0|162979388500000300|<0<<",
        "999090000001|NGUYỄN VĂN THỬ|1990-02-01|0|162979388500000100|".encode(),
    ),
    "cccd": (
        "999090000001|999000001|Nguyễn Văn Thử|01021990|Nam|Khu phố 1, Phường Thử, Quận Mẫu, Tỉnh Thí Điểm|15042021".encode(),
        "999190000002||Trần Thị Mẫu|03041990|Nữ|Thôn Mẫu, Xã Thử, Tỉnh Thí Điểm|01082024||||".encode(),
        "CCCD:999218000003||Lê Bé Thử|05062018|Nam|Xã Thử|15082024||999018000003|LÊ VĂN CHA|PHẠM THỊ MẸ\x00".encode(),
        "999090000001||Nguyễn Văn Thử|1990|Nam||01012022".encode(),
    ),
    "bhyt": (
        (
            b"9900000001|4e677579e1bb856e2056c4836e205468e1bbad|01/02/1990|1|-|99 - 001|01/01/2024|-|15/01/2024|99009900000001|-|4| 01/10/2027"
            b"|0123456789abcdef-1202|4|5468c3a06e68207068e1bb91205468e1bbad204e676869e1bb876d|$"
        ),
        (
            b"HS4990000000001|5472e1baa76e205468e1bb8b204de1baab75|03/04/2008|2"
            b"|5068c6b0e1bb9d6e67205468e1bbad2c205175e1baad6e204de1baab75|99 - 002|01/01/2019|-|02/01/2019|$"
        ),
    ),
    "hcmc": (
        b"https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id=00000000-0000-4000-8000-000000000001",
        b"https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-0000000000aa",
    ),
    "luong_xanh": (b"https://vantai.drvn.gov.vn/tokhaiyteQR?token=AbC123",),
    "tkvt": (b"TKVT_000123",),
    "kd1": (
        ISSUER.issue(1),
        ISSUER.issue(2, zones=("hall", "yard"), uses=3, valid_from_s=1_700_000_000, valid_until_s=1_900_000_000, counted_at="g1"),
    ),
    "kd2": (kd2.text_at(kd2.pass_secret(ROTATING, ROTATING_ID), ROTATING_ID, 1_790_000_017).encode(),),
    "hc1": (*(HEALTH.issue(certificate(group)) for group in "vtr"),),
    "shc": (CARD,),
    "vds": (SEALS.issue(vaccination()), SEALS.issue(negative_test())),
}

REFUSED: dict[str, tuple[bytes, ...]] = {
    "kd1": (PATTERNS,),
    "hc1": (b"HC2:6BFOXN",),
    "shc": (b"shc:/1/2/" + CARD.removeprefix(b"shc:/"),),
    "vds": (b"\xdc\x03\xaa" + bytes(range(60)),),
}
"""Of a format, and refused: from them, too, others are made."""

MISREADS: tuple[bytes, ...] = (
    b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F",
    b"00020101021238540010A00000072701240006970436011000000000000208QRIBFTTA5303704540470005802VN62130809VE GUI XE6304059A",
    b"https://user:pass@qr.tokhaiyte.vn:443/dkdd?a=b#c",
    b"https://play.google.com/store/apps/details?id=com.mic.bluezone",
    b"WIFI:T:WPA;S:gate;P:999;;",
    b"BEGIN:VCARD\r\nVERSION:3.0\r\nN:Thu;Nguyen\r\nTEL:0900000001\r\nEND:VCARD\r\n",
    b"GP1/A1B2/1-3/NCFOXN",
)
