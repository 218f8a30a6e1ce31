from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt._packet import decode_publish
from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from provisioning.operations.listener import Listener, read

WORDS = st.text("abcxyzệ0129 ", max_size=30)
REPLAYED = ("replayed", "true")


def packet(topic: bytes, mid: int, user: list[tuple[str, str]], payload: bytes) -> bytes:
    """All of a PUBLISH behind its length, with properties as paho writes them."""
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.ContentType = "application/cloudevents+json"
    if user:
        properties.UserProperty = user
    packed: bytes = properties.pack()  # type: ignore[no-untyped-call]
    return len(topic).to_bytes(2) + topic + mid.to_bytes(2) + packed + payload


@given(
    header=st.sampled_from([0x32, 0x33, 0x3A, 0x3B]),
    topic=st.text(max_size=100),
    mid=st.integers(1, 65_535),
    user=st.lists(st.tuples(WORDS, WORDS), max_size=8),
    payload=st.binary(max_size=300),
)
def test_it_reads_what_paho_reads(header: int, topic: str, mid: int, user: list[tuple[str, str]], payload: bytes) -> None:
    data = packet(topic.encode(), mid, user, payload)
    theirs, ours = decode_publish(header, data, MQTTv5), read(header, data)
    assert ours is not None
    assert (ours.mid, ours._topic, ours.payload, ours.qos, ours.dup, ours.retain) == (
        theirs.mid,
        theirs.topic,
        theirs.payload,
        theirs.qos,
        theirs.dup,
        theirs.retain,
    )


@given(st.binary(max_size=40))
def test_any_bytes_are_a_message_or_none(data: bytes) -> None:
    ours = read(0x32, data)
    assert ours is None or len(ours.payload) < len(data)


@pytest.mark.parametrize("cut", range(40))
def test_what_is_cut_short_before_its_payload_is_left_to_paho(cut: int) -> None:
    data = packet(b"t", 1, [], b"")
    assert (read(0x32, data[:cut]) is None) == (cut < len(data))


def heard(client: Client, header: int, data: bytes) -> list[tuple[Any, ...]]:
    """What a client makes of a packet that has arrived."""
    messages: list[tuple[Any, ...]] = []

    def note(_client: Client, _data: object, message: MQTTMessage) -> None:
        messages.append((message.topic, message.payload, message.qos, message.mid))

    client.on_message = note
    client._in_packet = client._in_packet | {"command": header, "packet": bytearray(data)}
    client._handle_publish()
    return messages


@pytest.mark.parametrize("header", [0x30, 0x32])
def test_a_client_is_told_the_same_by_both(header: int) -> None:
    data = packet(b"qg/v1/p/s/g/event/audit", 7, [REPLAYED], b"{}")
    data = data if header == 0x32 else data[:25] + data[27:]  # no packet id at QoS 0
    said = [heard(kind(CallbackAPIVersion.VERSION2, protocol=MQTTv5, manual_ack=True), header, data) for kind in (Client, Listener)]
    assert said[0] == said[1] != []
