"""All that goes through the broker, as its watcher hears it: topics, payloads and every property."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

SUBSCRIBED_S = 10.0


class Traffic:
    """Written to ``file`` as it comes; ``bodies`` are the events by sequence."""

    def __init__(self, port: int, identity: Path, file: Path) -> None:
        self.bodies: dict[int, bytes] = {}
        self.messages = 0
        self._changed = threading.Condition()
        self._subscribed = False
        self._written = file.open("wb", buffering=0)
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="canary-watcher", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.tls_set(str(identity / "ca.crt"), str(identity / "watcher.crt"), str(identity / "watcher.key"))
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._note(lambda: setattr(self, "_subscribed", True))
        self._client.on_message = lambda _client, _data, message: self._take(message)
        self._port = port

    def __enter__(self) -> Self:
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        self.wait(lambda: self._subscribed, SUBSCRIBED_S, "no subscription")
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._written.close()

    def wait(self, done: Callable[[], bool], within_s: float, otherwise: str) -> None:
        with self._changed:
            assert self._changed.wait_for(done, within_s), f"{otherwise} within {within_s:.0f} s, after {self.messages} messages"

    def audits(self, what: str) -> int:
        """How many events tell ``what`` of the gate itself."""
        return sum(json.loads(body)["data"].get("what") == what for body in list(self.bodies.values()))

    def _take(self, message: MQTTMessage) -> None:
        self._written.write(message.topic.encode() + b"\n" + message.payload + b"\n" + repr(vars(message.properties)).encode() + b"\n")
        self._note(lambda: self._keep(message))

    def _keep(self, message: MQTTMessage) -> None:
        self.messages += 1
        if "/event/" in message.topic:
            self.bodies[int(json.loads(message.payload)["sequence"])] = bytes(message.payload)

    def _note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()
