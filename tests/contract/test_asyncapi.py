"""The description of the interface holds together, and says what the code does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from device.commands import asking, chunk, order, signed_time
from device.commands.deeds import Verb
from device.domain import EventType
from device.events import cose
from device.events.topics import EVENTS_OF_ALL, ROOT, STATES_OF_ALL, TIME_REQUESTS_OF_ALL, Topics
from device.uplink import packets
from device.uplink.inbox import PACKET_MAX, RECEIVE_MAX
from device.uplink.timing import Timing
from provisioning.broker import rights
from provisioning.broker.rights import Rights
from tests.contract import schemas
from tests.contract.channels import Channel, channel_of, channels, document, resolved

TOPICS = Topics("p-999", "s-999", "g-999")
OF_GATE: dict[str, list[str]] = {
    "event": [TOPICS.event(kind) for kind in EventType],
    "state": [TOPICS.state],
    "health": [TOPICS.health],
    "confirmation": [TOPICS.confirmation],
    "note": [TOPICS.note],
    "command": [TOPICS.command("open")],
    "reply": [TOPICS.said("reply/999")],
    "time": [TOPICS.said("request/time")],
    "discovery": [rights.discovery("homeassistant", TOPICS.gate)],
}
BOTH_DRAFTS = {
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "title",
    "description",
    "type",
    "const",
    "enum",
    "x-words",
    "properties",
    "required",
    "additionalProperties",
} | {"items", "minItems", "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "if", "then", "else", "allOf", "anyOf"}
"""Keywords that mean the same in JSON Schema 2020-12 and in draft 7, which readers of AsyncAPI know."""


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Every table in ``node``, whatever it means."""
    if isinstance(node, dict):
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(each)


