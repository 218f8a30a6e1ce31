"""Issue passes (KD1): the claims, signed by the province's key, as text and as a picture to print or show."""

from __future__ import annotations

import io
import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.credentials.base64url import to_base64url
from device.credentials.kd1 import Claims, issuer_key_id, read, text_to_sign
from device.domain import Credential, Direction
from device.errors import UsageError
from device.events.pseudonyms import VIET_NAM
from device.settings import ID_PATTERN, ID_WORDS
from provisioning.authority.keys import raw_public

QUIET_ZONE = 4  # modules, ISO/IEC 18004
PIXELS_PER_MODULE = 8
PASS_ID_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where, when and how often a pass lets its bearer through. ``None`` and ``()`` mean no limit."""

    zones: tuple[str, ...] = ()
    direction: Direction = Direction.BOTH
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    uses: int | None = None
    counted_at: str | None = None  # the one gate or site that counts the uses: two that cannot talk would each allow them all
    party: int = 1  # people that one showing lets through


def issue(key: Ed25519PrivateKey, terms: Terms, *, pass_id: bytes | None = None) -> str:
    """The text of a new pass on ``terms``. ``pass_id`` (8 to 16 bytes) is random unless a recording must repeat.

    Raises:
        UsageError: terms that no gate would accept.
    """
    if (terms.uses is None) != (terms.counted_at is None):
        raise UsageError("uses are counted at one place", hint="give --uses and --counted-at together, or neither")
    for name in (*terms.zones, *([terms.counted_at] if terms.counted_at is not None else [])):
        if not re.fullmatch(ID_PATTERN, name):
            raise UsageError(f"{name!r} is no id of a zone, gate or site", hint=ID_WORDS)
    if terms.valid_from and terms.valid_until and terms.valid_until < terms.valid_from:
        raise UsageError("the pass would end before it begins", hint="exchange --from and --until")
    claims = Claims(
        key_id=issuer_key_id(raw_public(key)),
        pass_id=pass_id if pass_id is not None else secrets.token_bytes(PASS_ID_BYTES),
        valid_from_s=_seconds(terms.valid_from),
        valid_until_s=_seconds(terms.valid_until),
        zones=terms.zones,
        direction=terms.direction,
        uses=terms.uses,
        counted_at=terms.counted_at,
        party=terms.party,
    )
    signed = text_to_sign(claims)
    text = signed + b"." + to_base64url(key.sign(signed))
    if not isinstance(read(text, {claims.key_id: key.public_key()}), Credential):  # the gate's own reader has the last word
        raise UsageError("no gate would accept such a pass", hint="at most 8 zones, 1 to 10000 uses, a party of 1 to 50, dates after 1970")
    return text.decode("ascii")


def described(terms: Terms) -> str:
    """The terms in English, with days as they are in Viet Nam: where, which way, when, how often, how many people."""
    where = f"zone{'s' if len(terms.zones) > 1 else ''} {', '.join(terms.zones)}" if terms.zones else "every zone"
    way = [] if terms.direction is Direction.BOTH else [f"{terms.direction} only"]
    begins, ends = _day(terms.valid_from), _day(terms.valid_until)
    when = f"{begins} to {ends}" if begins and ends else f"from {begins} on" if begins else f"until {ends}" if ends else "for ever"
    uses = "any number of uses" if terms.uses is None else f"{terms.uses} use{'s' if terms.uses > 1 else ''}, counted at {terms.counted_at}"
    party = [f"{terms.party} people at a time"] if terms.party > 1 else []
    return ", ".join([where, *way, when, uses, *party])


def described_vi(terms: Terms) -> str:
    """The same in Vietnamese, for whoever holds the pass."""
    where = f"khu {', '.join(terms.zones)}" if terms.zones else "mọi khu"
    way = {Direction.ENTRY: ["chỉ chiều vào"], Direction.EXIT: ["chỉ chiều ra"]}.get(terms.direction, [])
    begins, ends = _day_vi(terms.valid_from), _day_vi(terms.valid_until)
    when = f"từ {begins} đến {ends}" if begins and ends else f"từ {begins}" if begins else f"đến hết {ends}" if ends else "không thời hạn"
    uses = "không giới hạn lượt" if terms.uses is None else f"{terms.uses} lượt, đếm tại {terms.counted_at}"
    party = [f"mỗi lượt {terms.party} người"] if terms.party > 1 else []
    return ", ".join([where, *way, when, uses, *party])


def doubts(terms: Terms, now: datetime) -> str:
    """Why a pass on ``terms`` is hardly what was wanted; empty where it may be."""
    if terms.valid_until and terms.valid_until < now:
        return "this pass has expired already"
    if not (terms.valid_until or terms.zones or terms.uses):
        return "this pass is good for ever and everywhere; --days and --zone limit it"
    return ""


def first_moment(day: date) -> datetime:
    """Midnight in Viet Nam, when ``day`` begins."""
    return datetime.combine(day, time.min, VIET_NAM)


def last_moment(day: date) -> datetime:
    """The last second of ``day`` in Viet Nam: a pass until a day is good on that whole day."""
    return datetime.combine(day, time(23, 59, 59), VIET_NAM)


def picture(text: str) -> bytes:
    """``text`` as a QR symbol in a PNG. Raises UsageError as ``symbol`` does."""
    file = io.BytesIO()
    symbol(text).save(file, kind="png", scale=PIXELS_PER_MODULE, border=QUIET_ZONE)
    return file.getvalue()


def symbol(text: str) -> Any:
    """``text`` as a QR symbol (``segno.QRCode``): error correction M, or better where it grows no larger by it.

    Raises:
        UsageError: the package that draws symbols is not installed, as on a gate.
    """
    try:
        import segno  # noqa: PLC0415 - a gate has no use for it
    except ImportError:
        raise UsageError("this installation draws no symbols", hint="pip install 'qrgate[provision]', or give --text for the pass as text") from None
    return segno.make_qr(text, error="m")


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{(local := moment.astimezone(VIET_NAM)).day} {local:%b %Y}"


def _day_vi(moment: datetime | None) -> str:
    return "" if moment is None else f"{(local := moment.astimezone(VIET_NAM)).day}/{local.month}/{local.year}"


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
