"""Whoever issues health certificates: a document signer with a certificate of its own, made for tests."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from device.credentials.hc1.base45 import ALPHABET
from device.credentials.hc1.signers import kid_of, signer_of
from device.credentials.trust import HealthSigner, Trust

ES256, PS256 = -7, -37
BEGIN_S, END_S = 1_640_000_000, 1_700_000_000  # of every signer here
ISSUED_S, EXPIRES_S = 1_650_000_000, 1_681_536_000
NAME = {"fn": "Thí Nghiệm", "gn": "Mẫu", "fnt": "THI<NGHIEM", "gnt": "MAU"}
OF_ALL = {"tg": "840539006", "co": "VN", "is": "Bo Y te (999)", "ci": "URN:UVCI:01:VN:999000000001#A"}
VACCINATION = OF_ALL | {"vp": "1119349007", "mp": "EU/1/20/1528", "ma": "ORG-100030215", "dn": 2, "sd": 2, "dt": "2022-04-01"}
TEST = OF_ALL | {"tt": "LP6464-4", "nm": "999 PCR", "sc": "2022-04-01T10:00:00+07:00", "tr": "260415000", "tc": "999"}
RECOVERY = OF_ALL | {"fr": "2022-01-01", "df": "2022-01-12", "du": "2022-06-30"}
ENTRIES: dict[str, dict[str, Any]] = {"v": VACCINATION, "t": TEST, "r": RECOVERY}


def certificate(group: str = "v", **changes: Any) -> dict[str, Any]:
    """A certificate of one vaccination, test or recovery; ``changes`` are those of its entry."""
    return {"ver": "1.3.0", "nam": NAME, "dob": "1990-02-01", group: [ENTRIES[group] | changes]}


def claims(record: object, **changes: Any) -> dict[int, Any]:
    """CWT claims; ``changes`` by name: iss, iat, exp. ``None`` leaves one out."""
    named = {"iss": "VN", "iat": ISSUED_S, "exp": EXPIRES_S} | changes
    numbered = {{"iss": 1, "iat": 6, "exp": 4}[name]: value for name, value in named.items() if value is not None}
    return numbered | {-260: {1: record}}


@dataclass(frozen=True)
class HealthIssuer:
    """``seed`` makes the key of P-256; an RSA key is another each time. ``uses`` are object ids; ``None``: no such extension."""

    seed: int = 1
    by_rsa: bool = False
    uses: Sequence[str] | None = None
    country: str | None = "VN"

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
        return rsa_key() if self.by_rsa else ec.derive_private_key(self.seed, ec.SECP256R1())

    @cached_property
    def der(self) -> bytes:
        return certify(self.key, self.uses, self.country)

    @property
    def kid(self) -> bytes:
        return kid_of(self.der)

    @property
    def signer(self) -> HealthSigner:
        return signer_of(self.der)

    @property
    def trust(self) -> Trust:
        return Trust(health={self.kid: (self.signer,)})

    def issue(self, record: object = None, **changes: Any) -> bytes:
        """A certificate as it stands in the symbol."""
        return text(self.message(cbor2.dumps(claims(certificate() if record is None else record, **changes))))

    def message(
        self, payload: bytes, protected: Mapping[int, Any] | bytes | None = None, unprotected: Any = None, tags: Sequence[int] = (18,)
    ) -> bytes:
        """A COSE message around any bytes, its signature by this key's own algorithm whatever the header says."""
        if not isinstance(protected, bytes):
            protected = cbor2.dumps({1: PS256 if self.by_rsa else ES256, 4: self.kid} if protected is None else protected)
        parts: Any = [protected, {} if unprotected is None else unprotected, payload, self.sign(cbor2.dumps(["Signature1", protected, b"", payload]))]
        for tag in reversed(tags):
            parts = cbor2.CBORTag(tag, parts)
        message: bytes = cbor2.dumps(parts)
        return message

    def sign(self, signed: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(signed, padding.PSS(padding.MGF1(SHA256()), SHA256.digest_size), SHA256())
        r, s = decode_dss_signature(self.key.sign(signed, ec.ECDSA(SHA256(), deterministic_signing=True)))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@cache
def rsa_key(bits: int = 2048, exponent: int = 65537) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(exponent, bits)


def certify(key: Any, uses: Sequence[str] | None = None, country: str | None = "VN", raw_usage: bytes | None = None) -> bytes:
    """An X.509 certificate by ``key`` about itself. ``raw_usage`` is an extended key usage in any bytes."""
    attributes = [x509.NameAttribute(x509.NameOID.COMMON_NAME, "999 signer")]
    if country is not None:
        attributes.append(x509.NameAttribute(x509.NameOID.COUNTRY_NAME, country))
    name = x509.Name(attributes)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), 999)
        .not_valid_before(datetime.fromtimestamp(BEGIN_S, UTC))
        .not_valid_after(datetime.fromtimestamp(END_S, UTC))
    )
    if uses is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(use) for use in uses]), critical=False)
    if raw_usage is not None:
        builder = builder.add_extension(x509.UnrecognizedExtension(x509.OID_EXTENDED_KEY_USAGE, raw_usage), critical=False)
    deterministic = True if isinstance(key, ec.EllipticCurvePrivateKey) else None
    return builder.sign(key, SHA256(), ecdsa_deterministic=deterministic).public_bytes(Encoding.DER)


def text(message: bytes) -> bytes:
    return b"HC1:" + to_base45(zlib.compress(message, 9))


def to_base45(data: bytes) -> bytes:
    letters = bytearray()
    for at in range(0, len(data), 2):
        group = data[at : at + 2]
        number = int.from_bytes(group, "big")
        letters += bytes(ALPHABET[number // 45**place % 45] for place in range(len(group) + 1))
    return bytes(letters)
