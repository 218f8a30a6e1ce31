from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from device.bundles import strict
from device.bundles.trust import read_trust
from device.credentials.kd1 import issuer_key_id
from device.credentials.trust import Authority, HealthSigner, RotatingKey, Trust
from device.domain import Direction
from device.errors import VerificationError

ISSUER = Ed25519PrivateKey.from_private_bytes(b"i" * 32).public_key()
CURVE_KEY = ec.derive_private_key(7, ec.SECP256R1())
POINT = CURVE_KEY.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
KID = b"kid-0001"


def certificate(*, country: str | None = "VN", key: Any = CURVE_KEY) -> bytes:
    names = [x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of tests")]
    if country is not None:
        names.append(x509.NameAttribute(x509.NameOID.COUNTRY_NAME, country))
    name = x509.Name(names)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    algorithm = None if isinstance(key, Ed25519PrivateKey) else hashes.SHA256()
    return builder.not_valid_before(BEGINS).not_valid_after(ENDS).sign(key, algorithm).public_bytes(Encoding.DER)


DER = certificate()
SIGNER = HealthSigner(CURVE_KEY.public_key(), "VN", 1, 2)


def signer(der: bytes) -> HealthSigner:
    if der != DER:
        raise VerificationError("no document signer")
    return SIGNER


def trust(**tables: Any) -> Trust:
    """As the gate reads it: the content went through the bundle's own CBOR."""
    return read_trust(strict.decode(strict.encode(tables)), read_signer=signer)


def test_an_empty_document_trusts_nobody() -> None:
    assert trust() == Trust()


def test_every_format_has_its_table() -> None:
    found = trust(
        passes=[ISSUER.public_bytes_raw()],
        rotating={"R1": {"secret": b"s" * 32, "zones": ["main"], "direction": "entry", "from": 1, "until": 2}, "R2": {"secret": b"t" * 32}},
        health=[{"kid": KID, "certificate": DER}, {"kid": KID, "certificate": DER}],
        cards=[{"issuer": "https://example.vn/issuer", "kid": "k1", "key": POINT}],
        seals=[{"country": "VNM", "certificate": DER}],
    )
    subject = x509.load_der_x509_certificate(DER).subject.public_bytes()
    assert found == Trust(
        passes={issuer_key_id(ISSUER.public_bytes_raw()): ISSUER},
        rotating={"R1": RotatingKey(b"s" * 32, ("main",), Direction.ENTRY, 1, 2), "R2": RotatingKey(b"t" * 32)},
        health={KID: (SIGNER, SIGNER)},
        cards={("https://example.vn/issuer", "k1"): CURVE_KEY.public_key()},
        seals=(Authority(CURVE_KEY.public_key(), "VNM", subject, int(BEGINS.timestamp()), int(ENDS.timestamp())),),
    )


def seal(**changes: Any) -> dict[str, Any]:
    entry = {"country": "VNM", "certificate": DER} | changes
    return {"seals": [{name: value for name, value in entry.items() if value is not None}]}


R = {"secret": b"s" * 32}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a table that nobody knows": ({"passports": []}, "trust has 1 keys that this gate does not know"),
    "passes that are no list": ({"passes": {}}, "trust.passes is no list of at most 5000"),
    "a pass key of 31 bytes": ({"passes": [b"k" * 31]}, "trust.passes[0] is no Ed25519 key"),
    "too many pass keys": ({"passes": [b"k" * 32] * 5001}, "trust.passes is no list of at most 5000"),
    "rotating keys that are no table": ({"rotating": []}, "trust.rotating is no table of at most 5000"),
    "a key id that no pass could name": ({"rotating": {"a b": R}}, "trust.rotating.key id is not the text it should be"),
    "a rotating key without its secret": ({"rotating": {"R1": {}}}, "trust.rotating.R1 lacks 'secret'"),
    "a rotating key that is a text": ({"rotating": {"R1": "s"}}, "trust.rotating.R1 is no table"),
    "a secret too short": ({"rotating": {"R1": {"secret": b"s"}}}, "trust.rotating.R1.secret is not the bytes it should be"),
    "a secret that is a text": ({"rotating": {"R1": {"secret": "s" * 32}}}, "trust.rotating.R1.secret is not the bytes it should be"),
    "a direction nobody knows": ({"rotating": {"R1": R | {"direction": "up"}}}, "trust.rotating.R1.direction is not the text it should be"),
    "a zone with a space": ({"rotating": {"R1": R | {"zones": ["a b"]}}}, "trust.rotating.R1.zones.zone is not the text it should be"),
    "a time that is true": ({"rotating": {"R1": R | {"from": True}}}, "trust.rotating.R1.from is no time"),
    "a key more in a rotating key": ({"rotating": {"R1": R | {"note": 1}}}, "trust.rotating.R1 has 1 keys that this gate does not know"),
    "a kid of 7 bytes": ({"health": [{"kid": b"kid-000", "certificate": DER}]}, "trust.health[0].kid is not the bytes it should be"),
    "no document signer": ({"health": [{"kid": KID, "certificate": b"d" * 200}]}, "no document signer"),
    "a card's issuer without TLS": (
        {"cards": [{"issuer": "http://example.vn", "kid": "k", "key": POINT}]},
        "trust.cards[0].issuer is not the text it should be",
    ),
    "a card key off its curve": (
        {"cards": [{"issuer": "https://example.vn", "kid": "k", "key": b"\x04" + b"k" * 64}]},
        "trust.cards[0] has a key that is no point of P-256",
    ),
    "an authority that is no table": ({"seals": [DER]}, "trust.seals[0] is no table"),
    "an authority that is no certificate": (seal(certificate=b"d" * 200), "trust.seals[0] is no certificate"),
    "an authority without a country": (seal(country=None), "trust.seals[0] lacks 'country'"),
    "an authority of a country as certificates write it": (seal(country="vn"), "trust.seals[0].country is not the text it should be"),
    "an authority with another kind of key": (
        seal(certificate=certificate(key=Ed25519PrivateKey.from_private_bytes(b"e" * 32))),
        "trust.seals[0] has neither a key on a curve nor an RSA key",
    ),
}


@pytest.mark.parametrize(("tables", "what"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told_with_its_place_and_without_its_value(tables: dict[str, Any], what: str) -> None:
    with pytest.raises(VerificationError) as caught:
        trust(**tables)
    assert caught.value.what == what


def test_bytes_are_no_document() -> None:
    with pytest.raises(VerificationError) as caught:
        read_trust(b"", read_signer=signer)
    assert caught.value.what == "trust is no table"
