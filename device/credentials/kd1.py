"""KD1, the project's own signed pass: ``KD1.<base64url CBOR>.<base64url Ed25519>``.

ASCII only (decoders mangle other bytes) and without a name. The CBOR is a map of small integers; the signature is over
the text before the last dot, exactly as printed. A pass is read strictly: any second way to write the same claims is
malformed, so that one pass has one text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.cbor import Form, loads
from device.credentials.base64url import from_base64url, to_base64url
from device.domain import Credential, CredentialKind, Direction, Misread, NotACredential, Proof
from device.errors import VerificationError

PREFIX = b"KD1."
TEXT_MAX = 512
"""Characters. A pass has 130 to 160; beyond 300 no phone screen shows it at a readable size."""
KEY_ID_BYTES = 8
SIGNATURE_BYTES = 64
PASS_ID_BYTES = range(8, 17)
ZONES_MAX = 8
SECONDS = range(2**40)  # since 1970
PARTY = range(1, 51)
"""People that one showing may let through: a coach has up to 50 seats."""

KEY_ID, PASS_ID, VALID_FROM, VALID_UNTIL, ZONES, DIRECTION, USES, COUNTED_AT, PARTY_OF = range(1, 10)
DIRECTIONS = {1: Direction.ENTRY, 2: Direction.EXIT}
FORM = Form(depth_max=2, items_max=32, keys=frozenset({int}))
"""A pass with every claim and eight zones has 27 items."""

Issuers = Mapping[bytes, Ed25519PublicKey]
"""Whom this gate trusts: key id -> public key."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a pass says. Times are seconds since 1970 UTC; ``None`` means no limit."""

    key_id: bytes
    pass_id: bytes
    valid_from_s: int | None = None
    valid_until_s: int | None = None
    zones: tuple[str, ...] = ()
    direction: Direction = Direction.BOTH
    uses: int | None = None
    counted_at: str | None = None  # a gate or a site
    party: int = 1


def issuer_key_id(public_key: bytes) -> bytes:
    """The id of an issuer's raw 32-byte Ed25519 key: the first 8 bytes of its SHA-256."""
    return hashlib.sha256(public_key).digest()[:KEY_ID_BYTES]


def text_to_sign(claims: Claims) -> bytes:
    """The part of the pass that is signed. The pass is this, a dot, and the signature in base64url."""
    return PREFIX + to_base64url(cbor2.dumps(_to_map(claims), canonical=True))


def detect(payload: bytes) -> bool:
    return payload.startswith(PREFIX)


def read(payload: bytes, issuers: Issuers) -> Credential | NotACredential:
    """The pass in ``payload`` and whether it is proven. Total: any bytes give an answer."""
    signed, _, signature_text = payload.rpartition(b".")
    claims_bytes = from_base64url(signed.removeprefix(PREFIX))
    signature = from_base64url(signature_text)
    claims = _parse(claims_bytes) if len(payload) <= TEXT_MAX and claims_bytes else None
    if claims is None or signature is None or len(signature) != SIGNATURE_BYTES:
        return NotACredential(Misread.MALFORMED)
    return Credential(
        kind=CredentialKind.KD1,
        proof=_prove(signed, signature, issuers.get(claims.key_id)),
        person_key=b"kd1:" + claims.pass_id,
        pass_key=claims.key_id + claims.pass_id,
        valid_from_s=claims.valid_from_s,
        valid_until_s=claims.valid_until_s,
        zones=claims.zones,
        direction=claims.direction,
        uses=claims.uses,
        counted_at=claims.counted_at,
        party=claims.party,
        marks=(b"pass:" + claims.key_id + claims.pass_id, b"signer:" + claims.key_id),
    )


def _prove(signed: bytes, signature: bytes, key: Ed25519PublicKey | None) -> Proof:
    if key is None:
        return Proof.UNKNOWN_ISSUER
    try:
        key.verify(signature, signed)
    except InvalidSignature:
        return Proof.FORGED
    return Proof.PROVEN


# --- claims as CBOR --------------------------------------------------------------------------------------------


def _to_map(claims: Claims) -> dict[int, Any]:
    values = {
        KEY_ID: claims.key_id,
        PASS_ID: claims.pass_id,
        VALID_FROM: claims.valid_from_s,
        VALID_UNTIL: claims.valid_until_s,
        ZONES: list(claims.zones) or None,
        DIRECTION: {direction: number for number, direction in DIRECTIONS.items()}.get(claims.direction),
        USES: claims.uses,
        COUNTED_AT: claims.counted_at,
        PARTY_OF: claims.party if claims.party != 1 else None,  # passes from before there were parties keep their text
    }
    return {key: value for key, value in values.items() if value is not None}


def _parse(claims_bytes: bytes) -> Claims | None:
    try:
        values = loads(claims_bytes, FORM)
        claims = _from_map(values) if isinstance(values, dict) else None
        # One way to write a pass: no second key of a name, no odd lengths, no unknown claim that an old gate would ignore.
        return claims if claims and cbor2.dumps(_to_map(claims), canonical=True) == claims_bytes else None
    except (VerificationError, LookupError, TypeError):
        return None


def _from_map(values: dict[Any, Any]) -> Claims | None:
    zones = values.get(ZONES, [])
    claims = Claims(
        key_id=values[KEY_ID],
        pass_id=values[PASS_ID],
        valid_from_s=values.get(VALID_FROM),
        valid_until_s=values.get(VALID_UNTIL),
        zones=tuple(zones) if isinstance(zones, list) else (),
        direction=DIRECTIONS[values[DIRECTION]] if DIRECTION in values else Direction.BOTH,
        uses=values.get(USES),
        counted_at=values.get(COUNTED_AT),
        party=values.get(PARTY_OF, 1),
    )
    times = [each for each in (claims.valid_from_s, claims.valid_until_s) if each is not None]
    sound = (
        _is_bytes(claims.key_id, range(KEY_ID_BYTES, KEY_ID_BYTES + 1))
        and _is_bytes(claims.pass_id, PASS_ID_BYTES)
        and all(type(each) is int and each in SECONDS for each in times)
        and len(claims.zones) <= ZONES_MAX
        and all(type(each) is str for each in claims.zones)
        and (claims.uses is None or (type(claims.uses) is int and 1 <= claims.uses <= 10_000))
        and (claims.counted_at is None or type(claims.counted_at) is str)
        and type(claims.party) is int
        and claims.party in PARTY
    )
    return claims if sound else None


def _is_bytes(value: object, lengths: range) -> bool:
    return type(value) is bytes and len(value) in lengths
