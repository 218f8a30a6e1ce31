"""How fast a backlog leaves the gate for good, against a bare paho loop that only wants the broker's acknowledgement.

The gate's end is real but for its lane: store, outbox and link in a process of its own; uplink, broker and recorder are
processes, too, with TLS between them as ever. An event counts when its confirmation has let it go from the store. The loop sends
the same bytes on the same topics, with the same window, certificate and recorder at the other end, and counts a PUBACK.
"""

from __future__ import annotations

import multiprocessing
import select
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from device import config
from device.clock import NS, monotonic_ns
from device.demo.payloads import GATE
from device.demo.province import Province
from device.domain import StoredEvent
from device.errors import LinkError
from device.events import head
from device.events.topics import Topics
from device.gate.outbox import Outbox
from device.gate.store import Store
from device.links import UPLINK_SOCKET, Listener, own_uid
from device.settings import Settings
from device.uplink import packets, tls
from device.uplink.client import WINDOW_MAX
from device.uplink.service import run
from device.uplink.timing import Timing
from tests.backlogs import fill
from tests.bench.figures import Figures, Progress

EVENTS = 10_000
ROUNDS = 5
WITHIN_S = 120
UNPACED = replace(Timing(), pace_per_s=1e9)
SEED = b"\x99" * 32
SIGNING = Ed25519PrivateKey.from_private_bytes(SEED)


def measure(_base: int, progress: Progress) -> Figures:
    ours: list[float] = []
    theirs: list[float] = []
    for turn in range(ROUNDS):
        for rates, rate in ((ours, _drained_and_confirmed), (theirs, _paho_alone)):
            with tempfile.TemporaryDirectory(prefix="qrgate-drain-") as folder, Province(Path(folder), (), issuer_seed=SEED) as province:
                settings = config.load(province.layout.gate)
                fill(settings.paths.state / "events.db", EVENTS, gate=GATE, boot="bench")
                rates.append(rate(settings))
        progress(f"drain, round {turn + 1}: {ours[-1]:.0f} events/s drained and confirmed, {theirs[-1]:.0f} by paho alone")
    return {
        "drain_confirmed": (median(ours), "events/s"),
        "paho_published": (median(theirs), "events/s"),
        "drain_vs_paho": (median(ours) / median(theirs), "ratio"),
    }


def _store(settings: Settings) -> Store:
    return Store(settings.paths.state / "events.db", gate=GATE, boot="bench")


# --- ours ------------------------------------------------------------------------------------------------------


def _drained_and_confirmed(settings: Settings) -> float:
    with _beside(_serve, settings) as gate, _beside(_carry, settings):
        assert gate.poll(WITHIN_S), "the backlog is not drained"
        return EVENTS / float(gate.recv())


@contextmanager
def _beside(part: Any, settings: Settings) -> Iterator[Connection]:
    """``part`` in a process of its own, until the end of the block; the other end of its pipe."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=part, args=(settings, there))
    process.start()
    try:
        yield here
    finally:
        here.send(None)
        process.join(WITHIN_S)


def _serve(settings: Settings, pipe: Connection) -> None:
    """The gate: how many seconds from the first session with the broker until the last event has left the store."""
    settings.paths.runtime.mkdir(parents=True, exist_ok=True)
    began_ns: list[int] = []
    with closing(_store(settings)) as store, closing(Listener(settings.paths.runtime / UPLINK_SOCKET, {own_uid()})) as listener:
        outbox = Outbox(
            store,
            Topics(settings.site.province, settings.site.site, settings.site.gate),
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(settings.recorder.public_key)),
            boot="bench",
            key=SIGNING.public_key().public_bytes_raw(),
            head=lambda: head.sign(SIGNING, store.head()),
            alarm=lambda _kind, _facts: None,
            void=lambda _sequence, _why: False,  # so an event that is refused is never let go
            commands=lambda _verb, _payload: None,
            broker=lambda connected: began_ns.append(monotonic_ns()) if connected else None,
        )
        select.select([listener], [], [])
        link = listener.accept()
        assert link
        with closing(link), suppress(LinkError):  # the uplink goes first
            outbox.connected(link)
            told = False
            ends: list[Any] = [link, pipe]
            while pipe not in select.select(ends, [], [])[0]:
                while (message := link.receive()) is not None:
                    outbox.take(message)
                outbox.serve()
                if not told and not store.unconfirmed():
                    told = True
                    pipe.send((monotonic_ns() - began_ns[0]) / NS)


def _carry(settings: Settings, pipe: Connection) -> None:
    stopping = threading.Event()

    def stop() -> None:
        pipe.recv()
        stopping.set()

    threading.Thread(target=stop, daemon=True).start()
    run(settings, stopping, UNPACED)


# --- paho ------------------------------------------------------------------------------------------------------


def _paho_alone(settings: Settings) -> float:
    with closing(_store(settings)) as store:
        events = [event for after in range(0, EVENTS, 50) for event in store.events_after(after, 50)]
    assert len(events) == EVENTS
    topics = Topics(settings.site.province, settings.site.site, settings.site.gate)
    client = Client(CallbackAPIVersion.VERSION2, GATE, protocol=MQTTProtocolVersion.MQTTv5)
    client.tls_set_context(tls.context(settings.broker))
    client.connect(settings.broker.host, settings.broker.port, properties=packets.CONNECT)
    while not client.is_connected():
        client.loop()
    begin_ns = monotonic_ns()
    _publish_all(client, [(topics.event(event.type), event) for event in events])
    took_s = (monotonic_ns() - begin_ns) / NS
    client.disconnect()
    return EVENTS / took_s


def _publish_all(client: Client, wanted: list[tuple[str, StoredEvent]]) -> None:
    """As many under way as the window has; returns when all are acknowledged."""
    acknowledged: list[int] = []
    client.on_publish = lambda _client, _data, mid, _reason, _properties: acknowledged.append(mid)
    sent = 0
    while len(acknowledged) < len(wanted):
        while sent < len(wanted) and sent - len(acknowledged) < WINDOW_MAX:
            topic, event = wanted[sent]
            client.publish(topic, event.body, qos=1, properties=packets.REPLAYED)
            sent += 1
        assert client.loop() is MQTTErrorCode.MQTT_ERR_SUCCESS
