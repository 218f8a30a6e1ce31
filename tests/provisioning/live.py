"""A real mosquitto with a generated configuration, and clients that talk to it, each turned by the test itself."""

from __future__ import annotations

import queue
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from device.domain import ClockTrust, Direction, EventType, Instant, Misread, Reason
from device.events.cloudevents import Stamp, body_hash, encode
from device.events.topics import Topics
from provisioning.authority import office
from provisioning.authority.init import Layout, Request, lay_out
from provisioning.broker.mosquitto import ACCESS_LIST
from tests.contract.witness import Witness, report

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
WITHIN_S = 10.0
PROVINCE, SITE = "p-999", "s-999"
EPOCH = "9990000000000000"
SEED = b"\x99" * 32
MOMENT = Instant(datetime(2026, 11, 1, tzinfo=UTC), ClockTrust.TRUSTED)
REFUSAL: dict[str, Any] = {
    "presentation": "0badcafe-1",
    "direction": Direction.ENTRY,
    "admit": False,
    "reason": Reason.NOT_A_PASS,
    "shown": Misread.OTHER,
    "frame": 1,
    "frame_ns": 1,
    "decoded_ns": 2,
    "stage": "half",
}
WITNESS = "watcher.witness"
CHAINED_MAX = 10_000
"""Events behind this one name a hash that is made up: nobody asks for the whole chain before them."""

_hashes: dict[tuple[str, str], list[bytes]] = {}  # of the bodies of one gate and epoch, in order


def provision(out: Path, gate: str = "g-a", *options: str, port: int | None = None, province: str = PROVINCE) -> Layout:
    request = Request(out=out, province=province, site=SITE, gate=gate, broker_port=port, options=options, issuer_seed=SEED)
    return lay_out(request, now=datetime.now(UTC))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def event(gate: str, sequence: int, *, epoch: str = EPOCH, **data: Any) -> bytes:
    """The body of a decision, as a gate makes it: a refusal, but for ``data``. Each names the one before it."""
    return _body(gate, sequence, epoch, _hash_before(gate, sequence, epoch), data)


def _hash_before(gate: str, sequence: int, epoch: str) -> bytes:
    if sequence > CHAINED_MAX:
        return b"\x99" * 32
    hashes = _hashes.setdefault((gate, epoch), [b""])
    while len(hashes) < sequence:
        hashes.append(body_hash(_body(gate, len(hashes), epoch, hashes[-1], {})))
    return hashes[sequence - 1]


def _body(gate: str, sequence: int, epoch: str, previous: bytes, data: dict[str, Any]) -> bytes:
    stamp = Stamp(gate, "boot", epoch, sequence, previous)
    return encode(EventType.DECISION, REFUSAL | data, subject=REFUSAL["presentation"], time=MOMENT, stamp=stamp)


def decisions(gate: str) -> str:
    """The topic of this gate's decisions."""
    return Topics(PROVINCE, SITE, gate).event(EventType.DECISION)


class Lines:
    """What a process writes to one of its pipes, line by line, as it comes."""

    def __init__(self, pipe: Any) -> None:
        self._pipe = pipe
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        for line in self._pipe:
            self._lines.put(line.rstrip("\n"))

    def wait(self, part: str) -> str:
        """The next line that holds ``part``."""
        limit_s = time.monotonic() + WITHIN_S
        while True:
            try:
                line = self._lines.get(timeout=max(0, limit_s - time.monotonic()))
            except queue.Empty:
                raise AssertionError("\n".join([f"no line with {part!r}:", *self.seen])) from None
            self.seen.append(line)
            if part in line:
                return line

    def close(self) -> list[str]:
        """Every line, once the process has ended."""
        self._thread.join(WITHIN_S)
        self._pipe.close()
        while not self._lines.empty():
            self.seen.append(self._lines.get())
        return self.seen


