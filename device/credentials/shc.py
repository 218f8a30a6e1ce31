"""SMART Health Card: ``shc:/`` and pairs of digits, which are the letters of a signed text (JWS, RFC 7515).

Source: the framework of smarthealth.cards (github.com/smart-on-fhir/health-cards). One algorithm, ES256, and one form of
header; its payload is compressed with raw DEFLATE. Who may sign is the trust list's (issuer, key id): the issuer's link is a
name here and is never opened.

The bearer has no number in it. ``person_key`` is a hash of the whole subject, which an issuer writes the same for the same
record however often the card is handed out anew; its own ``rid`` would be shorter, but nothing keeps an issuer from giving
one to many people. Names and findings leave this file only within that hash, which becomes a keyed pseudonym at once.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from device.credentials import ecdsa, strict_json
from device.credentials.base64url import from_base64url
from device.domain import Credential, CredentialKind, Misread, NotACredential, Proof

PREFIX = b"shc:/"
CHUNK = re.compile(rb"shc:/(?P<number>[1-9][0-9]?)/(?P<of>[1-9][0-9]?)/[0-9]+")
"""One of several symbols of a large card. Issuers were told in 2022 to make no more of them."""
OFFSET = 45  # a pair of digits is the letter's ASCII code less this
PAIRS = {b"%02d" % pair: pair + OFFSET for pair in range(78)}  # up to z

ALGORITHM = "ES256"
HEADER = {"alg", "zip", "kid"}
HEALTH_CARD = "https://smarthealth.cards#health-card"
UNPACKED_MAX = 16 * 1024
"""Bytes. A symbol's 1.6 kB of DEFLATE could unpack to 1.6 MB; cards have 1 to 10 kB."""
SECONDS_MAX = 2**40  # since 1970
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # of a key: 43 letters, a thumbprint; of a card (rid): 24 at most
URL = re.compile(r"https://[!-~]{1,300}(?<!/)")

Issuers = Mapping[tuple[str, str], EllipticCurvePublicKey]


@dataclass(frozen=True, slots=True)
class _Card:
    """What a card says that a gate needs."""

    issuer: str
    kid: str
    bearer: bytes
    valid_from_s: int
    valid_until_s: int | None
    rid: str | None

    @property
    def marks(self) -> tuple[bytes, ...]:
        signer = self.kid.encode()
        return (b"signer:" + signer,) if self.rid is None else (b"card:" + signer + b":" + self.rid.encode(), b"signer:" + signer)


def detect(payload: bytes) -> bool:
    return payload.startswith(PREFIX)


def read(payload: bytes, issuers: Issuers) -> Credential | NotACredential:
    """The card in ``payload`` and whether it is proven. Total: any bytes give an answer."""
    if chunk := CHUNK.fullmatch(payload):
        several = 1 < int(chunk["of"]) >= int(chunk["number"])
        return NotACredential(Misread.PARTIAL if several else Misread.MALFORMED)
    signed, _, signature_text = letters(payload.removeprefix(PREFIX)).rpartition(b".")
    signature = from_base64url(signature_text)
    try:
        card = _parse(*signed.split(b"."))
    except (ValueError, TypeError, LookupError, RecursionError, zlib.error):
        return NotACredential(Misread.MALFORMED)
    if card is None:
        return NotACredential(Misread.UNSUPPORTED)
    if signature is None or len(signature) != ecdsa.SIGNATURE_BYTES[ALGORITHM]:
        return NotACredential(Misread.MALFORMED)
    return Credential(
        kind=CredentialKind.SHC,
        proof=_prove(signed, signature, issuers.get((card.issuer, card.kid))),
        person_key=b"shc:" + card.bearer,
        valid_from_s=card.valid_from_s,
        valid_until_s=card.valid_until_s,
        marks=card.marks,
    )


def letters(digits: bytes) -> bytes:
    """The text behind pairs of ``digits``; empty where one stands for no letter."""
    try:
        return bytes([PAIRS[digits[at : at + 2]] for at in range(0, len(digits), 2)])
    except KeyError:
        return b""


def _prove(signed: bytes, signature: bytes, key: EllipticCurvePublicKey | None) -> Proof:
    if key is None:
        return Proof.UNKNOWN_ISSUER
    return Proof.PROVEN if ecdsa.fits(key, ALGORITHM, signature, signed) else Proof.FORGED


# --- header and payload ----------------------------------------------------------------------------------------


def _parse(header_text: bytes, payload_text: bytes) -> _Card | None:
    """``None``: a signed card of another kind. Raises ValueError and its like where the format's rules are broken."""
    header = strict_json.parse(_decoded(header_text))
    if set(header) != HEADER or header["alg"] != ALGORITHM or header["zip"] != "DEF" or not NAME.fullmatch(header["kid"]):
        raise ValueError("another header")
    claims = strict_json.parse(_unpacked(_decoded(payload_text)))
    issuer, proven = claims["iss"], claims["vc"]
    if not URL.fullmatch(issuer):
        raise ValueError("no issuer")
    if HEALTH_CARD not in proven["type"]:
        return None
    return _Card(
        issuer=issuer,
        kid=header["kid"],
        bearer=_bearer(issuer, proven["credentialSubject"]),
        valid_from_s=_seconds(claims["nbf"]),
        valid_until_s=_seconds(claims["exp"]) if "exp" in claims else None,
        rid=_rid(proven),
    )


def _decoded(text: bytes) -> bytes:
    data = from_base64url(text)
    if data is None:
        raise ValueError("no base64url")
    return data


def _unpacked(data: bytes) -> bytes:
    """Raw DEFLATE, whole, nothing behind it, and bounded."""
    stream = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    unpacked = stream.decompress(data, UNPACKED_MAX)
    if not stream.eof or stream.unused_data:
        raise ValueError("cut short, too large, or more than one stream")
    return unpacked


def _bearer(issuer: str, subject: Any) -> bytes:
    if type(subject) is not dict or "fhirBundle" not in subject:
        raise ValueError("about nobody")
    written = json.dumps([issuer, subject], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).digest()


def _seconds(value: Any) -> int:
    """Whole seconds: issuers write fractions too."""
    if type(value) not in {int, float} or not 0 <= value < SECONDS_MAX:
        raise ValueError("no time")
    return int(value)


def _rid(proven: Mapping[str, Any]) -> str | None:
    rid = proven.get("rid")
    if rid is not None and not NAME.fullmatch(rid):
        raise ValueError("no id of revocation")
    return rid
