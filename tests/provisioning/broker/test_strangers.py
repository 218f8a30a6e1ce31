"""A real mosquitto with the generated settings, and everybody who has no business there: nothing of theirs comes through.

Whoever watches here sees every topic, and each case ends with a gate that may speak: what it says is seen, and nothing before it.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from device.config import load
from device.domain import EventType
from device.events.topics import Topics
from device.uplink import tls
from provisioning.authority import office
from provisioning.authority.init import Layout
from provisioning.operations import connection
from provisioning.operations import settings as recorder_settings
from tests.provisioning.broker.strangers import YEARS, Forger, Identity, is_let_in, knock
from tests.provisioning.live import MOSQUITTO, PROVINCE, SITE, Broker, Lines, Peer, decisions, event, free_port, provision

A, B = Topics(PROVINCE, SITE, "g-a"), Topics(PROVINCE, SITE, "g-b")
OF_A = [A.event(EventType.DECISION), A.state, A.health, A.said("reply/1f"), A.said("request/time"), A.confirmation, A.command("open"), A.note]
OF_B = [B.event(EventType.DECISION), B.state, B.health, B.said("reply/1f"), B.said("request/time"), B.confirmation, B.command("open"), B.note]
NUMBERS = count(1)
LONG_AGO, SOON = datetime.now(UTC) - YEARS, datetime.now(UTC) + timedelta(days=3)


@dataclass
class Watched:
    """A broker, the forger who has its authority's key, and a watcher who sees everything on it."""

    broker: Broker
    forger: Forger
    foreign: Forger
    watcher: Peer
    seen: int = field(default=0)

    @property
    def ca(self) -> Path:
        return self.broker.layout.authority / "ca.crt"

    def rightful(self, gate: str = "g-a") -> Identity:
        folder = self.broker.layout.gate.parent / gate / "tls"
        return Identity(folder / "gate.crt", folder / "gate.key")

    def heard(self) -> list[str]:
        """The topics of all that came through since the last call, and then a rightful word of gate g-a, which ends it."""
        body = event("g-a", next(NUMBERS))
        assert is_let_in(knock(self.broker.port, self.rightful().context(self.ca), "g-a", [decisions("g-a")], body=body))
        self.watcher.until(lambda: (decisions("g-a"), body) in self.watcher.messages)
        came, self.seen = self.watcher.messages[self.seen :], len(self.watcher.messages)
        return [topic for topic, payload in came if payload != body]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed")
    out, port = tmp_path_factory.mktemp("province"), free_port()
    layout = provision(out, "g-a", port=port)
    provision(out, "g-b")
    with (layout.broker / "acl").open("a", encoding="ascii") as access:
        access.write("topic read #\ntopic read $SYS/#\n")  # of the last user in it, the watcher
    foreign = provision(tmp_path_factory.mktemp("elsewhere"), "g-a", province=PROVINCE)
    live = Broker(layout, port)
    watcher = live.watcher()
    watcher.subscribe("#")
    forger, forger_elsewhere = (Forger(office.open_office(each.authority).root, tmp_path_factory.mktemp("forged")) for each in (layout, foreign))
    yield Watched(live, forger, forger_elsewhere, watcher)
    watcher.close()
    live.stop()


# --- nobody comes in -------------------------------------------------------------------------------------------

STRANGERS: dict[str, Callable[[Watched], ssl.SSLContext | None]] = {
    "plain text": lambda _: None,
    "no certificate": lambda each: ssl.create_default_context(cafile=str(each.ca)),
    "another authority, of the same name": lambda each: each.foreign.client("g-a").context(each.ca),
    "expired": lambda each: each.forger.expired("g-a").context(each.ca),
    "not yet valid": lambda each: each.forger.of_tomorrow("g-a").context(each.ca),
    "a server's certificate": lambda each: each.forger.server("g-a").context(each.ca),
    "no common name": lambda each: each.forger.of_nobody().context(each.ca),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS.keys())
def test_a_stranger_is_not_let_in_and_nothing_of_it_comes_through(watched: Watched, stranger: Callable[[Watched], ssl.SSLContext | None]) -> None:
    answer = knock(watched.broker.port, stranger(watched), "g-a", [*OF_A, *OF_B])
    assert (is_let_in(answer), watched.heard()) == (False, [])


# --- nobody speaks or hears under another name ------------------------------------------------------------------


def test_a_gate_that_says_everything_at_once_is_heard_for_itself_alone(watched: Watched) -> None:
    foreign = ["#", "$SYS/broker/uptime", "qg/v1/+/+/g-b/state", f"qg/v1/{PROVINCE}/{SITE}/+/state", "qg/v1/g-a/state", f"{A.state}/deeper"]
    for topic in [*OF_A, *OF_B, *foreign]:  # a topic with a wildcard ends the connection, and what follows it
        knock(watched.broker.port, watched.rightful().context(watched.ca), "g-a", [topic])
    assert watched.heard() == OF_A[:5]


def test_a_gate_hears_no_other_whatever_it_subscribes_to(watched: Watched) -> None:
    gate, other, recorder = watched.broker.gate("g-a"), watched.broker.gate("g-b"), watched.broker.recorder()
    for topic in ("#", "+/#", "$SYS/#", "$share/all/qg/v1/#", "qg/v1/+/+/+/cmd/+", *OF_A, *OF_B):
        gate.subscribe(topic)
    for topic in OF_B[:5]:
        other.publish(topic, b"of b", retain=True)
    for topic in (B.confirmation, B.command("time"), B.note, A.note):
        recorder.publish(topic, b"for b")
    recorder.publish(A.confirmation, b"for a")
    gate.until(lambda: (A.confirmation, b"for a") in gate.messages)
    assert set(gate.messages) == {(A.confirmation, b"for a")}
    for topic in OF_B[:5]:
        other.publish(topic, b"", retain=True)
    for each in (gate, other, recorder):
        each.close()
    assert set(watched.heard()) == {*OF_B[:6], B.command("time"), B.note, A.note, A.confirmation}


