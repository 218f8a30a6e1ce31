"""One conversation with one gate, through the broker: something is sent, and the gate's answer is waited for.

One thread; nothing happens between two calls. Every wait has an end.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.commands.asking import decode_reply, reply_topic
from device.errors import ContactError, VerificationError
from device.events.topics import Topics
from device.settings import Protocol
from provisioning.commanding.settings import CommandSettings

CONNECT_WITHIN_S = ANSWER_WITHIN_S = 10.0
KEEPALIVE_S = 30
TURN_S = 0.1
VERSIONS = {Protocol.MQTT_5: mqtt.MQTTv5, Protocol.MQTT_3_1_1: mqtt.MQTTv311}


class Conversation:
    """With the gate of ``topics``, for as long as it is entered."""

    def __init__(self, settings: CommandSettings, topics: Topics, *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        """Raises VerificationError where the TLS files cannot be used."""
        self._broker = settings.broker
        self._topics = topics
        self._answer_within_s = answer_within_s
        self._connected = self._subscribed = False
        self._refusal = ""
        self._owed: set[int] = set()
        self._heard: list[tuple[str, bytes]] = []
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=settings.identity.id, protocol=VERSIONS[settings.broker.protocol], reconnect_on_failure=False
        )
        client.tls_set_context(_tls(settings))
        client.connect_timeout = CONNECT_WITHIN_S
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish

    def __enter__(self) -> Self:
        """Raises ContactError."""
        try:
            self._client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        except (OSError, ValueError) as error:
            raise ContactError(f"no connection to {self._broker.host} port {self._broker.port}: {error}", hint="does the broker run?") from error
        self._until(lambda: self._connected, CONNECT_WITHIN_S, "the broker does not answer")
        self._client.subscribe(self._topics.said("reply/+"), qos=1)
        self._until(lambda: self._subscribed, CONNECT_WITHIN_S, "the broker does not answer")
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        try:
            self._client.disconnect()
            self._client.loop(0)
        except OSError:
            return  # it was broken already

    def say(self, verb: str, payload: bytes) -> None:
        """Hand a message for the gate to the broker. Raises ContactError."""
        with _told():
            sent = self._client.publish(self._topics.command(verb), payload, qos=1)
        self._owed.add(sent.mid)
        self._until(lambda: sent.mid not in self._owed, self._answer_within_s, "the broker does not answer")

    def answer(self, id_: bytes) -> dict[str, Any]:
        """The gate's next answer under ``id_``. Raises ContactError."""
        wanted = self._topics.said(reply_topic(id_))

        def heard() -> bool:
            return any(topic == wanted for topic, _ in self._heard)

        self._until(heard, self._answer_within_s, f"gate {self._topics.gate} does not answer")
        at = next(at for at, (topic, _) in enumerate(self._heard) if topic == wanted)
        try:
            return decode_reply(self._heard.pop(at)[1])
        except VerificationError as error:
            raise ContactError(f"what came for gate {self._topics.gate} is no answer: {error.what}", hint="who owns the broker?") from None

    def _until(self, done: Callable[[], bool], within_s: float, otherwise: str) -> None:
        limit_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > limit_s:
                raise ContactError(otherwise, hint="is it on, is its id right, and has the broker's access list this name? see [clients] commands")
            with _told():
                code = self._client.loop(TURN_S)
            if self._refusal:
                raise ContactError(
                    f"the broker refuses: {self._refusal}", hint="has its access list this name? see [clients] commands in broker.toml"
                )
            if code != mqtt.MQTT_ERR_SUCCESS:
                raise ContactError(f"the connection to the broker ended: {mqtt.error_string(code)}")

    # --- paho's callbacks: they note and return ---------------------------------------------------------------

    def _on_connect(self, _client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _more: Properties | None) -> None:
        self._connected = not code.is_failure
        self._refusal = str(code) if code.is_failure else ""

    def _on_subscribe(self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _more: Properties | None) -> None:
        self._refusal = ", ".join(str(code) for code in codes if code.is_failure)
        self._subscribed = not self._refusal

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._heard.append((message.topic, bytes(message.payload)))

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _more: Properties | None) -> None:
        self._owed.discard(mid)
        self._refusal = str(code) if code.is_failure else self._refusal


def _tls(settings: CommandSettings) -> ssl.SSLContext:
    broker = settings.broker
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(broker.ca_file))
        context.load_cert_chain(broker.certificate_file, broker.key_file, password=lambda: "")  # else OpenSSL would wait at the terminal
    except (OSError, ValueError) as error:
        raise VerificationError(f"the TLS files of {settings.identity.id} cannot be used: {error}", hint="see [broker] in command.toml") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ContactError(f"the connection to the broker broke: {error}") from error
