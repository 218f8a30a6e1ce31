"""A subscriber at each broker that tests start: whatever goes over the wire there must be as the contract says.

It only listens while the test runs, and judges when the broker ends, so that it takes nothing of a busy test's time. It hears at
QoS 0: a broker that is killed may keep the last messages from it, and nothing is held up by it. A bench has none.
"""

from __future__ import annotations

import os
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.contract.channels import channel_of
from tests.contract.reading import violations
from tests.contract.stand_ins import made_up_by

HOST = "127.0.0.1"
CLIENT_ID = "witness"
WITHIN_S = 10.0
TOLD_MAX = 10
CURRENT = "PYTEST_CURRENT_TEST"
"""pytest keeps the test's name there, and nobody else does."""
BARRIER = "nothing/is/said/here"
"""Its subscription is answered after all that was said before."""


def is_wanted() -> bool:
    return CURRENT in os.environ


@dataclass(frozen=True, slots=True)
class Said:
    """One message as it came, with what MQTT 5 tells beside it."""

    topic: str
    payload: bytes
    retained: bool
    content_type: str | None


class Witness:
    """Listens from its making on, to all that the broker lets whoever has ``certificate`` read."""

    def __init__(self, port: int, certificate: Path, key: Path) -> None:
        self.said: list[Said] = []
        self._answers = 0
        self._changed = threading.Condition()
        self._client = client = Client(CallbackAPIVersion.VERSION2, client_id=CLIENT_ID, protocol=MQTTProtocolVersion.MQTTv5)
        client.tls_set_context(_tls(certificate, key))
        client.on_message = lambda _client, _data, message: self.said.append(_said(message))
        client.on_subscribe = lambda *_: self._answered()
        client.connect(HOST, port)
        client.loop_start()
        self._subscribe("#")

    def catch_up(self) -> None:
        """Until all is here that the broker has taken so far."""
        if self._client.is_connected():
            self._subscribe(BARRIER)

    def close(self) -> list[str]:
        """What broke the contract; see ``stand_ins`` for what a test may make up."""
        self._client.disconnect()
        self._client.loop_stop()
        made_up = made_up_by(os.environ.get(CURRENT, ""))
        return [each for said in dict.fromkeys(self.said) if _channel(said.topic) not in made_up for each in judged(said)]

    def _subscribe(self, topic: str) -> None:
        expected = self._answers + 1
        self._client.subscribe(topic, options=SubscribeOptions(qos=0, retainAsPublished=True))
        with self._changed:
            self._changed.wait_for(lambda: self._answers >= expected, WITHIN_S)

    def _answered(self) -> None:
        with self._changed:
            self._answers += 1
            self._changed.notify_all()


def _tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """Whose broker it is does not matter: some tests start one with a certificate that nobody should believe."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(certificate, key)
    return context


def judged(said: Said) -> list[str]:
    """What of ``said`` breaks the contract: the payload, and how it was published."""
    found = channel_of(said.topic)
    if found is None:
        return violations(said.topic, said.payload)
    channel, _ = found
    if channel.retained and not said.payload:  # takes back what the broker keeps
        return []
    wrong = violations(said.topic, said.payload)
    if said.retained != channel.retained:
        wrong.append(f"{said.topic}: {'' if said.retained else 'not '}retained")
    if said.content_type is not None and said.content_type not in {each.content_type for each in channel.messages.values()}:
        wrong.append(f"{said.topic}: content type {said.content_type}")
    return wrong


def report(wrong: list[str]) -> str:
    """The first of ``wrong``, and what to do."""
    lines = [*wrong[:TOLD_MAX], *([f"and {len(wrong) - TOLD_MAX} more"] if len(wrong) > TOLD_MAX else [])]
    hint = "mend the message or docs/schemas; where a test makes a message up on purpose, tests/contract/stand_ins.py says so"
    return "\n".join(["messages that the contract does not allow:", *lines, hint])


def _channel(topic: str) -> str:
    found = channel_of(topic)
    return found[0].name if found else "else"


def _said(message: MQTTMessage) -> Said:
    return Said(message.topic, bytes(message.payload), message.retain, getattr(message.properties, "ContentType", None))