@pytest.mark.parametrize("client_id", ["#", "+", "g-b", "a/b", "$SYS", "recorder.p-999", ""])
def test_a_client_id_opens_nothing_and_ends_nobody(watched: Watched, client_id: str) -> None:
    """Sessions go by the name in the certificate: under ``client_id`` there is none."""
    other, recorder = watched.broker.gate("g-b"), watched.broker.recorder()
    other.subscribe(B.confirmation)
    for topic in (*OF_B, *OF_A[5:]):
        knock(watched.broker.port, watched.rightful().context(watched.ca), client_id, [topic])
    recorder.publish(B.confirmation, b"still here")
    assert other.wait(1) == [(B.confirmation, b"still here")]
    for each in (other, recorder):
        each.close()
    assert watched.heard() == [B.confirmation]


@pytest.mark.parametrize("name", ["#", "+", "+/+", "a/b", "g-b/#", "g-b/event", "g-b/cmd", "g-b/", "%u", "%c", "$SYS", "g-b\x00"])
def test_a_name_that_means_something_in_a_topic_is_no_gate(watched: Watched, name: str) -> None:
    """The office gives nobody such a name; whoever stole its key could. One with a ``/`` is taken for further levels as it is."""
    identity = watched.forger.client(name)
    for topic in [*OF_A, *OF_B]:
        knock(watched.broker.port, identity.context(watched.ca), "x", [topic])
    assert watched.heard() == []
    assert overheard(watched, identity, "#", B.state, B.confirmation, B.commands, A.state) == []


def overheard(watched: Watched, identity: Identity, *filters: str) -> list[tuple[str, bytes]]:
    """What whoever has ``identity`` hears of what two gates say."""
    peer = Peer(watched.broker.port, identity.certificate.parent, identity.certificate.stem, client_id="x", ca_file=watched.ca)
    with suppress(ConnectionError, ssl.SSLError):
        peer.connect()
        for each in filters:
            peer.subscribe(each)
        knock(watched.broker.port, watched.rightful("g-b").context(watched.ca), "g-b", [B.state])
        assert watched.heard() == [B.state]
        peer.publish("elsewhere", b"")  # its answer comes behind all that was to come
    return peer.messages


# --- gate and recorder speak to nobody else ---------------------------------------------------------------------


IMPOSTORS: dict[str, tuple[Callable[[Forger], Identity], str]] = {
    "another host's name": (lambda forger: forger.server("mqtt.example.vn"), "IP address mismatch"),
    "expired": (lambda forger: forger.server("127.0.0.1", now=LONG_AGO), "certificate has expired"),
    "not yet valid": (lambda forger: forger.server("127.0.0.1", now=SOON), "certificate is not yet valid"),
    "a gate's certificate": (lambda forger: forger.client("127.0.0.1"), "unsuitable certificate purpose"),
}


@contextmanager
def listening(layout: Layout, server: Identity | None) -> Iterator[Layout]:
    """The broker of ``layout``, with the certificate of ``server`` for its own."""
    if server:
        shutil.copy(server.certificate, layout.broker / "server.crt")
        shutil.copy(server.key, layout.broker / "server.key")
    assert MOSQUITTO is not None
    process = subprocess.Popen([MOSQUITTO, "-v", "-c", str(layout.broker / "mosquitto.conf")], stderr=subprocess.PIPE, text=True)
    log = Lines(process.stderr)
    try:
        log.wait("running")
        yield layout
    finally:
        process.terminate()
        process.wait(10)
        log.close()


def handshakes(layout: Layout) -> list[str]:
    """How gate and recorder find the broker: an empty text where they would speak to it."""
    gate, recorder = load(layout.gate), recorder_settings.load(layout.recorder / "recorder.toml")
    found = []
    for context in (tls.context(gate.broker), connection.tls_context(recorder.broker)):
        try:
            with (
                socket.create_connection((gate.broker.host, gate.broker.port), timeout=10) as plain,
                context.wrap_socket(plain, server_hostname=gate.broker.host),
            ):
                found.append("")
        except ssl.SSLCertVerificationError as error:
            found.append(error.verify_message)
    return found


@pytest.mark.parametrize(("server", "why"), IMPOSTORS.values(), ids=IMPOSTORS.keys())
def test_gate_and_recorder_say_nothing_to_a_broker_of(server: Callable[[Forger], Identity], why: str, tmp_path: Path) -> None:
    layout = provision(tmp_path / "province", port=free_port())
    forger = Forger(office.open_office(layout.authority).root, tmp_path)
    with listening(layout, server(forger)):
        assert [why in found for found in handshakes(layout)] == [True, True]


def test_gate_and_recorder_say_nothing_to_a_broker_of_another_authority(tmp_path: Path) -> None:
    layout, foreign = provision(tmp_path / "province", port=free_port()), provision(tmp_path / "elsewhere")
    with listening(layout, Forger(office.open_office(foreign.authority).root, tmp_path).server("127.0.0.1")):
        assert ["self-signed certificate" in found or "unable to get local issuer" in found for found in handshakes(layout)] == [True, True]


def test_gate_and_recorder_speak_to_their_own_broker(tmp_path: Path) -> None:
    with listening(provision(tmp_path, port=free_port()), None) as layout:
        assert handshakes(layout) == ["", ""]
