"""What people of a story hold up: real payloads, signed by keys from seeds. Nobody exists: every number begins with 999.

A kind is one function and one line in ``KINDS``: from the claims that the story gives to what a screen or card shows at a moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.credentials import kd2
from device.credentials.payment import EMVCO, EMVCO_CRC, crc16_ccitt_false
from device.credentials.trust import RotatingKey, Trust
from device.domain import Direction
from device.events.pseudonyms import VIET_NAM
from tests.cards import CardIssuer, SealAuthority, SealSigner, vaccination
from tests.device.credentials.hc1.issuer import HealthIssuer, certificate
from tests.gates import Issuer

Claims = Mapping[str, Any]
Show = Callable[[datetime], bytes]
"""What is shown at a moment; a printed code is the same at every moment."""

ISSUERS = {"province": Issuer(1), "stranger": Issuer(2)}
HEALTH_ISSUERS = {"province": HealthIssuer(1), "stranger": HealthIssuer(2)}
CARD_ISSUERS = {"province": CardIssuer(), "stranger": CardIssuer(url="https://stranger.example.vn")}
SEAL_SIGNERS = {name: SealSigner(SealAuthority()) for name in ("province", "stranger")}
ROTATING_SECRETS = {"province": b"\x51" * 32, "stranger": b"\x52" * 32}


def trust() -> Trust:
    """Whom every gate of a story believes: the province's issuers, and no stranger."""
    issuer, secret, health = ISSUERS["province"], ROTATING_SECRETS["province"], HEALTH_ISSUERS["province"]
    return Trust(
        passes={issuer.key_id: Ed25519PublicKey.from_public_bytes(issuer.public)},
        rotating={kd2.key_id(secret): RotatingKey(secret)},
        health={health.kid: (health.signer,)},
        cards={CARD_ISSUERS["province"].name: CARD_ISSUERS["province"].key.public_key()},
        seals=(SEAL_SIGNERS["province"].authority.trusted,),
    )


def hold(claims: Claims) -> Show:
    """What somebody holds up. Raises ValueError for a kind or claim that no gate knows."""
    claims = dict(claims)
    kind = str(claims.pop("holds"))
    if kind not in KINDS:
        raise ValueError(f"holds = {kind!r} is nothing that can be held; known: {', '.join(KINDS)}")
    forged = claims.pop("forged", False)
    try:
        show = KINDS[kind](**claims)
    except TypeError as error:
        raise ValueError(f"holds = {kind!r}: {error}") from None
    return (lambda at: _broken(show(at))) if forged else show


def _printed(text: str | bytes) -> Show:
    payload = text.encode() if isinstance(text, str) else text
    return lambda _at: payload


def _broken(payload: bytes) -> bytes:
    """Somebody has changed one character of the proof: what follows a pass's last mark, or the middle of a certificate."""
    marks = {b"KD1.": b".", b"KD2:": b":"}
    mark = marks.get(payload[:4])
    at = payload.rindex(mark) + 1 if mark else len(payload) // 2
    other = b"8" if payload[at : at + 1] != b"8" else b"9"
    return payload[:at] + other + payload[at + 1 :]


def seconds(moment: datetime | date | None) -> int | None:
    """A moment as the story writes it, in Viet Nam, as seconds since 1970 UTC. A day is its first moment."""
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return int((moment if moment.tzinfo else moment.replace(tzinfo=VIET_NAM)).timestamp())


# --- cards and codes without a proof ---------------------------------------------------------------------------


def _cccd(*, number: str = "999000000001", old_number: str = "") -> Show:
    """The citizen card, 7 fields."""
    return _printed(f"{number}|{old_number}|Nguyễn Thử Nghiệm|01011990|Nam|Số 1 đường Mẫu|01012022")


def _mic(*, qid: str = "999000000000000001", paper: str = "999*****0001", insurance: str = "") -> Show:
    """The unified personal code; digits may be masked."""
    return _printed(f"{paper}|NGUYEN VAN THU|1990-**-**|0|{qid}|<1<{insurance}<")


def _bhyt(*, number: str = "9900000001") -> Show:
    """The health-insurance card, 17 items."""
    name, place = "Nguyễn Thử".encode().hex(), "Thành phố Thử Nghiệm".encode().hex()
    return _printed(
        f"{number}|{name}|01/02/1990|1|-|99 - 001|01/01/2021|-|15/01/2021|99009900000001|-|4| 01/10/2027|0123456789abcdef-1202|4|{place}|$"
    )


