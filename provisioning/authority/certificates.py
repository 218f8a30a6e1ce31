"""X.509 for TLS: one P-256 root a province, and what it signs directly (RFC 5280; Python 3.13 checks it strictly)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from device.errors import UsageError, VerificationError

ROOT_DAYS = 3650
LEAF_DAYS = 395
"""A gate may be out of reach for months, so 90 days as on the Web would strand it."""
DUE = timedelta(days=30)
"""So long before its end a certificate is to be renewed; `qrgate doctor` warns at a gate when it does in the office."""
CLIENT_NAME = re.compile(r"[a-z0-9.-]{1,64}")
"""A broker puts the common name into topics: with a slash in it a gate would write beside its own (mosquitto 2.0.11: measured)."""
BACKDATED = timedelta(days=1)
"""A Raspberry Pi wakes up a little in the past: a certificate of today must hold there too."""


@dataclass(frozen=True, slots=True)
class Root:
    """The certificate authority of one province, with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def province(self) -> str:
        names = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return str(names[0].value) if names else ""


def make_root(key: ec.EllipticCurvePrivateKey, province: str, *, now: datetime) -> x509.Certificate:
    """The province's root: path length 0, so it signs devices and no further authorities."""
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, province), x509.NameAttribute(NameOID.COMMON_NAME, f"qrgate root {province}")])
    return (
        _builder(name, name, key.public_key(), now=now, days=ROOT_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def issue_server(root: Root, public_key: ec.EllipticCurvePublicKey, hosts: tuple[str, ...], *, now: datetime) -> x509.Certificate:
    """For the broker: valid for each of ``hosts``, host names or IP addresses, the first of them in its name too."""
    if not hosts:
        raise UsageError("a broker's certificate needs a host", hint="give --broker-host")
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    return _issue(root, public_key, hosts[0], ExtendedKeyUsageOID.SERVER_AUTH, now=now, names=names)


def issue_client(root: Root, public_key: ec.EllipticCurvePublicKey, name: str, *, now: datetime) -> x509.Certificate:
    """For a gate or a consumer: ``name`` is the common name, by which the broker knows it. Raises UsageError where a broker could misread it."""
    if not CLIENT_NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a certificate", hint="lower-case letters, digits, dots and hyphens, at most 64")
    return _issue(root, public_key, name, ExtendedKeyUsageOID.CLIENT_AUTH, now=now)


def read_certificate(path: Path) -> x509.Certificate:
    """Raises VerificationError where ``path`` holds no certificate."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise VerificationError(f"the certificate {path} cannot be read: {error.strerror}", hint="is this the right folder?") from error
    except ValueError:
        raise VerificationError(f"{path} is no certificate, or a damaged one", hint="restore it from the province office's copy") from None


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def _issue(
    root: Root,
    public_key: ec.EllipticCurvePublicKey,
    common_name: str,
    purpose: x509.ObjectIdentifier,
    *,
    now: datetime,
    names: x509.SubjectAlternativeName | None = None,
) -> x509.Certificate:
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, root.province), x509.NameAttribute(NameOID.COMMON_NAME, _common_name(common_name))]
    )
    builder = (
        _builder(subject, root.certificate.subject, public_key, now=now, days=LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
    )
    if names is not None:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(root.key, hashes.SHA256())


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, *, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> str:
    return name[:64]  # ub-common-name of RFC 5280; only a broker's host may be longer, and for it the SAN counts


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    try:
        return x509.DNSName(host)
    except ValueError:
        raise UsageError(f"{host!r} is no host name", hint="write an international name in its xn-- form") from None
