"""The certificate of whoever signed a visible digital seal: it travels inside the seal, so it proves nothing by itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.utils import CryptographyDeprecationWarning

from device.credentials.trust import Authority

SEAL_SIGNER = x509.ObjectIdentifier("2.23.136.1.1.14.2")
"""Extended key usage of ICAO's seal signers; without it a certificate may be good for passports, not for seals."""
DOCUMENT_TYPES = x509.ObjectIdentifier("2.23.136.1.1.6.2")
"""ICAO's extension that limits a signer to documents of some types, two letters each."""
HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
UNREADABLE = (
    *(ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, UnsupportedAlgorithm),
    CryptographyDeprecationWarning,  # of what a later release refuses, where warnings are errors
)
"""What the library makes of a certificate that it cannot read."""


@dataclass(frozen=True, slots=True)
class SealSigner:
    """A signer's certificate, taken apart. Times are seconds since 1970 UTC."""

    key: ec.EllipticCurvePublicKey
    issuer: bytes  # DER of the name
    not_before_s: int
    not_after_s: int
    signs_seals: bool
    document_types: bytes | None  # DER; None where it is limited to none
    signed: bytes
    signature: bytes
    padding: ec.ECDSA | padding.PKCS1v15 | padding.PSS
    digest: hashes.HashAlgorithm

    @property
    def id(self) -> bytes:
        """The head of the certificate's hash, without its signature, which has more than one spelling."""
        return hashlib.sha256(self.signed).digest()[:8]

    def may_sign(self, document_type: bytes) -> bool:
        """``document_type``: two letters, such as ``NV`` for vaccination."""
        printable = bytes([0x13, len(document_type)]) + document_type  # DER of a PrintableString
        return self.signs_seals and (self.document_types is None or printable in self.document_types)

    def was_issued_by(self, authority: Authority) -> bool:
        """By name and by signature: an authority keeps its name when it changes its key."""
        if self.issuer != authority.subject:
            return False
        try:
            if isinstance(authority.key, RSAPublicKey) and not isinstance(self.padding, ec.ECDSA):
                authority.key.verify(self.signature, self.signed, self.padding, self.digest)
            elif not isinstance(authority.key, RSAPublicKey) and isinstance(self.padding, ec.ECDSA):
                authority.key.verify(self.signature, self.signed, self.padding)
            else:
                return False
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return True


def read_signer(der: bytes) -> SealSigner:
    """The certificate in ``der``.

    Raises:
        ValueError: no certificate, none of a seal's signer by its kind of key or signature, or oddly spelled.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        if not der.endswith(b"\x00" + certificate.signature):  # a bit string that ends within a byte: another text of the same certificate
            raise TypeError("a second spelling")
        return _taken_apart(certificate)
    except UNREADABLE as error:
        raise ValueError("no certificate of a signer") from error


def _taken_apart(certificate: x509.Certificate) -> SealSigner:
    key, digest, how = certificate.public_key(), certificate.signature_hash_algorithm, certificate.signature_algorithm_parameters
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(digest, HASHES) or how is None:
        raise TypeError("another kind of key, hash or signature")
    extensions = {each.oid: each.value for each in certificate.extensions}
    usage, basic = extensions.get(x509.ExtendedKeyUsage.oid), extensions.get(x509.BasicConstraints.oid)
    is_authority = isinstance(basic, x509.BasicConstraints) and basic.ca
    limited = extensions.get(DOCUMENT_TYPES)
    return SealSigner(
        key=key,
        issuer=certificate.issuer.public_bytes(),
        not_before_s=int(certificate.not_valid_before_utc.timestamp()),
        not_after_s=int(certificate.not_valid_after_utc.timestamp()),
        signs_seals=isinstance(usage, x509.ExtendedKeyUsage) and SEAL_SIGNER in usage and not is_authority,
        document_types=limited and limited.public_bytes(),
        signed=certificate.tbs_certificate_bytes,
        signature=certificate.signature,
        padding=how,
        digest=digest,
    )
