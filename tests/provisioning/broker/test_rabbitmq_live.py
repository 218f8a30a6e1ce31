"""A real RabbitMQ node with the generated settings: who comes in, and who may do what. It speaks MQTT 3.1.1 and tells no reasons."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from device.domain import EventType
from device.events.topics import EVENTS_OF_ALL, Topics
from provisioning.authority import office
from provisioning.authority.office import Office
from provisioning.broker.description import Clients
from tests.cluster.nodes import MISSING, Nodes
from tests.provisioning.broker.described import PROVINCE
from tests.provisioning.broker.strangers import Forger, Identity

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "-")
WITHIN_S = 20.0
A, B = Topics(PROVINCE, "s-999", "g-a"), Topics(PROVINCE, "s-999", "g-b")


class Peer:
    """One client; ``ended`` when the broker has hung up."""

    def __init__(self, port: int, context: ssl.SSLContext, client_id: str) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.is_in = self.ended = False
        self._answered: set[int] = set()
        self._port = port
        client = Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=False, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False
        )
        client.tls_set_context(context)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: setattr(self, "is_in", not reason.is_failure)
        client.on_message = lambda _client, _data, message: self.messages.append((message.topic, bytes(message.payload)))
        client.on_publish = lambda _client, _data, mid, _reason, _properties: self._answered.add(mid)
        client.on_subscribe = lambda _client, _data, mid, _reasons, _properties: self._answered.add(mid)
        self._client = client

    def connect(self) -> Self:
        with suppress(OSError):
            self._client.connect("127.0.0.1", self._port, keepalive=10)
            self._turn(lambda: self.is_in)
        return self

    def publish(self, topic: str, payload: bytes) -> bool:
        """Is it acknowledged?"""
        mid = self._client.publish(topic, payload, qos=1).mid
        return self._turn(lambda: mid in self._answered)

    def subscribe(self, topic: str) -> bool:
        _, mid = self._client.subscribe(topic, qos=1)
        return self._turn(lambda: mid in self._answered)

    def wait(self, count: int) -> list[tuple[str, bytes]]:
        assert self._turn(lambda: len(self.messages) >= count), self.messages
        return self.messages

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop(0)

    def _turn(self, done: Callable[[], bool]) -> bool:
        """Until ``done``; false where the broker hangs up before."""
        give_up_s = time.monotonic() + WITHIN_S
        while not done():
            assert time.monotonic() < give_up_s, f"no answer within {WITHIN_S} s"
            if self._client.loop(0.05) is not MQTTErrorCode.MQTT_ERR_SUCCESS:
                self.ended = True
                return False
        return True


@dataclass
class Rabbit:
    port: int
    forger: Forger
    foreign: Forger
    ca: Path

    def peer(self, name: str, *, client_id: str | None = None, identity: Identity | None = None) -> Peer:
        return Peer(self.port, (identity or self.forger.client(name)).context(self.ca), client_id or name).connect()


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rabbit]:
    folder = tmp_path_factory.mktemp("rabbit")
    chief, elsewhere = (_office(folder / name) for name in ("authority", "elsewhere"))
    with Nodes(folder, chief, Clients(gates=("g-a", "g-b"), commands=("command.a",)), count=1) as cluster:
        yield Rabbit(cluster.nodes[0].port, Forger(chief.root, folder), Forger(elsewhere.root, folder / "elsewhere"), chief.folder / "ca.crt")


def _office(folder: Path) -> Office:
    return office.found(folder, PROVINCE, seed=None, now=datetime.now(UTC))


def test_events_and_confirmations_come_through(rabbit: Rabbit) -> None:
    gate, recorder = rabbit.peer("g-a"), rabbit.peer("recorder.p-999")
    assert (recorder.subscribe(EVENTS_OF_ALL), gate.subscribe(A.confirmation), gate.subscribe(A.commands)) == (True, True, True)
    assert gate.publish(A.event(EventType.DECISION), b"of a")
    assert recorder.wait(1) == [(A.event(EventType.DECISION), b"of a")]
    assert recorder.publish(A.confirmation, b"for a")
    assert gate.wait(1) == [(A.confirmation, b"for a")]
    for each in (gate, recorder):
        each.close()


def test_nobody_comes_in_by_a_wrong_certificate(rabbit: Rabbit) -> None:
    wrong = [rabbit.foreign.client("g-a"), rabbit.forger.expired("g-a"), rabbit.forger.server("g-a")]
    peers = [rabbit.peer("g-a", identity=identity) for identity in wrong]
    peers += [Peer(rabbit.port, ssl.create_default_context(cafile=str(rabbit.ca)), "g-a").connect()]
    peers += [rabbit.peer(name) for name in ("g-c", "#", "+", "*", ".*", "a/b", "guest")]  # right authority, and nobody that it knows
    assert [peer.is_in for peer in peers] == [False] * 11


FORBIDDEN = [B.event(EventType.DECISION), B.state, B.confirmation, A.confirmation, A.command("open"), A.note, "qg/v1/else", "else", "$SYS/else"]


def test_whoever_speaks_under_another_name_is_hung_up_on_and_not_heard(rabbit: Rabbit) -> None:
    watcher = rabbit.peer("recorder.p-999")
    assert watcher.subscribe(EVENTS_OF_ALL)
    for topic in FORBIDDEN:
        gate = rabbit.peer("g-a")
        assert (gate.is_in, gate.publish(topic, b"forged"), gate.ended) == (True, False, True), topic
    gate = rabbit.peer("g-a")
    assert gate.publish(A.event(EventType.PASSAGE), b"true")
    assert watcher.wait(1) == [(A.event(EventType.PASSAGE), b"true")]
    for each in (gate, watcher):
        each.close()


@pytest.mark.parametrize("filter_", ["#", "+/#", "qg/v1/+/+/+/ack", "qg/v1/+/+/+/cmd/+", B.confirmation, B.commands, A.event(EventType.DECISION)])
def test_whoever_would_hear_what_is_not_for_it_is_hung_up_on(rabbit: Rabbit, filter_: str) -> None:
    gate = rabbit.peer("g-a")
    gate.subscribe(filter_)  # MQTT 3.1.1 lets a broker answer that it failed
    other = rabbit.peer("recorder.p-999")
    assert other.publish(B.confirmation, b"for b")
    other.close()
    gate = rabbit.peer("g-a") if gate.ended else gate
    assert gate.publish(A.state, b"{}")
    assert gate.messages == []
    gate.close()


def test_nobody_takes_the_session_of_another(rabbit: Rabbit) -> None:
    other = rabbit.peer("g-b")
    assert other.subscribe(B.confirmation)
    thief = rabbit.peer("g-a", client_id="g-b")
    assert not (thief.is_in and thief.subscribe(A.confirmation))
    assert not thief.messages
    recorder = rabbit.peer("recorder.p-999")
    assert recorder.publish(B.confirmation, b"for b")
    again = rabbit.peer("g-b")  # the session is still that of b, and holds what came
    assert (B.confirmation, b"for b") in (*other.messages, *again.wait(1))
    for each in (recorder, again):
        each.close()
