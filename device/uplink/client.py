"""One connection with the broker, from dialling to its loss, by a paho client that is used once and thrown away.

paho is driven from the main loop (no thread of its own), because its thread can hang, die unseen and deadlock
with publish (paho 177, 354, 531, 636, 891). Its callbacks only note what came; all deeds are done after it returned.
A new client each time, because an old one sends again what it kept, whatever the window (paho 492).
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.exception import MQTTException
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.errors import ContactError
from device.events.topics import Topics
from device.links import Hello
from device.settings import Settings
from device.uplink import packets, presence, tls
from device.uplink.actions import Publish, Tell
from device.uplink.dial import Dial
from device.uplink.inbox import Inbox, Letter
from device.uplink.presence import State
from device.uplink.timing import Timing
from device.uplink.versions import Version

NS = 1_000_000_000
WINDOW_MAX = 20
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AssertionError, struct.error, MQTTException)
"""What paho raises for packets that break the rules of MQTT; a plain error of its own it has for a few of them only."""


class SessionError(ContactError):
    """The connection is over. ``code`` is the broker's reason where it gave one (MQTT 5 reason code)."""

    def __init__(self, what: str, *, hint: str = "", code: int | None = None) -> None:
        super().__init__(what, hint=hint)
        self.code = code


class Phase(Enum):
    DIALLING = auto()
    GREETING = auto()  # CONNECT is sent
    INTRODUCING = auto()  # subscriptions and birth message are sent
    READY = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The broker's answer to one publish: PUBACK and its reason code."""

    mid: int
    code: int


