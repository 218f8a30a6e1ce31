"""Whoever should not come in: certificates that are wrong in one way each, and a client that says everything before it is asked."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from provisioning.authority import certificates, keys
from provisioning.authority.certificates import Root

WITHIN_S = 10.0
CONNACK = 0x20
YEARS = timedelta(days=800)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path

    def context(self, ca: Path) -> ssl.SSLContext:
        made = ssl.create_default_context(cafile=str(ca))
        made.load_cert_chain(self.certificate, self.key)
        return made


class Forger:
    """Makes identities in ``folder``; ``root`` signs whatever is put before it, as the office's would not."""

    def __init__(self, root: Root, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._count = 0

    def client(self, name: str, *, now: datetime | None = None) -> Identity:
        return self._of([x509.NameAttribute(NameOID.COMMON_NAME, name)], now=now or datetime.now(UTC))

    def expired(self, name: str) -> Identity:
        return self.client(name, now=datetime.now(UTC) - YEARS)

    def of_tomorrow(self, name: str) -> Identity:
        return self.client(name, now=datetime.now(UTC) + timedelta(days=3))

    def server(self, *hosts: str, now: datetime | None = None) -> Identity:
        key = keys.make_tls_key()
        return self._written(key, certificates.issue_server(self._root, key.public_key(), hosts, now=now or datetime.now(UTC)))

    def of_nobody(self) -> Identity:
        """Signed by the right root, and without a common name."""
        return self._of([], now=datetime.now(UTC))

    def _of(self, names: list[x509.NameAttribute[str]], *, now: datetime) -> Identity:
        key = keys.make_tls_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._root.province), *names]))
            .issuer_name(self._root.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root.key.public_key()), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )
        return self._written(key, builder.sign(self._root.key, hashes.SHA256()))

    def _written(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> Identity:
        self._count += 1
        made = Identity(self._folder / f"{self._count}.crt", self._folder / f"{self._count}.key")
        made.certificate.write_bytes(certificates.pem(certificate))
        keys.write_key(made.key, key)
        return made


def knock(port: int, context: ssl.SSLContext | None, client_id: str, topics: Iterable[str], *, body: bytes = b"{}") -> bytes:
    """Connect, publish to every topic at QoS 0 and say goodbye, in one breath; all that the broker answered. Without a context: in plain text."""
    said = _connect(client_id) + b"".join(_publish(topic, body) for topic in topics) + b"\xe0\x00"
    answer = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError), socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S) as plain:
        line = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        with line:
            line.sendall(said)
            while more := line.recv(4096):
                answer += more
    return answer


def is_let_in(answer: bytes) -> bool:
    """Is it a CONNACK that says success (MQTT 5, 3.2)?"""
    return len(answer) >= 4 and answer[0] == CONNACK and answer[3] == 0


def _connect(client_id: str) -> bytes:
    return _packet(0x10, _text("MQTT") + b"\x05\x02\x00\x1e\x00" + _text(client_id))


def _publish(topic: str, body: bytes) -> bytes:
    return _packet(0x30, _text(topic) + b"\x00" + body)


def _packet(kind: int, content: bytes) -> bytes:
    """Fixed header with its length of up to two bytes (MQTT 5, 1.5.5)."""
    low, high = len(content) & 0x7F, len(content) >> 7
    return bytes([kind, low | 0x80, high] if high else [kind, low]) + content


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2) + data
