from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from device.domain import ClockTrust, EventType, Instant, Misread, PassageOutcome, Reason
from device.events.cloudevents import CONTENT_TYPE, Stamp, body_hash, encode, event_id

TIME = Instant(datetime(2026, 11, 20, 8, 0, 0, 123_456, tzinfo=UTC), ClockTrust.TRUSTED)
STAMP = Stamp(gate="g1", boot="0f0e", epoch="e1", sequence=42, previous=bytes(range(32)))
DATA: dict[str, Any] = {"admit": False, "reason": Reason.NOT_A_PASS, "shown": Misread.OTHER, "frame_ns": 2**63 - 1, "note": "bến xe"}

GOLDEN = (
    '{"specversion":"1.0","id":"g1-e1-00000000000000000042","source":"/gates/g1","type":"qrgate.decision","time":"2026-11-20T08:00:00.123Z",'
    '"subject":"0badcafe-1","datacontenttype":"application/json","dataschema":"urn:qrgate:decision:1","sequence":"00000000000000000042",'
    '"epoch":"e1","bootid":"0f0e","clockquality":"trusted",'
    '"previoushash":"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",'
    '"data":{"admit":false,"reason":"not_a_pass","shown":"other","frame_ns":9223372036854775807,"note":"bến xe"}}'
).encode()


def body(kind: EventType = EventType.DECISION, data: dict[str, Any] | None = None, time: Instant = TIME, stamp: Stamp = STAMP) -> bytes:
    return encode(kind, DATA if data is None else data, subject="0badcafe-1", time=time, stamp=stamp)


def consumed(text: bytes) -> CloudEvent:
    """The event as any consumer's library reads it, checked against the specification."""
    event = JSONFormat().read(CloudEvent, text)
    assert isinstance(event, CloudEvent)
    return event


def test_the_golden_event_is_written_as_it_always_was() -> None:
    assert body() == GOLDEN


@pytest.mark.parametrize("kind", EventType)
def test_a_consumer_reads_it_as_cloudevents_1_0(kind: EventType) -> None:
    event = consumed(body(kind))
    assert event.get_data() == {"admit": False, "reason": "not_a_pass", "shown": "other", "frame_ns": 2**63 - 1, "note": "bến xe"}
    assert event.get_attributes() == {
        "specversion": "1.0",
        "id": "g1-e1-00000000000000000042",
        "source": "/gates/g1",
        "type": f"qrgate.{kind.value}",
        "time": datetime(2026, 11, 20, 8, 0, 0, 123_000, tzinfo=UTC),
        "subject": "0badcafe-1",
        "datacontenttype": "application/json",
        "dataschema": f"urn:qrgate:{kind.value}:1",
        "sequence": "00000000000000000042",
        "epoch": "e1",
        "bootid": "0f0e",
        "clockquality": "trusted",
        "previoushash": bytes(range(32)).hex(),
    }


def test_its_content_type_is_the_structured_json_one() -> None:
    assert CONTENT_TYPE == JSONFormat.CONTENT_TYPE


DIFFERENCES: dict[str, tuple[bytes, dict[str, Any]]] = {
    "the first of an epoch": (body(stamp=replace(STAMP, previous=b"")), {"previoushash": ""}),
    "a clock that is not believed": (body(time=replace(TIME, trust=ClockTrust.UNTRUSTED)), {"clockquality": "untrusted"}),
    "a full second has its milliseconds": (
        body(time=Instant(datetime(2026, 1, 1, tzinfo=UTC), ClockTrust.TRUSTED)),
        {"time": "2026-01-01T00:00:00.000Z"},
    ),
    "a passage": (
        body(EventType.PASSAGE, {"outcome": PassageOutcome.TURNED}),
        {"type": "qrgate.passage", "dataschema": "urn:qrgate:passage:1", "data": {"outcome": "turned"}},
    ),
    "a line end in data": (body(data={"note": 'a"\n'}), {"data": {"note": 'a"\n'}}),
}


@pytest.mark.parametrize(("text", "different"), DIFFERENCES.values(), ids=DIFFERENCES.keys())
def test_events_differ_in_what_was_different(text: bytes, different: dict[str, Any]) -> None:
    plain, other = json.loads(GOLDEN), json.loads(text)
    assert {key: value for key, value in other.items() if plain[key] != value} == different


def test_the_order_of_ids_is_the_order_of_events() -> None:
    ids = [event_id("g1", "e1", sequence) for sequence in (1, 2, 9, 10, 99, 100, 2**31, 2**53, 2**63 - 1)]
    assert ids == sorted(ids)


def test_each_event_names_the_body_before_it() -> None:
    """Whoever changes or leaves out one breaks the chain behind it."""
    bodies: list[bytes] = []
    for sequence in range(1, 4):
        bodies.append(body(stamp=Stamp("g1", "0f0e", "e1", sequence, body_hash(bodies[-1]) if bodies else b"")))
    links = [json.loads(each)["previoushash"] for each in bodies]
    assert links == ["", hashlib.sha256(bodies[0]).hexdigest(), hashlib.sha256(bodies[1]).hexdigest()]


def test_the_head_of_the_golden_chain_is_what_it_always_was() -> None:
    assert body_hash(GOLDEN).hex() == "08204c4df406a48a0c7357ea37f4098f70a8eec703662a4b5d3c40a6fa52f533"
