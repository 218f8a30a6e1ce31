"""One connection to the broker, in one thread: whoever owns it turns it, and nothing happens between two turns.

paho-mqtt's pitfalls (``domain/mqtt.md``) are met here and nowhere else: a fresh client for each connection, because an old
one resends unasked and beyond the window; no thread of its own, because its threads hang; no publish in a callback, because
that deadlocks; a window of our own, because it ignores the broker's; and the broker's reason code, because it does too.

In MQTT 3.1.1 there are no reasons and no window of ours: the broker's own (RabbitMQ: 10 messages) bounds what comes at once.
"""

from __future__ import annotations

import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.errors import ContactError
from device.events.topics import EVENTS_OF_ALL, REPLIES_OF_ALL, STATES_OF_ALL, TIME_REQUESTS_OF_ALL
from device.settings import Protocol
from provisioning.mtls import client_context
from provisioning.operations.listener import Listener
from provisioning.operations.settings import Broker, RecorderSettings

KEEPALIVE_S = 30
CONNECT_WITHIN_S = 10.0
ANSWER_WITHIN_S = 20.0
"""paho never resends while connected, so a broker that owes an answer for longer is left."""
TURN_S = 0.2
SESSION_EXPIRY_S = 24 * 3600
RECEIVE_MAX = 200
"""Messages that the broker may send before the first is acknowledged: one batch. Between two batches a window of confirmations goes
out, so a greater one would let those wait: measured, 200 is as fast as 500."""
SUBSCRIPTIONS = (EVENTS_OF_ALL, STATES_OF_ALL, TIME_REQUESTS_OF_ALL, REPLIES_OF_ALL)
"""Without the first there is nothing to record; a broker whose access list is older may refuse the others."""
UNREADABLE = (ValueError, LookupError, TypeError, AssertionError, struct.error, MQTTException)
"""What paho raises for packets that break the rules of MQTT; a plain error of its own it has for a few of them only."""
SEND_MAX = 20
FAREWELL_TURNS = 3
PROTOCOLS = {Protocol.MQTT_5: mqtt.MQTTv5, Protocol.MQTT_3_1_1: mqtt.MQTTv311}


def tls_context(broker: Broker) -> ssl.SSLContext:
    """The recorder's. Raises VerificationError."""
    return client_context(broker, whose="the recorder", hint="see [broker] in recorder.toml; were all files copied?")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:  # an SSLError among them: a broker that refuses a certificate says so only after the handshake
        raise ContactError(f"the connection to the broker broke: {error}") from error
    except UNREADABLE as error:
        raise ContactError(
            f"the broker sent what paho cannot read: {type(error).__name__}", hint="is it a broker, and is nothing in between?"
        ) from error