def _hcmc(*, number: str = "999") -> Show:
    return _printed(f"https://kbyt.khambenh.gov.vn/#tokhai_yte/ketqua?id=00000000-0000-4000-8000-{int(number):012x}")


def _luong_xanh(*, vehicle: str = "999") -> Show:
    return _printed(f"https://vantai.drvn.gov.vn/tokhaiyteQR?token=AbC{vehicle}")


def _tkvt(*, sheet: str = "999123") -> Show:
    return _printed(f"TKVT_{sheet}")


# --- passes ----------------------------------------------------------------------------------------------------


def _kd1(  # noqa: PLR0913 - the claims of a pass
    *,
    number: int = 1,
    signed_by: str = "province",
    valid_from: datetime | date | None = None,
    valid_until: datetime | date | None = None,
    zones: tuple[str, ...] = (),
    direction: str = "both",
    uses: int | None = None,
    counted_at: str | None = None,
    party: int = 1,
) -> Show:
    """The province's signed pass, on paper or on a screen."""
    text = ISSUERS[signed_by].issue(
        number,
        valid_from_s=seconds(valid_from),
        valid_until_s=seconds(valid_until),
        zones=tuple(zones),
        direction=Direction(direction),
        uses=uses,
        counted_at=counted_at,
        party=party,
    )
    return _printed(text)


def _kd2(*, number: int = 1, signed_by: str = "province", clock_off_s: int = 0) -> Show:
    """The province's rotating pass on a telephone: another code every 30 s."""
    secret = ROTATING_SECRETS[signed_by]
    full_id = kd2.full_pass_id(kd2.key_id(secret), number.to_bytes(10, "big"))
    own = kd2.pass_secret(secret, full_id)
    return lambda at: kd2.text_at(own, full_id, int(at.timestamp()) + clock_off_s).encode()


# --- health certificates ---------------------------------------------------------------------------------------


def _hc1(
    *, signed_by: str = "province", group: str = "v", valid_until: datetime | date | None = None, number: str = "999000000001", **entry: Any
) -> Show:
    """A vaccine passport. ``group`` is v, t or r; what else is given are fields of its entry (``dt``, ``dn``, ``sd``, ``sc`` ...)."""
    written = {name: value.isoformat() if isinstance(value, date) else value for name, value in entry.items()}
    record = certificate(group, ci=f"URN:UVCI:01:VN:{number}#A", **written)
    more = {} if valid_until is None else {"exp": seconds(valid_until)}
    return _printed(HEALTH_ISSUERS[signed_by].issue(record, **more))


def _shc(*, signed_by: str = "province") -> Show:
    """A SMART Health Card."""
    return _printed(CARD_ISSUERS[signed_by].issue())


def _vds(*, signed_by: str = "province") -> Show:
    """A visible digital seal, as travellers carry it."""
    return _printed(SEAL_SIGNERS[signed_by].issue(vaccination()))


# --- what is no credential -------------------------------------------------------------------------------------


def _payment() -> Show:
    body = EMVCO + b"01021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN" + EMVCO_CRC
    return _printed(body + b"%04X" % crc16_ccitt_false(body))


def _junk(*, number: int = 0) -> Show:
    return _printed("999 " + hashlib.sha256(str(number).encode()).hexdigest())


WRONG_THINGS = {
    "place": "https://kbyt.khambenh.gov.vn/qr/00000000-0000-4000-8000-000000000999",
    "app_store": "https://play.google.com/store/apps/details?id=com.mic.bluezone",
    "health_link": "https://tokhaiyte.vn/",
    "wifi": "WIFI:S:quan;T:WPA;P:secret;;",
    "contact": "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Thu;Nguyen\r\nTEL:0900000001\r\nEND:VCARD\r\n",
    "link": "https://example.org/menu",
    "set_up": "GP1:999",
    "half_a_card": "999000000001||Nguyễn Thử Nghiệm|01011990|Nam",
}

KINDS: dict[str, Callable[..., Show]] = {
    "cccd": _cccd,
    "mic": _mic,
    "bhyt": _bhyt,
    "hcmc": _hcmc,
    "luong_xanh": _luong_xanh,
    "tkvt": _tkvt,
    "kd1": _kd1,
    "kd2": _kd2,
    "hc1": _hc1,
    "shc": _shc,
    "vds": _vds,
    "payment": _payment,
    "junk": _junk,
    **{kind: partial(_printed, text) for kind, text in WRONG_THINGS.items()},
}