class Session:
    """Call ``step`` often; it raises SessionError when the connection is over, whatever the cause."""

    def __init__(self, settings: Settings, hello: Hello, timing: Timing, now_ns: int) -> None:
        """Starts dialling. Raises SettingsError where the certificate files cannot be used."""
        self.hello = hello  # the newest until the birth message is sent
        self.phase = Phase.DIALLING
        self.window = 0
        self.inbox = Inbox()
        self.outcomes: deque[Outcome] = deque()
        self._settings = settings
        self._version = Version(settings.broker.protocol)
        self._timing = timing
        self._topics = Topics(settings.site.province, settings.site.site, settings.site.gate)
        self._deadline_ns = now_ns + int(timing.dial_s * NS)
        self._packet_max: int | None = None
        self._unanswered: set[int] = set()  # packet identifiers of publishes without PUBACK
        self._unwanted: deque[tuple[int, int]] = deque()  # packet identifier and QoS of messages that were dropped
        self._welcome: set[int] = set()  # … of what must be answered before the session is ready
        self._connack: tuple[ReasonCode, Properties | None] | None = None
        self._lost: SessionError | None = None
        self._client = self._new_client()
        self._dial = Dial(self._connect)

    # --- the main loop's side ----------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        return self.phase is Phase.READY

    @property
    def room(self) -> int:
        """Publishes that may be handed over now."""
        return self.window - len(self._unanswered)

    def fileno(self) -> int:
        """What to poll for reading; -1 where there is nothing."""
        if self.phase is Phase.DIALLING:
            return self._dial.fileno()
        connection: Any = self._client.socket()
        return connection.fileno() if connection else -1

    def wants_write(self) -> bool:
        return self.phase is not Phase.DIALLING and self._client.want_write()

    def holds_bytes(self) -> bool:
        """TLS has bytes that no poll on the socket shows."""
        connection: Any = self._client.socket() if self.phase is not Phase.DIALLING else None
        return bool(connection and connection.pending())

    def step(self, now_ns: int) -> None:
        """Read, write, and go on to the next phase. Never waits.

        Raises:
            SessionError: the connection is over.
            ContactError: dialling hangs, which only a new process can end.
        """
        if self.phase is Phase.DIALLING:
            if not self._dial.ended:
                if now_ns >= self._deadline_ns:
                    raise ContactError(f"dialling the broker hangs since {self._timing.dial_s:.0f} s", hint="check broker.host and the name server")
                return
            self._dialled(now_ns)
        self._paho_loop()
        self._acknowledge_unwanted()
        if self.phase is Phase.GREETING and self._connack:
            self._introduce(*self._connack)
        if self.phase is Phase.INTRODUCING and not self._welcome:
            self.phase = Phase.READY
            self.outcomes.clear()  # the birth message's
        if not self.ready and now_ns >= self._deadline_ns:
            raise SessionError("the broker answers TLS and then nothing", hint=f"does it speak {self._version.name}?")

    def publish(self, publish: Publish) -> int | None:
        """Send an event; its packet identifier, or ``None`` where the broker said that it takes no packet of this size."""
        event = publish.event
        return self._publish_what_fits(self._topics.event(event.type), event.body, packets.REPLAYED if publish.replayed else packets.EVENT)

    def tell(self, tell: Tell) -> int | None:
        """The same for what is no event."""
        return self._publish_what_fits(tell.topic, tell.body, packets.STATE if tell.retained else packets.SAYING, retain=tell.retained)

    def hand_over(self, take: Callable[[Letter], bool]) -> bool:
        """Give what came to ``take``. True if something of it came on the confirmations' topic."""
        taken = self.inbox.hand_over(take, lambda letter: self._acknowledge(letter.mid, letter.qos))
        return any(letter.topic == self._topics.confirmation for letter in taken)

    def say_goodbye(self) -> None:
        """Tell the broker that this gate stops in good order; needs ``room``."""
        self._publish(self._topics.state, presence.body(State.DISCONNECTED, self._settings.site.gate, self.hello), packets.STATE, retain=True)

    @property
    def all_answered(self) -> bool:
        return not self._unanswered

    def close(self, *, orderly: bool = False) -> None:
        """Hang up: in good order, so that the broker forgets the will; else as a broken line does, so that it does not."""
        if self.phase is Phase.DIALLING:
            self._dial.close()
            return
        self._client.on_disconnect = None
        if orderly:
            self._client.disconnect()
        connection: Any = self._client.socket()
        if connection:
            connection.close()

    # --- the steps of a connection -----------------------------------------------------------------------------

    def _new_client(self) -> Client:
        client = self._version.client(self._settings.site.gate)
        client.tls_set_context(tls.context(self._settings.broker))
        client.connect_timeout = self._timing.connect_s
        client.max_queued_messages_set(WINDOW_MAX)  # a second lock on the window
        will = presence.body(State.LOST, self._settings.site.gate, self.hello)
        client.will_set(self._topics.state, will, qos=1, retain=True, properties=self._version.properties(packets.WILL))
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self) -> None:
        """In the dial's thread."""
        broker = self._settings.broker
        self._version.connect(self._client, broker.host, broker.port, self._timing.keepalive_s)

    def _dialled(self, now_ns: int) -> None:
        try:
            self._dial.result()
        except (OSError, ValueError) as error:
            cause = tls.explained(error, self._settings.broker)
            raise SessionError(cause.what, hint=cause.hint) from None
        connection: Any = self._client.socket()
        if connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # Nagle holds back small packets, up to 45 ms a window
        self.phase = Phase.GREETING
        self._deadline_ns = now_ns + int(self._timing.welcome_s * NS)

    def _paho_loop(self) -> None:
        """Read, write and keep alive by paho's own parts: its ``loop`` would wake itself through a socket for each publish."""
        client = self._client
        try:
            result = client.loop_read()
            if result is MQTTErrorCode.MQTT_ERR_SUCCESS and client.want_write():
                result = client.loop_write()
            if result is MQTTErrorCode.MQTT_ERR_SUCCESS:
                result = client.loop_misc()
        except UNREADABLE as error:
            raise SessionError(f"the broker sent what paho cannot read: {type(error).__name__}", code=packets.MALFORMED) from None
        if result is MQTTErrorCode.MQTT_ERR_PROTOCOL:
            raise SessionError("the broker broke the rules of MQTT", code=packets.MALFORMED)
        if self._lost or result is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._broken(result)

    def _introduce(self, reason: ReasonCode, granted: Properties | None) -> None:
        """After CONNACK: take the broker's limits, subscribe, and publish the birth message."""
        if reason.is_failure:
            raise SessionError(f"the broker refuses this gate: {reason}", hint="does its access list know the gate's certificate?", code=reason.value)
        if getattr(granted, "MaximumQoS", 1) < 1:
            raise SessionError("the broker offers no QoS 1", hint="events need a broker that acknowledges")
        self.window = min(WINDOW_MAX, getattr(granted, "ReceiveMaximum", WINDOW_MAX))
        self._packet_max = getattr(granted, "MaximumPacketSize", None)
        self.phase = Phase.INTRODUCING
        result, mid = self._client.subscribe([(self._topics.confirmation, 1), (self._topics.commands, 1)])
        if result is not MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise self._broken(result)
        birth = presence.body(State.READY, self._settings.site.gate, self.hello)
        self._welcome = {mid, self._publish(self._topics.state, birth, packets.STATE, retain=True)}

    def _publish_what_fits(self, topic: str, body: bytes, properties: Properties, *, retain: bool = False) -> int | None:
        if self._packet_max is not None and packets.publish_size(topic, body, properties) > self._packet_max:
            return None
        return self._publish(topic, body, properties, retain=retain)

    def _publish(self, topic: str, body: bytes, properties: Properties, *, retain: bool) -> int:
        if self.room <= 0:
            raise AssertionError("the window is full: ask `room` first")
        info = self._client.publish(topic, body, qos=1, retain=retain, properties=self._version.properties(properties))
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._broken(info.rc)
        self._unanswered.add(info.mid)
        return info.mid

    def _broken(self, result: int) -> SessionError:
        """Why: in the broker's words if it gave any, else in paho's."""
        words = MQTTErrorCode(result).name.removeprefix("MQTT_ERR_").lower().replace("_", " ")
        return self._lost or SessionError(f"the connection broke: {words}")

    def _acknowledge(self, mid: int, qos: int) -> None:
        self._client.ack(mid, qos)

    def _acknowledge_unwanted(self) -> None:
        """What was dropped would come again with each connection, and fill the few places that the broker has for us."""
        while self._unwanted:
            mid, qos = self._unwanted.popleft()
            self._acknowledge(mid, qos)

    # --- paho's callbacks: they note, and do nothing ------------------------------------------------------------

    def _on_connect(self, _client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
        self._connack = (reason, properties)

    def _on_subscribe(self, _client: Client, _userdata: Any, mid: int, reasons: list[ReasonCode], _properties: Properties | None) -> None:
        refused = [reason for reason in reasons if reason.is_failure]
        if refused:
            self._lost = SessionError(f"the broker refuses a subscription: {refused[0]}", hint="may this gate read its ack and cmd topics?")
        self._welcome.discard(mid)

    def _on_publish(self, _client: Client, _userdata: Any, mid: int, reason: ReasonCode, _properties: Properties | None) -> None:
        self._unanswered.discard(mid)
        if mid in self._welcome and reason.is_failure:
            self._lost = SessionError(f"the broker refuses the birth message: {reason}", hint="may this gate write its state topic?")
        self._welcome.discard(mid)
        self.outcomes.append(Outcome(mid, reason.value))

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        if self.inbox.put(Letter(message.mid, message.qos, message.topic, bytes(message.payload))):
            return
        if self._version.agrees_on_limits:
            self._lost = SessionError("the broker sends more than was agreed", hint="it must keep to Receive Maximum and Maximum Packet Size")
        else:
            self._unwanted.append((message.mid, message.qos))

    def _on_disconnect(self, _client: Client, _userdata: Any, flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None) -> None:
        if self._lost:
            return  # paho may call twice (870)
        if flags.is_disconnect_packet_from_server:
            self._lost = SessionError(f"the broker ended the session: {reason}", code=reason.value)
        elif self.phase is Phase.GREETING:
            self._lost = SessionError("the broker hung up before it answered", hint="does it accept the gate's certificate?")
        else:
            self._lost = SessionError(f"the connection broke: {reason}")
