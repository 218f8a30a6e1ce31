"""Kind ``trust``: whom this gate believes, as one document for every format.

    passes    [Ed25519 public key, 32 bytes each]                                  KD1
    rotating  {key id: {secret, zones?, direction?, from?, until?}}                KD2: secrets, only for gates that read them
    health    [{kid: 8 bytes, certificate: DER}]                                   HC1: several may share a kid
    cards     [{issuer: URL, kid: text, key: uncompressed P-256 point, 65 bytes}]  SHC
    seals     [{country: as seals print it, such as AUS, certificate: DER}]        VDS-NC: countries' signing authorities

A table that is left out is empty: that format proves nothing here. The whole document replaces the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from device.bundles.fields import Fields, wrong
from device.credentials.kd1 import issuer_key_id
from device.credentials.trust import Authority, HealthSigner, RotatingKey, Trust
from device.domain import Direction

KEYS_MAX = 5000
"""Entries in one table; the largest public list, of health certificates, has some hundreds."""
CERTIFICATE_BYTES = range(100, 8193)
SECRET_BYTES = range(16, 65)
PASS_KEY_BYTES = (32,)
KID_BYTES = (8,)
POINT_BYTES = (65,)
ID = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
KEY_ID = r"[A-Za-z0-9_-]{1,32}"
COUNTRY = r"[A-Z]{1,3}"

ReadSigner = Callable[[bytes], HealthSigner]
"""DER of a document signer's certificate -> the signer. Raises VerificationError where it is none."""


def read_trust(content: Mapping[str, Any] | bytes, *, read_signer: ReadSigner) -> Trust:
    """Raises VerificationError, with the place of the first mistake."""
    document = Fields("trust", content)
    trust = Trust(
        passes=_passes(document.list("passes", KEYS_MAX)),
        rotating=MappingProxyType({_key_id(name): _rotating(name, each) for name, each in document.table("rotating", KEYS_MAX).items()}),
        health=_health(document.list("health", KEYS_MAX), read_signer),
        cards=MappingProxyType(dict(_card(at, each) for at, each in enumerate(document.list("cards", KEYS_MAX)))),
        seals=tuple(_authority(at, each) for at, each in enumerate(document.list("seals", KEYS_MAX))),
    )
    document.end()
    return trust


def _passes(keys: tuple[Any, ...]) -> Mapping[bytes, Ed25519PublicKey]:
    for at, key in enumerate(keys):
        if type(key) is not bytes or len(key) not in PASS_KEY_BYTES:
            raise wrong(f"trust.passes[{at}]", "is no Ed25519 key")
    return MappingProxyType({issuer_key_id(key): Ed25519PublicKey.from_public_bytes(key) for key in keys})


def _key_id(name: str) -> str:
    return Fields("trust.rotating", {"key id": name}).text("key id", pattern=KEY_ID)


def _rotating(name: str, entry: Any) -> RotatingKey:
    where = f"trust.rotating.{name}"
    fields = Fields(where, entry)
    zones = fields.list("zones", 8)
    key = RotatingKey(
        secret=fields.octets("secret", SECRET_BYTES),
        zones=tuple(Fields(f"{where}.zones", {"zone": zone}).text("zone", pattern=ID) for zone in zones),
        direction=Direction(fields.text("direction", pattern="|".join(Direction))) if "direction" in entry else Direction.BOTH,
        valid_from_s=fields.seconds("from"),
        valid_until_s=fields.seconds("until"),
    )
    fields.end()
    return key


def _health(entries: tuple[Any, ...], read_signer: ReadSigner) -> Mapping[bytes, tuple[HealthSigner, ...]]:
    found: dict[bytes, tuple[HealthSigner, ...]] = {}
    for at, entry in enumerate(entries):
        fields = Fields(f"trust.health[{at}]", entry)
        kid = fields.octets("kid", KID_BYTES)
        found[kid] = (*found.get(kid, ()), read_signer(fields.octets("certificate", CERTIFICATE_BYTES)))
        fields.end()
    return MappingProxyType(found)


def _card(at: int, entry: Any) -> tuple[tuple[str, str], EllipticCurvePublicKey]:
    fields = Fields(where := f"trust.cards[{at}]", entry)
    name, point = (fields.text("issuer", pattern=r"https://\S+"), fields.text("kid")), fields.octets("key", POINT_BYTES)
    fields.end()
    try:
        return name, EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise wrong(where, "has a key that is no point of P-256") from None


def _authority(at: int, entry: Any) -> Authority:
    """A certificate names its country by two letters, a seal by ICAO's code of up to three: the office says whose it is."""
    fields = Fields(where := f"trust.seals[{at}]", entry)
    country, der = fields.text("country", pattern=COUNTRY), fields.octets("certificate", CERTIFICATE_BYTES)
    fields.end()
    try:
        certificate = x509.load_der_x509_certificate(der)
        key, subject = certificate.public_key(), certificate.subject.public_bytes()  # the parts are parsed when they are asked for
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion):
        raise wrong(where, "is no certificate") from None
    if not isinstance(key, (EllipticCurvePublicKey, RSAPublicKey)):
        raise wrong(where, "has neither a key on a curve nor an RSA key")
    return Authority(
        key=key,
        country=country,
        subject=subject,
        not_before_s=int(begin.timestamp()),
        not_after_s=int(end.timestamp()),
    )
