"""The gate's side of delivery: gives unconfirmed events to the uplink, and believes only signed confirmations."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.domain import EventType
from device.errors import StoreError, VerificationError
from device.events import confirmation
from device.events.cose import verify1
from device.events.topics import Topics
from device.gate.store import Store
from device.links import BrokerState, Events, Give, Health, Hello, Link, Message, Received, Refused

log = logging.getLogger("qrgate.gate")

GIVE_MAX = 100
"""Events in one answer."""

REFUSED_MAX = 100
"""Alarms about events that the broker will never take: a captured uplink must not fill the store with them."""


class Outbox:
    def __init__(
        self,
        store: Store,
        topics: Topics,
        recorder: Ed25519PublicKey,
        *,
        boot: str,
        alarm: Callable[[EventType, dict[str, Any]], None],
        broker: Callable[[bool], None] = lambda _connected: None,
        health: Callable[[], bytes] | None = None,
    ) -> None:
        """``broker`` is told whether there is a session with the broker; ``health`` is how the gate is, for an uplink that has just come."""
        self._store = store
        self._topics = topics
        self._recorder = recorder
        self._boot = boot
        self._alarm = alarm
        self._broker = broker
        self._health = health
        self._link: Link | None = None
        self._wanted: Give | None = None
        self._refused: set[int] = set()
        self._unreadable = False

    def connected(self, link: Link) -> None:
        """A new uplink. Raises LinkError."""
        self._link, self._wanted = link, None
        link.send(Hello(self._boot, self._store.epoch, self._store.last_sequence))
        if self._health is not None:
            link.send(Health(self._health()))

    def lost(self) -> None:
        self._link = self._wanted = None
        self._broker(False)  # noqa: FBT003 - without an uplink there is none

    def take(self, message: Message) -> None:
        """What the uplink says. Raises LinkError."""
        match message:
            case Give():
                self._wanted = message
                self.serve()
            case Received(topic, payload):
                self._received(topic, payload)
            case BrokerState(connected):
                log.info("the uplink has %s", "a session with the broker" if connected else "no broker")
                self._broker(connected)
            case Refused(sequence, code):
                self._refuse(sequence, code)
            case _:
                log.warning("the uplink sent a %r message, which is not its to send", message.NAME)

    def serve(self) -> None:
        """Answer the uplink's wish if there is something to give: at once, with each commit and with each turn. Raises LinkError."""
        if self._link is None or self._wanted is None:
            return
        try:
            events = self._store.events_after(self._wanted.after, max(min(self._wanted.limit, GIVE_MAX), 0))
        except StoreError as error:  # what was committed stays committed: the next turn serves again
            if not self._unreadable:
                log.error("events cannot be read now: %s", error)
            self._unreadable = True
            return
        self._unreadable = False
        if events and self._link.send(Events(events)):
            self._wanted = None

    def _received(self, topic: str, payload: bytes) -> None:
        """Bytes from the network: a captured broker or uplink can put anything here."""
        if topic != self._topics.confirmation:
            log.warning("a message on a topic that this version does not serve was ignored")
            return
        try:
            confirmed = confirmation.decode(verify1(payload, self._recorder, context=confirmation.CONTEXT))
            self._store.confirm(confirmed)
        except VerificationError as error:
            log.warning("a confirmation was not believed: %s", error.what)
        except StoreError as error:
            log.error("a confirmation could not be carried out, the recorder will be asked again: %s", error)

    def _refuse(self, sequence: int, code: int) -> None:
        """The broker will never take this event: it stays in the store, and somebody has to know."""
        if sequence in self._refused or len(self._refused) >= REFUSED_MAX:
            return
        self._refused.add(sequence)
        self._alarm(EventType.ALARM, {"what": "refused_by_broker", "sequence": sequence, "code": code})
