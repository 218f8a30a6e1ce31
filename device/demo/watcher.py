"""A subscriber at the broker: it sees what the province sees, and nothing else."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from device.errors import ContactError
from device.events.topics import ROOT, parse_event_topic

CONNECT_S = 5.0
KEEPALIVE_S = 20

Event = dict[str, Any]


@contextmanager
def watch(port: int, identity: Path, traffic: Path) -> Iterator[queue.SimpleQueue[Event]]:
    """Events as they arrive, duplicates and all; every message is written to ``traffic``, topic and payload a line.

    ``identity`` is the watcher's folder. Raises ContactError.
    """
    arrived: queue.SimpleQueue[Event] = queue.SimpleQueue()
    subscribed: queue.SimpleQueue[bool] = queue.SimpleQueue()
    written = traffic.open("wb", buffering=0)

    def take(message: mqtt.MQTTMessage) -> None:
        written.write(message.topic.encode() + b" " + message.payload + b"\n")
        if parse_event_topic(message.topic):
            arrived.put(json.loads(message.payload))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="demo-watcher", protocol=mqtt.MQTTv5)
    client.tls_set(str(identity / "ca.crt"), str(identity / "watcher.crt"), str(identity / "watcher.key"))
    client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}/#", qos=1)
    client.on_subscribe = lambda *_: subscribed.put(True)  # noqa: FBT003
    client.on_message = lambda _client, _data, message: take(message)
    try:
        client.connect("127.0.0.1", port, keepalive=KEEPALIVE_S)
        client.loop_start()
        subscribed.get(timeout=CONNECT_S)
    except (OSError, queue.Empty) as error:
        client.loop_stop()
        written.close()
        raise ContactError(f"the demo's watcher reaches no broker: {error}") from None
    try:
        yield arrived
    finally:
        client.disconnect()
        client.loop_stop()
        written.close()