class Connection:
    """A persistent session, subscribed to what all gates say. ``arrived`` holds what is not yet taken; ``turn`` fills it."""

    def __init__(self, settings: RecorderSettings, context: ssl.SSLContext, warn: Callable[[str, str], object]) -> None:
        """``warn`` is told a kind and a line for the log; it may leave out what comes too often."""
        self.arrived: list[mqtt.MQTTMessage] = []
        self.subscribed = False
        self.unacceptable = 0  # events sent at QoS 0, which nobody could acknowledge
        self._warn = warn
        self._broker = settings.broker
        self._refusal = ""
        self._farewell = ""
        self._window = 0
        self._owed: set[int] = set()  # message ids that the broker has not answered
        self._answered_s = time.monotonic()
        self._heard = 0  # packets from the broker that called us back
        self._client = client = Listener(
            CallbackAPIVersion.VERSION2,
            client_id=settings.identity.id,
            protocol=PROTOCOLS[settings.broker.protocol],
            clean_session=False if settings.broker.protocol is Protocol.MQTT_3_1_1 else None,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.tls_set_context(context)
        client.connect_timeout = CONNECT_WITHIN_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect

    def open(self, stopping: threading.Event) -> None:
        """Connect and subscribe; returns early when ``stopping`` is set.

        Raises:
            ContactError: the broker is not there, not the right one, or does not want us.
        """
        try:
            self._client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S, **self._session())
        except (OSError, ValueError) as error:
            raise ContactError(
                f"no connection to {self._broker.host} port {self._broker.port}: {error}", hint="does the broker run, and is its date right?"
            ) from error
        limit_s = time.monotonic() + CONNECT_WITHIN_S
        while not self.subscribed and not stopping.is_set():
            if time.monotonic() > limit_s:
                raise ContactError("the broker does not answer", hint=f"is it a TLS listener of MQTT {self._broker.protocol}?")
            self.turn(TURN_S)

    def _session(self) -> dict[str, Any]:
        """What makes it last. In 3.1.1 the client's ``clean_session`` does, and for how long the broker decides."""
        if self._broker.protocol is Protocol.MQTT_3_1_1:
            return {}
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # the one call that paho leaves untyped
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        properties.ReceiveMaximum = RECEIVE_MAX
        return {"clean_start": False, "properties": properties}

    def turn(self, timeout_s: float) -> None:
        """Read and write what is due, waiting at most ``timeout_s`` for it.

        paho reads one packet each time it has waited; what lies ready behind it is read at once.

        Raises:
            ContactError: the connection ended, or the broker owes an answer for too long.
        """
        with _told():
            code, heard = self._client.loop(timeout_s), -1
            while code == mqtt.MQTT_ERR_SUCCESS and heard != self._heard and len(self.arrived) < RECEIVE_MAX:
                heard, code = self._heard, self._client.loop_read()
        if self._refusal:
            raise ContactError(f"the broker refuses: {self._refusal}", hint="see its log; is this certificate from the right province?")
        if code != mqtt.MQTT_ERR_SUCCESS:
            raise ContactError(f"the connection to the broker ended: {self._farewell or mqtt.error_string(code)}")
        if self._owed and time.monotonic() - self._answered_s > ANSWER_WITHIN_S:
            raise ContactError(f"the broker has not answered for {ANSWER_WITHIN_S:.0f} s")

    @property
    def room(self) -> int:
        """How many more messages the broker takes now."""
        return max(0, self._window - len(self._owed))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand one message over at QoS 1; only while there is ``room``, never from a callback."""
        if not self._owed:
            self._answered_s = time.monotonic()
        with _told():
            sent = self._client.publish(topic, payload, qos=1, retain=retain)
        if sent.rc != mqtt.MQTT_ERR_SUCCESS:
            raise ContactError(f"the connection to the broker ended: {mqtt.error_string(sent.rc)}")
        self._owed.add(sent.mid)

    def take(self, count: int) -> list[mqtt.MQTTMessage]:
        """The oldest ``count`` messages, to be acknowledged when they are safe."""
        taken, self.arrived = self.arrived[:count], self.arrived[count:]
        return taken

    def acknowledge(self, messages: list[mqtt.MQTTMessage]) -> None:
        with _told():
            for message in messages:
                self._client.ack(message.mid, message.qos)

    def close(self) -> None:
        """Say goodbye where there is somebody to say it to; the session stays at the broker."""
        try:
            self._client.disconnect()
            for _ in range(FAREWELL_TURNS):
                if self._client.loop(0) != mqtt.MQTT_ERR_SUCCESS:
                    break
        except OSError:
            return  # it was broken already, which is why it is closed

    # --- paho's callbacks: they note and return ---------------------------------------------------------------

    def _on_connect(self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, properties: Properties | None) -> None:
        if code.is_failure:
            self._refusal = str(code)
            return
        self._window = min(SEND_MAX, getattr(properties, "ReceiveMaximum", SEND_MAX))
        client.subscribe([(topic, 1) for topic in SUBSCRIPTIONS])

    def _on_subscribe(self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None) -> None:
        if len(codes) != len(SUBSCRIPTIONS):
            self._refusal = f"{len(codes)} answers to {len(SUBSCRIPTIONS)} subscriptions"
            return
        events, *others = codes
        self._refusal = str(events) if events.is_failure else ""
        self.subscribed = not self._refusal
        if any(code.is_failure for code in others):
            what = "the broker keeps births, questions or answers from this recorder; write its access list anew: qrgate-provision broker"
            self._warn("subscriptions", what)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._heard += 1
        if message.qos == 0:
            self.unacceptable += 1
        else:
            self.arrived.append(message)

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _properties: Properties | None) -> None:
        self._heard += 1
        self._owed.discard(mid)
        self._answered_s = time.monotonic()
        if code.is_failure:
            self._warn("refused", f"the broker refuses what this recorder says: {code}; does its access list know it?")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: mqtt.DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._farewell = str(code)
