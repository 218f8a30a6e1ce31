"""The uplink's end of a gate on the bench: it asks for every event, and keeps the bytes."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.domain import EventType, StoredEvent
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.links import Events, Give, Hello, Lane, Received
from tests.gates import Gate, wait_message


class Desk:
    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self.link = gate.connect("uplink")
        hello = wait_message(self.link)
        assert isinstance(hello, Hello)
        self.hello = hello
        self.stored: list[StoredEvent] = []

    def ask(self, after: int) -> tuple[StoredEvent, ...]:
        """The next events; waits until there are some."""
        assert self.link.send(Give(Lane.LIVE, after, 100))
        answer = wait_message(self.link)
        assert isinstance(answer, Events)
        return answer.events

    def data(self, kind: EventType, count: int) -> list[dict[str, Any]]:
        """What the first events of ``kind`` say, as soon as there are ``count``: all of them that are known then."""
        while len(found := [json.loads(event.body)["data"] for event in self.stored if event.type is kind]) < count:
            self.stored += self.ask(self.stored[-1].sequence if self.stored else 0)
        return found

    def decisions(self, count: int) -> list[tuple[str, bool, str]]:
        """(presentation, admit, reason) of every decision, as soon as there are ``count``."""
        return [(data["presentation"], data["admit"], data["reason"]) for data in self.data(EventType.DECISION, count)]

    def passages(self, count: int) -> list[tuple[str, str]]:
        """(presentation, outcome) of every passage, as soon as there are ``count``."""
        return [(data["presentation"], data["outcome"]) for data in self.data(EventType.PASSAGE, count)]

    def confirm(self, events: tuple[StoredEvent, ...], key: Ed25519PrivateKey) -> None:
        """Tell the gate that ``events`` are recorded, signed by ``key``."""
        told = Confirmation("g1", self.hello.epoch, events[0].sequence, events[-1].sequence, range_digest(event.body for event in events))
        self.link.send(Received("qg/v1/p1/s1/g1/ack", sign1(key, confirmation.encode(told), context=confirmation.CONTEXT)))

    def close(self) -> None:
        self.link.close()