def schemas_in(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """``schema`` and every schema within."""
    yield schema
    for name, value in schema.items():
        inner = value.values() if name in {"properties", "$defs"} else value if name in {"allOf", "anyOf"} else [value]
        if name in {"properties", "$defs", "allOf", "anyOf", "items", "if", "then", "else", "additionalProperties"}:
            for each in inner:
                if isinstance(each, dict):
                    yield from schemas_in(each)


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_is_one_for_readers_of_either_draft(name: str) -> None:
    schema = schemas.schema(name)
    Draft202012Validator.check_schema(schema)
    Draft7Validator.check_schema({key: value for key, value in schema.items() if key != "$schema"})
    assert {keyword for each in schemas_in(schema) for keyword in each} - BOTH_DRAFTS == set()
    assert [each for each in schemas_in(schema) if "$ref" in each and len(each) > 1] == []  # draft 7 does not read what stands beside a $ref


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_explains_every_field(name: str) -> None:
    fields = [
        (field, each)
        for schema in schemas_in(schemas.schema(name))
        if schema.get("type") == "object"
        for field, each in schema.get("properties", {}).items()
    ]
    unexplained = {field for field, each in fields if not each.get("description") and each != {"type": "string"}}
    assert (schemas.schema(name)["$id"], unexplained - {"what"}) == (f"urn:qrgate:{name}:1", set())


def test_every_reference_leads_somewhere() -> None:
    references = [node["$ref"] for node in walk(document()) if "$ref" in node]
    local = [reference for reference in references if reference.startswith("#/")]
    files = {reference for reference in references if not reference.startswith("#/")}
    assert all(resolved({"$ref": reference}) for reference in local)
    assert {schemas.DOCS / file for file in files} == {schemas.FOLDER / f"{name}{schemas.SUFFIX}" for name in schemas.names()}


@pytest.mark.parametrize("name", channels())
def test_every_topic_of_the_code_is_one_channel_and_every_channel_is_a_topic(name: str) -> None:
    assert [channel_of(topic) and channel_of(topic)[0].name for topic in OF_GATE[name]] == [name] * len(OF_GATE[name])  # type: ignore[index]


def test_whoever_subscribes_to_all_gates_hears_those_channels() -> None:
    filters = {"event": EVENTS_OF_ALL, "state": STATES_OF_ALL, "health": f"{ROOT}/+/+/+/health", "time": TIME_REQUESTS_OF_ALL}
    wildcards = {name: "/".join("+" if level.startswith("{") else level for level in channels()[name].address.split("/")) for name in filters}
    assert wildcards == filters


def test_the_types_of_events_are_those_of_the_code() -> None:
    event = channels()["event"]
    assert event.parameters["type"]["enum"] == list(event.messages) == [kind.value for kind in EventType]


def test_the_verbs_are_those_of_the_code() -> None:
    assert sorted(channels()["command"].parameters["verb"]["enum"]) == sorted([*Verb, asking.CHALLENGE, chunk.VERB])


def test_what_is_no_json_is_as_long_as_the_code_takes_it() -> None:
    bounds = {
        name: message["payload"]["maxLength"] for name, message in document()["components"]["messages"].items() if "maxLength" in message["payload"]
    }
    assert bounds == {
        "confirmation": cose.ENVELOPE_MAX,
        "question": asking.ASK_MAX,
        "order": order.MESSAGE_MAX,
        "part": chunk.HEAD.size + chunk.CONTENT_MAX,
        "time": signed_time.QUESTION_MAX,
    }


# --- what packets carry ----------------------------------------------------------------------------------------


def carried(properties: Any) -> dict[str, Any]:
    """Names and values, as the packet has them."""
    told: dict[str, Any] = properties.json()
    return told


def test_the_connection_is_as_the_gate_makes_it() -> None:
    server = document()["servers"]["broker"]["bindings"]["mqtt"]
    told = {name: server[name] for name in ("sessionExpiryInterval", "maximumPacketSize", "keepAlive", "x-receive-maximum", "x-will-delay-s")}
    assert told == {
        "sessionExpiryInterval": packets.SESSION_EXPIRY_S,
        "maximumPacketSize": PACKET_MAX,
        "keepAlive": Timing().keepalive_s,
        "x-receive-maximum": RECEIVE_MAX,
        "x-will-delay-s": packets.WILL_DELAY_S,
    }
    assert server["lastWill"]["topic"] == channels()["state"].address


@pytest.mark.parametrize(
    ("channel", "properties"), [("event", packets.EVENT), ("state", packets.STATE), ("health", packets.STATE), ("state", packets.WILL)]
)
def test_messages_carry_what_their_binding_says(channel: str, properties: Any) -> None:
    told = carried(properties)
    expected = (told["ContentType"], told["PayloadFormatIndicator"])
    assert {(each.content_type, each.payload_format) for each in channels()[channel].messages.values()} == {expected}


def test_what_is_sent_again_is_marked_as_the_contract_says() -> None:
    marks = document()["components"]["messageTraits"]["event"]["headers"]["properties"]
    assert carried(packets.REPLAYED)["UserProperty"] == [(name, mark["const"]) for name, mark in marks.items()]


# --- who may -----------------------------------------------------------------------------------------------------

SIDES: dict[str, Rights] = {"gate": rights.GATE, "recorder": rights.RECORDER, "watcher": rights.WATCHER, "commander": rights.COMMAND}


def meant(filters: tuple[str, ...]) -> set[str]:
    """The channels that the rights ``filters`` are about."""
    prefix = f"qg/v1/{TOPICS.province}/{TOPICS.site}/{TOPICS.gate}/"
    found = [channel_of(prefix + each.replace("request/+", "request/time").replace("+", "audit")) for each in filters]
    return {each[0].name for each in found if each}


def of_side(side: str, attribute: str) -> set[str]:
    return {name for name, channel in channels().items() if side in getattr(channel, attribute)} - {"discovery"}


@pytest.mark.parametrize("side", SIDES)
def test_each_side_may_write_and_read_at_the_broker_what_the_contract_says(side: str) -> None:
    assert (meant(SIDES[side].writes), meant(SIDES[side].reads)) == (of_side(side, "writers"), of_side(side, "readers"))


@pytest.mark.parametrize("channel", channels().values(), ids=channels().keys())
def test_what_somebody_writes_somebody_reads(channel: Channel) -> None:
    read_elsewhere = channel.name == "discovery"  # by Home Assistant
    assert (bool(channel.writers), bool(channel.readers) or read_elsewhere) == (True, True)
