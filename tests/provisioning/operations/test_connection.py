"""The recorder's connection to a broker that keeps to no rules: a socket that says what the test wants."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace

import pytest

from device.errors import ContactError
from provisioning.authority.init import Layout
from provisioning.operations import settings
from provisioning.operations.connection import SUBSCRIPTIONS, Connection, tls_context
from tests.provisioning.live import WITHIN_S, provision

CONNACK = bytes.fromhex("2003000000")
SUBSCRIBE = 8
GRANTED = b"\x01"


def suback(mid: bytes, answers: bytes) -> bytes:
    content = mid + b"\x00" + answers
    return bytes([0x90, len(content)]) + content


class Rogue:
    """Takes one connection, greets it, and answers its SUBSCRIBE with what ``answer`` makes of the packet's identifier."""

    def __init__(self, layout: Layout, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(layout.broker / "server.crt", layout.broker / "server.key")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(WITHIN_S)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with closing(self._listener), self._context.wrap_socket(self._listener.accept()[0], server_side=True) as peer:
            peer.settimeout(WITHIN_S)
            _packet(peer)
            peer.sendall(CONNACK)
            kind, content = _packet(peer)
            assert kind >> 4 == SUBSCRIBE
            peer.sendall(self._answer(content[:2]))
            with suppress(OSError):  # whoever leaves may do so without a word
                while peer.recv(4096):
                    pass

    def join(self) -> None:
        self._thread.join(WITHIN_S)


def _packet(peer: ssl.SSLSocket) -> tuple[int, bytes]:
    kind, length, shift = peer.recv(1)[0], 0, 0
    while True:
        byte = peer.recv(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    content = b""
    while len(content) < length:
        content += peer.recv(length - len(content))
    return kind, content


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return provision(tmp_path_factory.mktemp("office"))


@pytest.fixture
def opened(layout: Layout) -> Iterator[Callable[[Callable[[bytes], bytes]], Connection]]:
    rogues: list[tuple[Rogue, Connection]] = []

    def open_(answer: Callable[[bytes], bytes]) -> Connection:
        rogue = Rogue(layout, answer)
        loaded = settings.load(layout.recorder)
        loaded = replace(loaded, broker=replace(loaded.broker, port=rogue.port))
        connection = Connection(loaded, tls_context(loaded.broker), lambda _kind, _line: None)
        rogues.append((rogue, connection))
        connection.open(threading.Event())
        return connection

    yield open_
    for rogue, connection in rogues:
        connection.close()
        rogue.join()


Opened = Callable[[Callable[[bytes], bytes]], Connection]


def test_a_broker_that_grants_all_is_subscribed_to(opened: Opened) -> None:
    assert opened(lambda mid: suback(mid, GRANTED * len(SUBSCRIPTIONS))).subscribed


@pytest.mark.parametrize("count", [0, 1, len(SUBSCRIPTIONS) - 1, len(SUBSCRIPTIONS) + 1])
def test_a_broker_that_does_not_answer_each_subscription_is_left_and_not_died_of(opened: Opened, count: int) -> None:
    with pytest.raises(ContactError, match=f"the broker refuses: {count} answers to {len(SUBSCRIPTIONS)} subscriptions"):
        opened(lambda mid: suback(mid, GRANTED * count))


@pytest.mark.parametrize(
    "packet",
    [
        b"\x90\x00",  # a SUBACK of no bytes
        b"\x90\x01\x00",
        b"\x90\x05\x00\x01\x00\x77\x77",  # reason codes that do not exist
        b"\x90\x04\x00\x01\x7f\x00",  # properties longer than the packet
        b"\x32\x02\x00\x30",  # an event of which most is missing
        b"\x40\x00",  # PUBACK
        b"\xe0\x02\x77\x00",  # DISCONNECT with a reason of its own
        b"\xf0\x00",
        b"\xff\xff\xff\xff\xff\xff",
    ],
)
def test_packets_that_paho_cannot_read_end_the_connection_and_not_the_recorder(opened: Opened, packet: bytes) -> None:
    with pytest.raises(ContactError):
        opened(lambda _mid: packet).turn(WITHIN_S)
