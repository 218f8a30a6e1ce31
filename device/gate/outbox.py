"""The gate's side of delivery: gives unconfirmed events to the uplink, and believes only signed confirmations.

The uplink is a stranger with good manners: whatever it asks or claims, in any order, it erases nothing, opens nothing and stalls nothing.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.domain import EventType
from device.errors import LinkError, StoreError, VerificationError
from device.events import confirmation
from device.events.confirmation import Confirmation
from device.events.cose import verify1
from device.events.topics import Topics
from device.gate.store import Store
from device.links import Again, BrokerState, Events, Give, Health, Hello, Lane, Link, Message, Received, Refused, Say
from device.seldom import Seldom

log = logging.getLogger("qrgate.gate")

GIVE_MAX = 100
"""Events in one answer."""

REFUSED_MAX = 100
"""Events that the broker will never take: a captured uplink must not fill the store with alarms, nor turn it into voids."""

UNFIT_MAX = 1000
"""Confirmations that did not fit and are not read again: a few days' of a recorder that is at odds with this gate."""

VERB = re.compile(r"[a-z-]{1,32}")


class Outbox:
    def __init__(  # noqa: PLR0913 - the composition root hands everything in, once
        self,
        store: Store,
        topics: Topics,
        recorder: Ed25519PublicKey | None,
        *,
        boot: str,
        key: bytes,
        head: Callable[[], bytes],
        alarm: Callable[[EventType, dict[str, Any]], None],
        void: Callable[[int, str], bool],
        commands: Callable[[str, bytes], None],
        broker: Callable[[bool], None] = lambda _connected: None,
        health: Callable[[], bytes] | None = None,
        confirmed: Callable[[], object] = lambda: None,
    ) -> None:
        """Without a ``recorder`` no confirmation is believed.

        ``key`` is the public half of the gate's own, ``head`` its signed word on where the chain ends now. ``void`` puts a signed
        void in the place of an event, with the reason, if it may (StoreError). ``commands`` takes the verb and bytes of what came on
        the commands' topics, unproven. ``broker`` is told whether there is a session with the broker; ``health`` is how the gate
        is, for an uplink that has just come. ``confirmed`` hears of each confirmation that let events go.
        """
        self._store = store
        self._topics = topics
        self._recorder = recorder
        self._boot = boot
        self._key = key
        self._head = head
        self._alarm = alarm
        self._void = void
        self._commands = commands
        self._broker = broker
        self._health = health
        self._when_confirmed = confirmed
        self._link: Link | None = None
        self._wanted: dict[Lane, Give] = {}
        self._connected: bool | None = None
        self._refused: dict[int, bool] = {}  # whether a void was put in this place
        self._unfit: dict[bytes, None] = {}  # hashes, the oldest first
        self._seldom = Seldom(log)

    def connected(self, link: Link) -> None:
        """A new uplink. Raises LinkError."""
        self._link = link
        self._wanted.clear()
        self._greet(link)
        if self._health is not None:
            link.send(Health(self._health()))

    def lost(self) -> None:
        self._link = None
        self._wanted.clear()
        self._at_broker(connected=False)  # without an uplink there is none

    def take(self, message: Message) -> None:
        """What the uplink says. Raises LinkError."""
        match message:
            case Give(lane):
                self._wanted[lane] = message
                self.serve()
            case Received(topic, payload):
                self._received(topic, payload)
            case BrokerState(connected):
                self._at_broker(connected=connected)
                if not connected and self._link is not None:
                    self._greet(self._link)
            case Refused(sequence, code):
                self._refuse(sequence, code)
            case _:
                self._seldom.warning("the uplink sent a %r message, which is not its to send", message.NAME)

    def serve(self) -> None:
        """Answer what the uplink has asked: the backlog's question at once, the live lane's when there is an event. With each
        commit and with each turn. Raises LinkError.
        """
        for lane in Lane:  # the live lane first
            if self._link is not None and lane in self._wanted:
                self._answer(self._link, self._wanted[lane])

    def say(self, topic: str, body: bytes) -> bool:
        """Publish ``body`` below the gate's own prefix, once (``links.Say``). False: it cannot be sent now, and is dropped."""
        return self._tell(Say(topic, body))

    def again(self, first: int, last: int) -> bool:
        """Send these events once more, those that are still here. False: that cannot be told now, and whoever asked must ask again.

        Originals may be back in their places by now.
        """
        self._refused |= {sequence: False for sequence in self._refused if first <= sequence <= last}
        self._unfit.clear()
        return self._tell(Again(first, last))

    # --- to the uplink -----------------------------------------------------------------------------------------

    def _greet(self, link: Link) -> None:
        link.send(Hello(self._boot, self._store.epoch, self._store.last_sequence, self._key, self._head()))

    def _answer(self, link: Link, give: Give) -> None:
        try:
            events = self._store.events_after(give.after, max(min(give.limit, GIVE_MAX), 0))
        except StoreError as error:  # what was committed stays committed: the next turn serves again
            self._seldom.error("events cannot be read now: %s", error)
            return
        if (events or give.lane is Lane.BACKLOG) and link.send(Events(give.lane, events)):
            del self._wanted[give.lane]

    def _tell(self, message: Say | Again) -> bool:
        try:
            return self._link is not None and self._link.send(message)
        except LinkError as error:  # a link that broke is found so, and closed, when it is read next
            self._seldom.warning("the uplink could not be told: %s", error.what)
            return False

    # --- from the uplink ---------------------------------------------------------------------------------------

    def _at_broker(self, *, connected: bool) -> None:
        if connected is not self._connected:
            self._connected = connected
            self._seldom.info("the uplink has a session with the broker" if connected else "the uplink has no broker")
            self._broker(connected)

    def _received(self, topic: str, payload: bytes) -> None:
        """Bytes from the network: a captured broker or uplink can put anything here."""
        verb = topic.removeprefix(self._topics.command(""))
        if topic == self._topics.confirmation:
            self._confirmed(payload)
        elif verb != topic and VERB.fullmatch(verb):
            self._commands(verb, payload)
        else:
            self._seldom.warning("a message on a topic that this version does not serve was ignored")

    def _confirmed(self, payload: bytes) -> None:
        """One that did not fit is not reckoned through again, however often it is played, before something else stands in the store."""
        hash_ = hashlib.sha256(payload).digest()
        if hash_ in self._unfit or (word := self._word(payload)) is None:
            return
        try:
            if self._store.confirm(word):
                self._when_confirmed()
        except VerificationError as error:
            self._seldom.warning("a confirmation was not believed: %s", error.what)
            self._unfit[hash_] = None
            if len(self._unfit) > UNFIT_MAX:
                del self._unfit[next(iter(self._unfit))]
        except StoreError as error:
            self._seldom.warning("a confirmation could not be carried out, the recorder will be asked again: %s", error)

    def _word(self, payload: bytes) -> Confirmation | None:
        """What the recorder has signed."""
        if self._recorder is None:
            return None
        try:
            return confirmation.decode(verify1(payload, self._recorder, context=confirmation.CONTEXT))
        except VerificationError as error:
            self._seldom.warning("a confirmation was not believed: %s", error.what)
            return None

    def _refuse(self, sequence: int, code: int) -> None:
        """The broker will never take this event: a void goes in its place, the original stays here, and somebody has to know.

        One that cannot be made void stays where it is, and the uplink comes with it again. Of each there is one alarm.
        """
        is_new = sequence not in self._refused
        if self._refused.get(sequence) or (is_new and len(self._refused) >= REFUSED_MAX):
            return
        self._refused[sequence] = self._is_void_now(sequence, code)
        if is_new:
            self._alarm(EventType.ALARM, {"what": "refused_by_broker", "sequence": sequence, "code": code})

    def _is_void_now(self, sequence: int, code: int) -> bool:
        try:
            is_void = self._void(sequence, f"refused_{code}")
        except StoreError as error:
            self._seldom.error("event %d could not be made void: %s", sequence, error)
            return False
        if is_void:
            self._unfit.clear()
        return is_void
