"""Whom this gate believes about health: document signers, out of their X.509 certificates.

A signer made for tests looks like any other. Its keys are public, so whoever makes the list takes certificates only from
where a country publishes its own, never from a collection of examples.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from device.credentials.hc1.examination import SIGNERS_MAX
from device.credentials.trust import HealthSigner, HealthUse
from device.errors import VerificationError

KID_BYTES = 8
RSA_BITS = range(2048, 4097)  # below it is weak; above, a signature costs a gate more than 0.2 ms
EXPONENT = 65537

USE = re.compile(rb"\x06(?:\x0b\x2b\x06\x01\x04\x01|\x0c\x2b\x06\x01\x04\x01\x00)\x8e\x37\x8f\x65\x01([\x01-\x03])")
"""Extended key usage 1.3.6.1.4.1.1847.2021.1.{1,2,3} in DER, and with the 0 before 1847 that most issuers took from early drafts.

Looked for as bytes: cryptography reads all extensions of a certificate or none, and even the official test cases have a
malformed one (CO15: a key usage that lists nothing). Thirteen such bytes are nowhere by chance.
"""
USES = {b"\x01": HealthUse.TEST, b"\x02": HealthUse.VACCINATION, b"\x03": HealthUse.RECOVERY}

COUNTRY = re.compile(r"[A-Z]{2}")
ENTRY_KEYS = {"x5c", "country", "notAfter"}
HINT = "take it as its country publishes it: X.509 in DER, with a P-256 or RSA key"


def kid_of(der: bytes) -> bytes:
    """The key id of a signer: the first 8 bytes of its certificate's SHA-256."""
    return hashlib.sha256(der).digest()[:KID_BYTES]


def signer_of(der: bytes, *, country: str | None = None, not_after_s: int | None = None) -> HealthSigner:
    """The signer whose X.509 certificate ``der`` is. Purposes that are none of the three (a web server's, mail) limit nothing.

    ``country`` replaces the one in its subject (some have none), ``not_after_s`` may only shorten its time.

    Raises:
        VerificationError: no certificate, or a key that no health certificate may be signed with.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        key, said = certificate.public_key(), certificate.subject.get_attributes_for_oid(x509.NameOID.COUNTRY_NAME)
        not_before, not_after = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise VerificationError(f"a signer's certificate cannot be read: {type(error).__name__}", hint=HINT) from None
    end_s = int(not_after.timestamp())
    return HealthSigner(
        key=_fit(key),
        country=country or next((str(each.value) for each in said), ""),
        not_before_s=int(not_before.timestamp()),
        not_after_s=end_s if not_after_s is None else min(end_s, not_after_s),
        uses=frozenset(USES[use] for use in USE.findall(certificate.tbs_certificate_bytes)),
    )


def _fit(key: object) -> EllipticCurvePublicKey | RSAPublicKey:
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    if isinstance(key, RSAPublicKey) and key.key_size in RSA_BITS and key.public_numbers().e == EXPONENT:
        return key
    raise VerificationError("a signer's key is neither of P-256 nor RSA of 2048 to 4096 bits with the usual exponent", hint=HINT)


# --- the list --------------------------------------------------------------------------------------------------


def read_trust_list(document: object) -> dict[bytes, tuple[HealthSigner, ...]]:
    """Key id -> signers, out of ``{"<kid in base64>": [{"x5c": "<DER in base64>", "country": "VN", "notAfter": 1700000000}]}``.

    ``country`` and ``notAfter`` (seconds since 1970 UTC) may be left out. Who vouches for the document is not asked here:
    it comes out of a bundle whose signature was checked.

    Raises:
        VerificationError: with every mistake, one a line. A list that is wrong in one place is not used at all.
    """
    if not isinstance(document, Mapping):
        raise VerificationError("the list of health signers is no table of key ids")
    mistakes: list[str] = []
    signers: dict[bytes, tuple[HealthSigner, ...]] = {}
    for name, entries in document.items():
        kid = _from_base64(name)
        if kid is None or len(kid) != KID_BYTES:
            mistakes.append(f"{name!r} is no key id of {KID_BYTES} bytes in base64")
        elif not isinstance(entries, list) or not 1 <= len(entries) <= SIGNERS_MAX:
            mistakes.append(f"{name}: 1 to {SIGNERS_MAX} signers may share a key id")
        else:
            signers[kid] = tuple(_read_entries(name, kid, entries, mistakes))
    if mistakes:
        listing = "\n".join(f"  {mistake}" for mistake in mistakes)
        raise VerificationError(f"{len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''} in the list of health signers:\n{listing}", hint=HINT)
    return signers


def _read_entries(name: str, kid: bytes, entries: list[Any], mistakes: list[str]) -> list[HealthSigner]:
    signers = []
    for number, entry in enumerate(entries, 1):
        try:
            signers.append(_read_entry(kid, entry))
        except VerificationError as error:
            mistakes.append(f"{name}, signer {number}: {error.what}")
    return signers


def _read_entry(kid: bytes, entry: object) -> HealthSigner:
    if not isinstance(entry, Mapping) or not set(entry) <= ENTRY_KEYS:
        raise VerificationError(f"not a table of {', '.join(sorted(ENTRY_KEYS))}")
    der, country, not_after_s = _from_base64(entry.get("x5c")), entry.get("country"), entry.get("notAfter")
    if der is None:
        raise VerificationError("x5c is no base64")
    if kid_of(der) != kid:
        raise VerificationError("its certificate has another key id")
    if country is not None and not (isinstance(country, str) and COUNTRY.fullmatch(country)):
        raise VerificationError("country is not two capital letters")
    if not_after_s is not None and type(not_after_s) is not int:
        raise VerificationError("notAfter is no number of seconds")
    return signer_of(der, country=country, not_after_s=not_after_s)


def _from_base64(text: object) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None
