"""Issuers of health cards for tests, with fresh keys: a SMART Health Card's, and a country's authority with its seal signers."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device.credentials.base64url import to_base64url
from device.credentials.ecdsa import HASHES, SIGNATURE_BYTES
from device.credentials.seal_signer import DOCUMENT_TYPES, SEAL_SIGNER
from device.credentials.strict_json import canonical
from device.credentials.trust import Authority

NOT_BEFORE, NOT_AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
SIGNER_BEFORE, SIGNER_AFTER = datetime(2026, 6, 1, tzinfo=UTC), datetime(2031, 6, 1, tzinfo=UTC)


def packed(data: bytes) -> bytes:
    """Raw DEFLATE, as small as it gets."""
    stream = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def side_by_side(key: ec.EllipticCurvePrivateKey, algorithm: str, signed: bytes) -> bytes:
    """A signature as cards carry it: r and s; the same every time."""
    half = SIGNATURE_BYTES[algorithm] // 2
    signature = key.sign(signed, ec.ECDSA(HASHES[algorithm], deterministic_signing=True))
    return b"".join(each.to_bytes(half, "big") for each in decode_dss_signature(signature))


# --- SMART Health Cards ----------------------------------------------------------------------------------------


@dataclass
class CardIssuer:
    """A clinic that signs SMART Health Cards."""

    url: str = "https://card.example.vn"
    kid: str = "3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def name(self) -> tuple[str, str]:
        return self.url, self.kid

    def claims(self, **changes: Any) -> dict[str, Any]:
        """About a person who does not exist. A change to ``None`` leaves the claim out."""
        patient = {"resourceType": "Patient", "name": [{"family": "THU", "given": ["NGUYEN VAN"]}], "birthDate": "1990-02-01"}
        dose = {"resourceType": "Immunization", "status": "completed", "occurrenceDateTime": "2026-05-03", "lotNumber": "9990001"}
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}, {"resource": dose}]}
        proven = {
            "type": ["https://smarthealth.cards#health-card", "https://smarthealth.cards#immunization"],
            "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": bundle},
        }
        claims = {"iss": self.url, "nbf": 1_790_000_000, "vc": proven, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def issue(self, claims: Any = None, *, header: Any = None) -> bytes:
        """A card's text of ``claims``, signed."""
        written = json.dumps(claims if claims is not None else self.claims(), separators=(",", ":")).encode()
        return self.sign(packed(written), header=header)

    def sign(self, payload: bytes, *, header: Any = None) -> bytes:
        """A card around any bytes: what an issuer's faulty program could make."""
        head = header if header is not None else {"alg": "ES256", "zip": "DEF", "kid": self.kid}
        return self.seal(to_base64url(json.dumps(head).encode()) + b"." + to_base64url(payload))

    def seal(self, signed: bytes) -> bytes:
        return as_digits(signed + b"." + to_base64url(side_by_side(self.key, "ES256", signed)))


def as_digits(text: bytes) -> bytes:
    return b"shc:/" + b"".join(b"%02d" % (letter - 45) for letter in text)


# --- visible digital seals -------------------------------------------------------------------------------------


@dataclass
class SealAuthority:
    """A country that signs the certificates of its seal signers (CSCA)."""

    key: ec.EllipticCurvePrivateKey | RSAPrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    country: str = "UTO"
    name: str = "National CSCA of Utopia"

    @property
    def subject(self) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "UT"), x509.NameAttribute(NameOID.COMMON_NAME, self.name)])

    @property
    def trusted(self) -> Authority:
        return Authority(self.key.public_key(), self.country, self.subject.public_bytes(), int(NOT_BEFORE.timestamp()), int(NOT_AFTER.timestamp()))

    def certify(
        self,
        key: Any,
        *,
        usage: x509.ObjectIdentifier | None = SEAL_SIGNER,
        types: tuple[bytes, ...] | None = (b"NV", b"NT"),
        digest: Any = None,
        padding: Any = None,
        deterministic: bool | None = None,
        alter: Callable[[x509.CertificateBuilder], x509.CertificateBuilder] = lambda builder: builder,
    ) -> bytes:
        """DER of a signer's certificate for the public ``key``."""
        builder = (
            x509.CertificateBuilder()
            .issuer_name(self.subject)
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "06")]))
            .public_key(key)
            .serial_number(999)
            .not_valid_before(SIGNER_BEFORE)
            .not_valid_after(SIGNER_AFTER)
        )
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage, ExtendedKeyUsageOID.TIME_STAMPING]), critical=False)
        if types is not None:
            listed = b"".join(bytes([0x13, len(each)]) + each for each in types)
            content = b"\x02\x01\x00\x31" + bytes([len(listed)]) + listed
            builder = builder.add_extension(x509.UnrecognizedExtension(DOCUMENT_TYPES, b"\x30" + bytes([len(content)]) + content), critical=False)
        options = {"rsa_padding": padding, "ecdsa_deterministic": deterministic}
        return alter(builder).sign(self.key, digest or hashes.SHA256(), **options).public_bytes(Encoding.DER)


@dataclass
class SealSigner:
    """Who signs seals with a certificate of ``authority``."""

    authority: SealAuthority
    algorithm: str = "ES256"
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    certificate: bytes = b""

    def __post_init__(self) -> None:
        self.certificate = self.certificate or self.authority.certify(self.key.public_key())

    def issue(self, data: Any, **changes: Any) -> bytes:
        """The seal of ``data`` as one line; ``changes`` replace parts of its signature."""
        signature = {
            "alg": self.algorithm,
            "cer": to_base64url(self.certificate).decode(),
            "sigvl": to_base64url(side_by_side(self.key, self.algorithm, canonical(data))).decode(),
            **changes,
        }
        return json.dumps({"data": data, "sig": signature}, separators=(",", ":"), ensure_ascii=False).encode()


def vaccination(**header: Any) -> dict[str, Any]:
    """Vaccination of a person who does not exist, its keys in the order of the specification's example."""
    dose = {"dvc": "2026-05-03", "seq": 1, "ctr": "UTO", "adm": "RIVM", "lot": "9990001"}
    person = {"n": "Nguyễn Văn Thử", "dob": "1990-02-01", "sex": "M", "i": "C9990001"}
    return {
        "hdr": {"t": "icao.vacc", "v": 1, "is": "UTO", **header},
        "msg": {"uvci": "U99932870", "pid": person, "ve": [{"des": "XM68M6", "nam": "Comirnaty", "dis": "RA01.0", "vd": [dose]}]},
    }


def negative_test() -> dict[str, Any]:
    sampled = {"sp": {"spn": "Lab", "ctr": "UTO", "cd": {"p": "999", "e": "lab@example.org", "a": "-"}}, "dat": {"sc": "2026-05-03T10:00:00Z"}}
    return {"hdr": {"t": "icao.test", "v": 1, "is": "UTO"}, "msg": {"utci": "U99900001", "pid": {"n": "NGUYEN VAN THU"}, **sampled}}
