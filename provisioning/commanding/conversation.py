"""One conversation with one gate, through the broker: something is sent, and the gate's answer is waited for.

One thread; nothing happens between two calls. Every wait has an end.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.commands.asking import decode_reply, reply_topic
from device.errors import ContactError, VerificationError
from device.events import shallow_json
from device.events.topics import Topics
from device.settings import Protocol
from provisioning.commanding.settings import CommandSettings
from provisioning.mtls import client_context

CONNECT_WITHIN_S = ANSWER_WITHIN_S = 10.0
ASK_AGAIN_S = 0.5
KEEPALIVE_S = 30
TURN_S = 0.1
AWAY = {"disconnected": "it has said goodbye", "lost": "nobody has heard of it since"}
"""What the broker keeps as the state of a gate that is not there."""
ACCESS = "has the broker's access list this name? see [clients] commands in broker.toml, and `qrgate-provision broker`"
ENDED = "is the certificate in tls/ still good? It lasts 395 days: `qrgate-provision command-key --renew`"
VERSIONS = {Protocol.MQTT_5: mqtt.MQTTv5, Protocol.MQTT_3_1_1: mqtt.MQTTv311}


class Conversation:
    """With the gate of ``topics``, for as long as it is entered."""

    def __init__(self, settings: CommandSettings, topics: Topics, *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        """Raises VerificationError where the TLS files cannot be used."""
        self._broker = settings.broker
        self._topics = topics
        self._answer_within_s = answer_within_s
        self._connected = False
        self._refusal = ""
        self._state = b""
        self._owed: set[int] = set()
        self._heard: list[tuple[str, bytes]] = []
        self._client = client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=settings.identity.id, protocol=VERSIONS[settings.broker.protocol], reconnect_on_failure=False
        )
        client.tls_set_context(client_context(settings.broker, whose=settings.identity.id, hint="see [broker] in command.toml"))
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
            where = f"{self._broker.host} port {self._broker.port}"
            if isinstance(error, ssl.SSLCertVerificationError):
                hint = "`host` in command.toml must be a name in the broker's certificate, and tls/ca.crt that of the province"
                raise ContactError(f"the broker at {where} is not believed: {error.verify_message}", hint=hint) from error
            why = getattr(error, "strerror", None) or error
            raise ContactError(f"no connection to {where}: {why}", hint="does the broker run there? see [broker] in command.toml") from error
        self._until(lambda: self._connected, CONNECT_WITHIN_S, self._silent_broker)
        for topic in (self._topics.said("reply/+"), self._topics.state):
            self._owe(self._client.subscribe(topic, qos=1)[1])
        self._until(lambda: not self._owed, CONNECT_WITHIN_S, self._silent_broker)
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
        self._owe(sent.mid)
        self._until(lambda: not self._owed, self._answer_within_s, self._silent_broker)

    def answer(self, id_: bytes, *, ask: Callable[[], None] | None = None) -> dict[str, Any]:
        """The gate's next answer under ``id_``. Until it comes, ``ask`` is done again from time to time: where others flood a gate with
        questions, it answers one of many.

        Raises:
            ContactError: none came.
        """
        wanted, limit_s = self._topics.said(reply_topic(id_)), time.monotonic() + self._answer_within_s

        def heard() -> bool:
            return any(topic == wanted for topic, _ in self._heard)

        while not self._waited(heard, min(ASK_AGAIN_S, self._answer_within_s)):
            if time.monotonic() > limit_s:
                raise self._silent_gate()
            if ask is not None:
                ask()
        at = next(at for at, (topic, _) in enumerate(self._heard) if topic == wanted)
        try:
            return decode_reply(self._heard.pop(at)[1])
        except VerificationError as error:
            raise ContactError(f"what came for gate {self._topics.gate} is no answer: {error.what}", hint="who owns the broker?") from None

    def _owe(self, mid: int | None) -> None:
        if mid is not None:
            self._owed.add(mid)

    def _until(self, done: Callable[[], bool], within_s: float, otherwise: Callable[[], ContactError]) -> None:
        if not self._waited(done, within_s):
            raise otherwise()

    def _waited(self, done: Callable[[], bool], within_s: float) -> bool:
        """Was it ``done`` within the time? Raises ContactError: it cannot be any more."""
        limit_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > limit_s:
                return False
            with _told():
                code = self._client.loop(TURN_S)
            if self._refusal:
                raise ContactError(f"the broker refuses: {self._refusal}", hint=ACCESS)
            if code != mqtt.MQTT_ERR_SUCCESS:
                raise ContactError(f"the connection to the broker ended: {mqtt.error_string(code)}", hint=ENDED)
        return True

    def _silent_broker(self) -> ContactError:
        return ContactError("the broker does not answer", hint="does a broker with TLS run there? see [broker] in command.toml")

    def _silent_gate(self) -> ContactError:
        """Nobody has answered in the gate's name. What the broker keeps as its state tells why, as far as one can know."""
        topics, state = self._topics, _state_in(self._state)
        if not self._state:
            return ContactError(
                f"the broker knows no gate {topics.gate} at site {topics.site}", hint="ids as in its site.toml; or it was never connected yet"
            )
        if state in AWAY:
            return ContactError(
                f"gate {topics.gate} is away: {AWAY[state]}", hint="is it on, and has it a network? It records meanwhile, and sends it later"
            )
        return ContactError(f"gate {topics.gate} is there and does not answer", hint=f"once more; if it stays silent: {ACCESS}")

    # --- paho's callbacks: they note and return ---------------------------------------------------------------

    def _on_connect(self, _client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _more: Properties | None) -> None:
        self._connected = not code.is_failure
        self._refusal = str(code) if code.is_failure else ""

    def _on_subscribe(self, _client: mqtt.Client, _data: object, mid: int, codes: list[ReasonCode], _more: Properties | None) -> None:
        self._owed.discard(mid)
        self._refusal = ", ".join(str(code) for code in codes if code.is_failure) or self._refusal

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == self._topics.state:
            self._state = bytes(message.payload)
        else:
            self._heard.append((message.topic, bytes(message.payload)))

    def _on_publish(self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _more: Properties | None) -> None:
        self._owed.discard(mid)
        self._refusal = str(code) if code.is_failure else self._refusal


def _state_in(body: bytes) -> str:
    """The word in a gate's state, which anybody may have written who owns the broker; empty where there is none."""
    with suppress(ValueError, LookupError, TypeError):
        return str(shallow_json.parse(body)["state"])
    return ""


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ContactError(f"the connection to the broker broke: {error.strerror or error}", hint=ENDED) from error