class Broker:
    """mosquitto as ``qrgate-provision init`` configured it; ``-v`` makes it log every packet.

    All that is said there is held against the contract, and told when it ends.
    """

    def __init__(self, layout: Layout, port: int) -> None:
        self.layout = layout
        self.port = port
        self._wrong: list[str] = []
        self._witness_folder = _let_in_a_witness(layout)
        self._start()

    def _start(self) -> None:
        assert MOSQUITTO is not None
        self._process = subprocess.Popen([MOSQUITTO, "-v", "-c", str(self.layout.broker / "mosquitto.conf")], stderr=subprocess.PIPE, text=True)
        self.log = Lines(self._process.stderr)
        self.log.wait("running")
        self._witness = Witness(self.port, self._witness_folder / "witness.crt", self._witness_folder / "witness.key")

    def stop(self, *, kill: bool = False) -> list[str]:
        lines = self._end(kill=kill)
        assert not self._wrong, report(self._wrong)
        return lines

    def restart(self, *, kill: bool) -> None:
        self._end(kill=kill)
        self._start()

    def _end(self, *, kill: bool) -> list[str]:
        if self._process.poll() is None:
            if not kill:
                self._witness.catch_up()
            self._process.kill() if kill else self._process.terminate()
        self._process.wait(WITHIN_S)
        self._wrong += self._witness.close()
        return self.log.close()

    def gate(self, name: str) -> Peer:
        return Peer(self.port, self.layout.gate.parent / name / "tls", "gate", client_id=name).connect()

    def watcher(self) -> Peer:
        return Peer(self.port, self.layout.watcher, "watcher", client_id="watcher").connect()

    def recorder(self) -> Peer:
        return Peer(self.port, self.layout.recorder / "tls", "recorder", client_id="stand-in").connect()


def _let_in_a_witness(layout: Layout) -> Path:
    """Its certificate, and a place at the beginning of the access list, where it changes nobody else's; the folder that holds the first."""
    folder, access = layout.broker.parent / "witness", layout.broker / ACCESS_LIST
    office.open_office(layout.authority).hand_client(folder, WITNESS, called="witness", now=datetime.now(UTC))
    entry = f"user {WITNESS}\ntopic read #\n"
    text = access.read_text(encoding="utf-8")
    if not text.startswith(entry):
        access.write_text(entry + text, encoding="utf-8")
    return folder


class Peer:
    """One client. ``messages`` holds (topic, payload) in the order they came."""

    def __init__(self, port: int, folder: Path | None, called: str = "", *, client_id: str, ca_file: Path | None = None) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._answers: dict[int, ReasonCode] = {}
        self._connected: list[ReasonCode] = []
        self._port = port
        context = ssl.create_default_context(cafile=str(ca_file or (folder and folder / "ca.crt")))
        if folder is not None:
            context.load_cert_chain(folder / f"{called}.crt", folder / f"{called}.key")
        self._client = client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
        client.tls_set_context(context)
        client.on_connect = lambda _c, _d, _f, code, _p: self._connected.append(code)
        client.on_message = lambda _c, _d, message: self.messages.append((message.topic, bytes(message.payload)))
        client.on_publish = lambda _c, _d, mid, code, _p: self._answers.__setitem__(mid, code)
        client.on_subscribe = lambda _c, _d, mid, codes, _p: self._answers.__setitem__(mid, codes[0])

    def connect(self) -> Self:
        self._client.connect("127.0.0.1", self._port, keepalive=10)
        self.until(lambda: bool(self._connected))
        assert self._connected[0].is_failure is False
        return self

    def until(self, done: Callable[[], bool]) -> None:
        """Turn the client until ``done``; ConnectionError where the connection ends before."""
        limit_s = time.monotonic() + WITHIN_S
        while not done():
            assert time.monotonic() < limit_s, f"not within {WITHIN_S} s; so far: {self.messages}"
            if self._client.loop(0.05) != mqtt.MQTT_ERR_SUCCESS:
                raise ConnectionError("the broker hung up")

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> str:
        """The broker's answer, by its name."""
        mid = self._client.publish(topic, payload, qos=qos, retain=retain).mid
        self.until(lambda: mid in self._answers)
        return self._answers[mid].getName()

    def subscribe(self, topic: str) -> None:
        _, mid = self._client.subscribe(topic, qos=1)
        assert mid is not None
        self.until(lambda: mid in self._answers)

    def wait(self, count: int) -> list[tuple[str, bytes]]:
        """All messages, once there are ``count``."""
        self.until(lambda: len(self.messages) >= count)
        return self.messages

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop(0)
