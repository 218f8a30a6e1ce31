"""A contract that lets everything through would prove nothing: each mistake is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from device.commands import asking, chunk, deeds, signed_time
from device.commands.asking import Ask
from device.commands.chunk import Chunk
from device.commands.signed_time import Question
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.settings import Broker
from device.uplink import discovery
from tests.contract import schemas
from tests.contract.examples import BOOT, EPOCH, KEY, TOPICS, events, messages
from tests.contract.reading import violations
from tests.device.commands.orders import DEEDS, ordered, signed

Change = Callable[[dict[str, Any]], dict[str, Any]]


def changed(name: str, change: Change) -> tuple[str, bytes]:
    topic, body = messages()[name]
    return topic, json.dumps(change(json.loads(body))).encode()


def in_data(**changes: Any) -> Change:
    return lambda event: event | {"data": event["data"] | changes}


def without(name: str) -> Change:
    return lambda event: {key: value for key, value in event.items() if key != name}


def without_in_data(name: str) -> Change:
    return lambda event: event | {"data": without(name)(event["data"])}


MISTAKES: dict[str, tuple[str, Change, str]] = {
    "a field that nobody knows": ("decision", lambda event: event | {"traceparent": "x"}, "the field 'traceparent' is not in the contract"),
    "a fact that nobody knows": ("decision", in_data(name="x"), "the field 'name' is not in the contract"),
    "a fact within a fact": ("passage", in_data(timing={"opened_ns": 1, "ended_ns": 2, "x_ns": 3}), "the field 'x_ns' is not in the contract"),
    "a reason that nobody knows": ("decision", in_data(reason="bored"), "'bored' is not among the known words"),
    "a trouble that nobody knows": ("health", lambda told: told | {"troubles": [{"trouble": "sad"}]}, "'sad' is not among the known words"),
    "an alarm that nobody knows": ("alarm", in_data(what="ufo"), "'ufo' is not among the known words"),
    "an alarm with another one's facts": ("alarm", in_data(days_left=3), "the field 'days_left' is not in the contract"),
    "a fact that is missing": ("decision", without_in_data("presentation"), "'presentation' is a required property"),
    "neither a credential nor what else": ("decision", without_in_data("credential"), "'shown' is a required property"),
    "a credential of nobody": ("decision", without_in_data("person"), "'person' is a required property"),
    "a number as text": ("decision", in_data(frame="1"), "'1' is not of type 'integer'"),
    "no clock quality": ("audit", without("clockquality"), "'clockquality' is a required property"),
    "a sequence that is a number": ("audit", lambda event: event | {"sequence": 1}, "1 is not of type 'string'"),
    "another type than the topic's": ("alarm", lambda event: event | {"type": "qrgate.audit"}, "type and topic differ"),
    "another gate than the topic's": ("alarm", lambda event: event | {"source": "/gates/g-998"}, "source and topic name different gates"),
    "another sequence than the id's": ("alarm", lambda event: event | {"sequence": f"{9:020d}"}, "id and sequence differ"),
    "no link to the event before": ("alarm", lambda event: event | {"previoushash": ""}, "only the first event of an epoch has none before it"),
    "a schema of tomorrow": ("alarm", lambda event: event | {"dataschema": "urn:qrgate:alarm:2"}, "urn:qrgate:alarm:2 is not in the contract"),
    "a state that is none": ("state", lambda told: told | {"state": "asleep"}, "'asleep' is not among the known words"),
    "a key that is too short": ("state", lambda told: told | {"key": "99"}, "'99' does not match"),
    "an outcome that nobody knows": ("reply", lambda told: told | {"outcome": "maybe"}, "'maybe' is not among the known words"),
    "a challenge without one": ("reply", lambda told: told | {"outcome": "challenge"}, "'boot' is a required property"),
}


@pytest.mark.parametrize(("name", "change", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_of_a_gate_is_found(name: str, change: Change, told: str) -> None:
    assert told in "\n".join(violations(*changed(name, change)))


@pytest.mark.parametrize("payload", [b"", b"\xff{", b"[]", b"1", b"[" * 100_000])
def test_what_is_no_json_object_is_found(payload: bytes) -> None:
    assert [each.startswith(f"{topic}: not ") for topic, _ in messages().values() for each in violations(topic, payload)] == [True] * len(messages())


def test_a_topic_that_the_contract_does_not_know_is_found() -> None:
    assert violations("qg/v1/p-999/s-999/g-999/report/2026-11-20", b"{}") == ["qg/v1/p-999/s-999/g-999/report/2026-11-20: not in the contract"]


# --- CBOR --------------------------------------------------------------------------------------------------------

CONFIRMED = Confirmation(TOPICS.gate, EPOCH, 1, 2, range_digest([b"1", b"2"]))
CBOR: dict[str, tuple[str, bytes]] = {
    "confirmation": (TOPICS.confirmation, sign1(KEY, confirmation.encode(CONFIRMED), context=confirmation.CONTEXT)),
    "question": (TOPICS.command("challenge"), asking.encode_ask(Ask(bytes(16)))),
    "part": (TOPICS.command("chunk"), chunk.encode(Chunk(bytes(16), 0, b"x"))),
    "time": (TOPICS.said("request/time"), signed_time.encode(Question(TOPICS.gate, BOOT, bytes(16)))),
    **{f"order: {name}": (TOPICS.command(deeds.verb_of(deed)), signed(ordered(deed))) for name, deed in DEEDS.items()},
}


@pytest.mark.parametrize(("topic", "payload"), CBOR.values(), ids=CBOR.keys())
def test_what_is_cbor_is_read_and_what_is_none_is_found(topic: str, payload: bytes) -> None:
    assert violations(topic, payload) == []
    assert [len(violations(topic, wrong)) for wrong in (b"", b"{}", payload[:-1] if "chunk" not in topic else bytes(20), b"\xa0")] == [1, 1, 1, 1]


def test_a_confirmation_for_another_gate_than_its_topic_says_is_found() -> None:
    topic, payload = CBOR["confirmation"]
    elsewhere = topic.replace(TOPICS.gate, "g-998")
    assert violations(elsewhere, payload) == [f"{elsewhere}: for another gate than the topic says"]


# --- what other people's libraries read ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", events())
def test_each_event_is_one_that_a_cloudevents_library_reads_and_writes_again(kind: str) -> None:
    body = json.loads(events()[kind])
    event = JSONFormat().read(CloudEvent, events()[kind])
    assert (event.get_type(), event.get_source(), event.get_data()) == (f"qrgate.{kind}", "/gates/g-999", body["data"])
    assert event.get_time() == datetime(2026, 11, 20, 1, 0, 0, 123_000, tzinfo=UTC)
    extensions = ("sequence", "epoch", "bootid", "clockquality", "previoushash")
    assert {name: event.get_extension(name) for name in extensions} == {name: body[name] for name in extensions}
    again = json.loads(JSONFormat().write(event))
    assert {name: value for name, value in again.items() if name != "time"} == {name: value for name, value in body.items() if name != "time"}


NOWHERE = Path("nowhere")
BROKER = Broker(host="mqtt.example.org", ca_file=NOWHERE, certificate_file=NOWHERE, key_file=NOWHERE)


def test_home_assistant_is_told_what_it_documents() -> None:
    topic, payload = discovery.message(TOPICS, BROKER, "1.0.0")
    assert (topic, violations(topic, payload)) == ("homeassistant/device/g-999/config", [])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("device",), {"name": "nobody"}),
        (("origin",), {}),
        (("components",), {}),
        (("components", "problem", "platform"), "problem"),
        (("components", "problem", "unique_id"), 1),
        (("components", "problem", "device_class"), "sadness"),
        (("components", "problem", "state_topic"), "qg/v1/#"),
        (("components", "decision", "event_types"), []),
    ],
)
def test_home_assistant_would_not_take_anything(place: tuple[str, ...], value: Any) -> None:
    _, payload = discovery.message(TOPICS, BROKER, "1.0.0")
    told: dict[str, Any] = json.loads(payload)
    node = told
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    assert schemas.violations("home-assistant", told, strict=False) != []
