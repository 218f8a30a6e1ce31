"""Brokers for tests: certificates, a real mosquitto with mutual TLS, and a subscriber that collects what it sees."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.contract import witness

HOST = "127.0.0.1"
OBSERVER = "observer"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")

CONFIGURATION = """\
user root
per_listener_settings false
allow_anonymous false
acl_file {folder}/acl
persistence false
set_tcp_nodelay true
max_queued_messages 0
log_dest stderr
log_type information
{more}
listener {port} 127.0.0.1
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
require_certificate true
use_identity_as_username true
"""
ACCESS = f"""\
pattern write qg/v1/+/+/%u/event/+
pattern write qg/v1/+/+/%u/state
pattern read qg/v1/+/+/%u/ack
pattern read qg/v1/+/+/%u/cmd/#
user {OBSERVER}
topic readwrite qg/#
"""


class Authority:
    """Signs certificates into ``folder``: ca.crt, and NAME.crt with NAME.key for each identity."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test root")])
        root = self._builder(self._name, self._key, *_around_now()).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self._write("ca.crt", root.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str, *, host: str = "", valid: tuple[datetime, datetime] | None = None) -> None:
        """A certificate with common name ``name``; with ``host`` one for a server at that address."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(subject, key, *(valid or _around_now())).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
        )
        if host:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        self._write(f"{name}.crt", builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        self._write(f"{name}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)


def _around_now() -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - timedelta(days=1), now + timedelta(days=1)


def make_authority(folder: Path, *identities: str) -> Authority:
    """An authority with a server's certificate for the loopback address, and one for each of ``identities``."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority(folder)
    authority.issue("server", host=HOST)
    for identity in (OBSERVER, *identities):
        authority.issue(identity)
    return authority


def server_context(folder: Path) -> ssl.SSLContext:
    """TLS for a scripted broker that demands a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.load_verify_locations(folder / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class Broker:
    """A mosquitto on one loopback port, which it keeps over restarts. ``more`` are further lines of its configuration.

    All that is said there is held against the contract, and told when it ends.
    """

    def __init__(self, folder: Path, *, more: str = "", access: str = ACCESS) -> None:
        self.folder = folder
        self.port = free_port()
        self._process: subprocess.Popen[str] | None = None
        self._witness: witness.Witness | None = None
        self._wrong: list[str] = []
        (folder / "acl").write_text(access, encoding="ascii")
        (folder / "acl").chmod(0o600)
        (folder / "mosquitto.conf").write_text(CONFIGURATION.format(folder=folder, port=self.port, more=more), encoding="ascii")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.end(signal.SIGTERM)
        assert kind or not self._wrong, witness.report(self._wrong)

    def start(self) -> None:
        assert MOSQUITTO
        arguments = [MOSQUITTO, "-c", str(self.folder / "mosquitto.conf")]
        self._process = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        running = threading.Event()
        threading.Thread(target=_read, args=(self._process.stderr, running), daemon=True).start()
        if not running.wait(10) or self._process.poll() is not None:
            self.end(signal.SIGKILL)
            raise AssertionError("mosquitto does not start")
        if witness.is_wanted():
            try:
                self._witness = witness.Witness(self.port, self.folder / f"{OBSERVER}.crt", self.folder / f"{OBSERVER}.key")
            except OSError as error:
                self.end(signal.SIGKILL)
                raise AssertionError(f"the broker does not let the witness in: {error}") from error

    def end(self, how: signal.Signals) -> None:
        """Stop it (SIGTERM) or kill it (SIGKILL); nothing happens if it has ended."""
        if self._witness and how is signal.SIGTERM:
            self._witness.catch_up()
        if self._process:
            self._process.send_signal(how)
            self._process.wait(10)
            self._process = None
        if self._witness:
            self._wrong += self._witness.close()
            self._witness = None


def _read(lines: Any, running: threading.Event) -> None:
    with lines:
        for line in lines:
            if " running" in line:
                running.set()
    running.set()  # it ended


@dataclass(frozen=True, slots=True)
class Seen:
    topic: str
    payload: bytes
    retained: bool
    content_type: str | None
    payload_format: int | None


class Observer:
    """Subscribes to everything and keeps it, over restarts of the broker; publishes what a test wants to say."""

    def __init__(self, broker: Broker, *topics: str) -> None:
        self.seen: list[Seen] = []
        self._topics = topics or ("qg/#",)
        self._changed = threading.Condition()
        self._subscribed = False
        client = Client(CallbackAPIVersion.VERSION2, client_id=OBSERVER, protocol=MQTTProtocolVersion.MQTTv5)
        folder = broker.folder
        client.tls_set(str(folder / "ca.crt"), str(folder / f"{OBSERVER}.crt"), str(folder / f"{OBSERVER}.key"))
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in self._topics])
        client.on_subscribe = lambda *_: self._note(subscribed=True)
        client.on_disconnect = lambda *_: self._note(subscribed=False)
        client.on_message = self._on_message
        self._client = client
        self._port = broker.port

    def __enter__(self) -> Self:
        self._client.connect(HOST, self._port)
        self._client.loop_start()
        self.wait_subscribed()
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1).wait_for_publish(10)

    def answer(self, seen: Seen) -> None:
        """What else happens with a message that was seen; in paho's thread."""

    def send(self, topic: str, payload: bytes) -> None:
        """Publish without waiting."""
        self._client.publish(topic, payload, qos=1)

    def wait_subscribed(self) -> None:
        self._wait(lambda: self._subscribed, "no subscription", 10)

    def wait(self, done: Callable[[list[Seen]], object], *, within_s: float = 10) -> None:
        """Until ``done`` of all that was seen; an assertion error after ``within_s``."""
        self._wait(lambda: done(self.seen), "not seen", within_s)

    def wait_bodies(self, count: int, *, within_s: float = 20) -> None:
        """Until ``count`` different events were seen."""
        self._wait(lambda: len(set(self.bodies())) >= count, f"no {count} events", within_s)

    def bodies(self) -> list[bytes]:
        return [seen.payload for seen in self.seen if "/event/" in seen.topic]

    def states(self) -> list[bytes]:
        return [seen.payload for seen in self.seen if seen.topic.endswith("/state")]

    def _wait(self, done: Callable[[], object], what: str, within_s: float) -> None:
        with self._changed:
            assert self._changed.wait_for(done, within_s), f"{what} within {within_s} s; {len(self.seen)} messages so far"

    def _note(self, *, subscribed: bool) -> None:
        with self._changed:
            self._subscribed = subscribed
            self._changed.notify_all()

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        properties = message.properties
        seen = Seen(
            message.topic,
            bytes(message.payload),
            message.retain,
            getattr(properties, "ContentType", None),
            getattr(properties, "PayloadFormatIndicator", None),
        )
        with self._changed:
            self.seen.append(seen)
            self._changed.notify_all()
        self.answer(seen)
