"""The two neighbours of the uplink, scripted: a gate that hands out events, and a broker of raw MQTT packets."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pytest

from device import links
from device.domain import EventType, StoredEvent
from device.errors import LinkError
from device.links import Again, BrokerState, Events, Give, Health, Hello, Link, Listener, Message, Received, Refused, Say
from device.settings import (
    Board,
    BoardModel,
    Broker,
    Bundles,
    Buzzer,
    Clock,
    Display,
    FurtherRelay,
    Inputs,
    Lamps,
    Lane,
    Links,
    PassageSensor,
    Paths,
    PinFactory,
    Pins,
    Policy,
    Protocol,
    Pseudonyms,
    Reader,
    Recorder,
    Relay,
    Scanner,
    Settings,
    Site,
    SourceKind,
    Store,
    Voice,
)
from device.uplink.service import run
from device.uplink.timing import Timing
from tests.brokers import HOST, Observer, Seen, server_context

GATE = "g1"
EVENT_TOPIC = f"qg/v1/p1/s1/{GATE}/event/decision"
STATE_TOPIC = f"qg/v1/p1/s1/{GATE}/state"
HEALTH_TOPIC = f"qg/v1/p1/s1/{GATE}/health"
ACK_TOPIC = f"qg/v1/p1/s1/{GATE}/ack"
PEER_S = 30
"""No test lasts so long: a peer that is silent for this time is gone, however it went."""
REPLY_TOPIC = f"qg/v1/p1/s1/{GATE}/reply/1"
HELLO = Hello("boot-1", "epoch-1", 0, bytes(32), bytes(100))
QUICK = Timing(
    first_wait_s=0.02, most_wait_s=0.2, first_gate_wait_s=0.01, most_gate_wait_s=0.1, first_quota_wait_s=0.05, leave_s=0.5, pace_per_s=100_000
)


def event(sequence: int) -> StoredEvent:
    return StoredEvent(sequence, EventType.DECISION, b'{"id":"g1-epoch-1-%020d"}' % sequence)


def settings(
    folder: Path,
    port: int,
    *,
    confirm_within_s: float = 30,
    host: str = HOST,
    protocol: Protocol = Protocol.MQTT_5,
    home_assistant: bool = False,
) -> Settings:
    return Settings(
        folder=folder,
        paths=Paths(state=folder, runtime=folder),
        reader=Reader(source=SourceKind.FOLDER, path="x"),
        scanner=Scanner(),
        board=Board(model=BoardModel.OTHER),
        lane=Lane(),
        pins=Pins(factory=PinFactory.MOCK),
        relay=Relay(pin=17),
        exit_relay=FurtherRelay(),
        lower_relay=FurtherRelay(),
        free_relay=FurtherRelay(),
        lamps=Lamps(),
        buzzer=Buzzer(),
        passage=PassageSensor(),
        inputs=Inputs(),
        display=Display(),
        voice=Voice(),
        clock=Clock(),
        store=Store(),
        links=Links(),
        site=Site(province="p1", site="s1", gate=GATE),
        broker=Broker(
            host=host,
            port=port,
            ca_file=folder / "ca.crt",
            certificate_file=folder / f"{GATE}.crt",
            key_file=folder / f"{GATE}.key",
            confirm_within_s=confirm_within_s,
            protocol=protocol,
            home_assistant=home_assistant,
        ),
        recorder=Recorder(public_key="0" * 64),
        policy=Policy(),
        pseudonyms=Pseudonyms(key_file=folder / "p.json"),
        bundles=Bundles(),
        issuers={},
    )


paho_forgets_sockets = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
"""paho leaves the socket of a failed handshake to the garbage collector."""


class Uplink:
    """The real service in a thread."""

    def __init__(self, with_settings: Settings, timing: Timing = QUICK) -> None:
        self.code: int | None = None
        self.error: Exception | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(with_settings, timing), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(10)
        assert not self._thread.is_alive(), "the uplink does not stop"

    def wait_end(self) -> None:
        self._thread.join(10)

    def _run(self, with_settings: Settings, timing: Timing) -> None:
        try:
            self.code = run(with_settings, self._stopping, timing)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error


class Gate:
    """A gate that holds events until the test (or a ConfirmingObserver) confirms them, and remembers what it was told."""

    def __init__(self, folder: Path, hello: Hello = HELLO) -> None:
        self.events: dict[int, StoredEvent] = {}
        self.received: list[Received] = []
        self.broker_states: list[bool] = []
        self.refused: list[Refused] = []
        self.gives: list[Give] = []
        self.links = 0
        self.deaf = False  # True: leaves what it is sent in the kernel
        self._hello = hello
        self._health: Health | None = None
        self._path = folder / "uplink.sock"
        self._changed = threading.Condition()
        self._open: dict[links.Lane, Give] = {}
        self._link: Link | None = None
        self._listener: Listener | None = None
        self._ending = threading.Event()
        self._bell, self._rope = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self.open()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._ring()
        self._thread.join(10)
        self.close()
        self._bell.close()
        self._rope.close()

    def open(self) -> None:
        with self._changed:
            self._listener = Listener(self._path, {links.own_uid()})
        self._ring()

    def close(self, hello: Hello | None = None) -> None:
        """As if the process had ended; ``hello`` is what the next one says."""
        with self._changed:
            for end in (self._link, self._listener):
                if end:
                    end.close()
            self._link = self._listener = None
            self._open.clear()
            self._hello = hello or self._hello
            self._health = None
        with contextlib.suppress(OSError):
            self._ring()

    def add(self, *events: StoredEvent) -> None:
        with self._changed:
            self.events |= {each.sequence: each for each in events}
        self._ring()

    def be(self, *bodies: bytes) -> None:
        """How the gate is: one message each, and the last one again after every Hello."""
        with self._changed:
            for body in bodies:
                self._health = Health(body)
                if self._link:
                    assert self._link.send(self._health)

    def say(self, *bodies: bytes) -> None:
        """Answers, all to the same question."""
        self._send(*(Say("reply/1", body) for body in bodies))

    def again(self, first: int, last: int) -> None:
        self._send(Again(first, last))

    def _send(self, *messages: Message) -> None:
        with self._changed:
            assert self._link
            for message in messages:
                assert self._link.send(message)

    def confirm(self, *sequences: int) -> None:
        with self._changed:
            for sequence in sequences:
                self.events.pop(sequence, None)

    def wait(self, done: Callable[[Gate], object], *, within_s: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: done(self), within_s), (
                f"not within {within_s} s: {self.broker_states} {self.refused} {self.gives[-3:]}"
            )

    def wait_session(self) -> None:
        """Until what is added is news: there is a session, and the live lane has asked for all that is recorded in it."""
        self.wait(lambda _: self.broker_states[-1:] == [True] and links.Lane.LIVE in self._open)

    def _ring(self) -> None:
        self._rope.send(b"!")

    def _serve(self) -> None:
        while not self._ending.is_set():
            with self._changed:
                ends: list[Any] = [end for end in (self._link, None if self._link else self._listener) if end and not self.deaf]
                ready = select.select([self._bell, *ends], [], [], 0)[0]
            if not ready:
                with contextlib.suppress(OSError, ValueError):  # an end was closed meanwhile
                    select.select([self._bell, *ends], [], [], 0.2)
            with self._changed:
                if self._bell in select.select([self._bell], [], [], 0)[0]:
                    self._bell.recv(4096)
                self._turn()
                self._changed.notify_all()

    def _turn(self) -> None:
        if self._listener and not self._link and select.select([self._listener], [], [], 0)[0]:
            self._link = self._listener.accept()
            if self._link:
                self.links += 1
                self._open.clear()
                self._greet(self._link)
                if self._health:
                    self._link.send(self._health)
        try:
            while self._link and not self.deaf and (message := self._link.receive()) is not None:
                self._hear(message)
            self._answer()
        except LinkError:
            if self._link:
                self._link.close()
            self._link = None

    def _greet(self, link: Link) -> None:
        link.send(replace(self._hello, last_sequence=max(self.events, default=0)))

    def _hear(self, message: Message) -> None:
        match message:
            case Give():
                self.gives.append(message)
                self._open[message.lane] = message
            case Received():
                self.received.append(message)
                self.events = {sequence: each for sequence, each in self.events.items() if each.body != message.payload}
            case BrokerState(connected):
                if self.broker_states[-1:] != [connected]:
                    self.broker_states.append(connected)
                if not connected and self._link:
                    self._greet(self._link)
            case Refused():
                self.refused.append(message)
            case _:
                raise AssertionError(message)

    def _answer(self) -> None:
        for lane, give in list(self._open.items()):
            sequences = sorted(each for each in self.events if each > give.after)[: give.limit]
            if self._link and (sequences or lane is links.Lane.BACKLOG):
                del self._open[lane]
                assert self._link.send(Events(lane, tuple(self.events[each] for each in sequences)))


class ConfirmingObserver(Observer):
    """Confirms every event it sees, as the gate below believes: by sending its body back."""

    def answer(self, seen: Seen) -> None:
        if "/event/" in seen.topic:
            self.send(ACK_TOPIC, seen.payload)


# --- a broker of raw packets ---------------------------------------------------------------------------------------

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = 1, 2, 3, 4, 8, 9, 12, 14


def take(broker: ScriptedBroker, publish: Publish) -> None:
    broker.puback(publish.mid)


def ignore(_broker: ScriptedBroker, _publish: Publish) -> None: ...


@dataclass(frozen=True, slots=True)
class Publish:
    connection: int
    mid: int
    topic: str
    body: bytes = field(repr=False)
    duplicate: bool
    retained: bool
    replayed: bool


class ScriptedBroker:
    """Answers CONNECT and SUBSCRIBE by itself, acknowledges the state topic, and asks ``on_event`` and ``on_word`` what to do with the rest.

    They are called in the broker's thread with the publish, and may call ``puback``, ``send`` or ``hang_up``.
    """

    def __init__(
        self,
        folder: Path,
        on_event: Callable[[ScriptedBroker, Publish], None],
        *,
        on_word: Callable[[ScriptedBroker, Publish], None] = take,
        connack: bytes = b"",
        mqtt_5: bool = True,
    ) -> None:
        """``connack`` are the properties of the CONNACK, e.g. b"\\x21\\x00\\x03" for Receive Maximum 3. MQTT 3.1.1 has none."""
        self.publishes: list[Publish] = []
        self.connects: list[bytes] = []
        self.pubacks: list[int] = []  # packet identifiers of what the uplink acknowledged
        self.connections = 0
        self._on_event = on_event
        self._on_word = on_word
        self._mqtt_5 = mqtt_5
        self._connack = b"\x00\x00" + (bytes([len(connack)]) + connack if mqtt_5 else b"")
        self._context = server_context(folder)
        self._changed = threading.Condition()
        self._server = socket.create_server((HOST, 0))
        self._peer: ssl.SSLSocket | None = None
        self.port = int(self._server.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self._thread.join(10)
        self._server.close()
        assert not self._thread.is_alive()

    def wait(self, done: Callable[[ScriptedBroker], object], *, within_s: float = 10) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: done(self), within_s), f"not within {within_s} s; {self.publishes}"

    def puback(self, mid: int, code: int = 0) -> None:
        self.send(PUBACK << 4, struct.pack(">HBB", mid, code, 0) if self._mqtt_5 else struct.pack(">H", mid))

    def send(self, first: int, content: bytes) -> None:
        with contextlib.suppress(OSError):
            if self._peer:
                self._peer.sendall(bytes([first]) + _length(len(content)) + content)

    def hang_up(self) -> None:
        if self._peer:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._peer, socket.SHUT_RDWR)  # not SSLSocket's: that would read on in plain text

    def bodies(self) -> list[bytes]:
        return [each.body for each in self.publishes if "/event/" in each.topic]

    def healths(self) -> list[bytes]:
        return [each.body for each in self.publishes if each.topic == HEALTH_TOPIC]

    def wait_health(self, body: bytes) -> None:
        """Until the last health it was sent is ``body``."""
        self.wait(lambda _: self.healths()[-1:] == [body])

    def _serve(self) -> None:
        while True:
            try:
                raw, _ = self._server.accept()
            except OSError:
                return
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.settimeout(PEER_S)
            with contextlib.suppress(OSError), self._context.wrap_socket(raw, server_side=True) as peer:
                self._peer = peer
                with self._changed:
                    self.connections += 1
                    self._changed.notify_all()
                while self._packet(peer):
                    pass
            self._peer = None

    def _packet(self, peer: ssl.SSLSocket) -> bool:
        first, length, shift, digit = _exactly(peer, 1)[0], 0, 0, 0x80
        while digit & 0x80:
            digit = _exactly(peer, 1)[0]
            length |= (digit & 0x7F) << shift
            shift += 7
        self._handle(first, _exactly(peer, length))
        return first >> 4 != DISCONNECT

    def _handle(self, first: int, content: bytes) -> None:
        match first >> 4:
            case 1:
                self.connects.append(content)
                self.send(CONNACK << 4, self._connack)
            case 8:
                self.send(SUBACK << 4, content[:2] + (b"\x00\x01\x01" if self._mqtt_5 else b"\x01\x01"))
            case 12:
                self.send(13 << 4, b"")
            case 4:
                with self._changed:
                    self.pubacks.append(int.from_bytes(content[:2], "big"))
                    self._changed.notify_all()
            case 3:
                self._publish(first, content)

    def _publish(self, first: int, content: bytes) -> None:
        (size,) = struct.unpack_from(">H", content)
        topic = content[2 : 2 + size].decode()
        (mid,) = struct.unpack_from(">H", content, 2 + size)
        properties = content[5 + size : 5 + size + content[4 + size]] if self._mqtt_5 else b""
        body = content[4 + size + self._mqtt_5 + len(properties) :]
        replayed = b"\x26\x00\x08replayed\x00\x04true" in properties  # 0x26: a user property
        publish = Publish(self.connections, mid, topic, body, bool(first & 8), bool(first & 1), replayed)
        with self._changed:
            self.publishes.append(publish)
            self._changed.notify_all()
        if topic == STATE_TOPIC:
            self.puback(mid)
        elif "/event/" not in topic:
            self._on_word(self, publish)
        else:
            self._on_event(self, publish)


def _length(left: int) -> bytes:
    """MQTT's remaining length: seven bits a byte, the lowest first."""
    digits = b""
    while left > 0x7F:
        digits += bytes([left & 0x7F | 0x80])
        left >>= 7
    return digits + bytes([left])


def _exactly(peer: ssl.SSLSocket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = peer.recv(count - len(content))
        if not part:
            raise ConnectionError("the uplink hung up")
        content += part
    return content
