from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.events.cloudevents import body_hash
from device.events.topics import Topics
from provisioning.operations.arrivals import Arrival, Claim, Ignored, claim_in, link_of, read
from tests.provisioning.live import EPOCH, PROVINCE, SITE, decisions, event
from tests.provisioning.operations.played import Card

A = Topics(PROVINCE, SITE, "g-a")


def test_an_event_is_read_exactly() -> None:
    body = event("g-a", 7)
    id_, before = f"g-a-{EPOCH}-00000000000000000007", body_hash(event("g-a", 6))
    expected = Arrival(A, "/gates/g-a", id_, "qrgate.decision", EPOCH, 7, body, body_hash(body), "boot", before)
    assert read(decisions("g-a"), body, province=PROVINCE) == expected


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("qg/v1/p-999/s-999/g-a/state", "not an event's topic"),
        ("qg/v1/p-999/s-999/g-a/event/Dance", "not an event's topic"),
        ("qg/v1/p-999/s-999/g-a/event/decision\n", "not an event's topic"),
        ("qg/v1/p-999/s-999/g-a/event/+", "not an event's topic"),
        ("qg/v1/+/+/+/event/decision", "not an event's topic"),
        ("qg/v1/p-999/s-999/g-a/event/dance", "type and topic differ"),
        ("qg/v1/p-999/s 999/g-a/event/decision", "not an event's topic"),
        ("", "not an event's topic"),
        ("qg/v1/p-998/s-999/g-a/event/decision", "another province"),
        ("qg/v1/p-999/s-999/g-b/event/decision", "source and topic name different gates"),
        ("qg/v1/p-999/s-999/g-a/event/alarm", "type and topic differ"),
    ],
)
def test_an_event_on_a_topic_that_is_not_its_own_is_ignored(topic: str, why: str) -> None:
    assert read(topic, event("g-a", 7), province=PROVINCE) == Ignored(why)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "nested too deep"),
        ('{"type":"qrgate.audit"}'.encode("utf-16"), "not JSON"),
        (b"9" * 5000, "not JSON"),
        (b"[]", "not an event"),
        (b"{}", "source and topic name different gates"),
    ],
)
def test_bytes_that_are_no_event_are_ignored(body: bytes, why: str) -> None:
    assert read(decisions("g-a"), body, province=PROVINCE) == Ignored(why)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sequence": 7}, "no epoch and sequence"),
        ({"sequence": "7"}, "no epoch and sequence"),
        ({"sequence": "\u0660" * 20}, "no epoch and sequence"),
        ({"epoch": None}, "no epoch and sequence"),
        ({"epoch": "\ud800"}, "no epoch and sequence"),
        ({"sequence": "00000000000000000008"}, "id and sequence differ"),
        ({"sequence": "0" * 20, "id": f"g-a-{EPOCH}-" + "0" * 20}, "id and sequence differ"),
        ({"sequence": "9" * 20, "id": f"g-a-{EPOCH}-" + "9" * 20}, "id and sequence differ"),
    ],
)
def test_an_event_without_a_place_in_its_sequence_is_ignored(changes: dict[str, Any], why: str) -> None:
    body = json.dumps(json.loads(event("g-a", 7)) | changes).encode()
    assert read(decisions("g-a"), body, province=PROVINCE) == Ignored(why)


@given(st.text(), st.binary())
def test_any_bytes_on_any_topic_give_an_answer(topic: str, body: bytes) -> None:
    assert isinstance(read(topic, body, province=PROVINCE), Ignored)
    assert isinstance(read(decisions("g-a"), body, province=PROVINCE), Ignored)


OLD_GATE = (
    b'{"specversion":"1.0","id":"g-a-e1-00000000000000000002","source":"/gates/g-a","type":"qrgate.decision","sequence":"00000000000000000002",'
    b'"epoch":"e1","data":{"admit":true}}'
)
NEWER_GATE = (
    b'{"specversion":"2.0","id":"g-a-e1-00000000000000000002","source":"/gates/g-a","type":"qrgate.weather","dataschema":"urn:qrgate:weather:2",'
    b'"sequence":"00000000000000000002","epoch":"e1","bootid":{"new":"form"},"previoushash":"blake3:99","severity":[1,2],"data":null}'
)


@pytest.mark.parametrize(("kind", "body"), [("decision", OLD_GATE), ("weather", NEWER_GATE)])
def test_gates_of_before_and_of_later_are_kept_as_they_are(kind: str, body: bytes) -> None:
    expected = Arrival(A, "/gates/g-a", "g-a-e1-00000000000000000002", f"qrgate.{kind}", "e1", 2, body, body_hash(body))
    assert read(f"qg/v1/{PROVINCE}/{SITE}/g-a/event/{kind}", body, province=PROVINCE) == expected


def test_in_the_place_of_an_event_a_void_hands_its_hash_on() -> None:
    card = Card()
    original = card.decide()
    found = card.give_up(1)
    assert (found.type, found.link, found.hash == original.hash) == ("qrgate.void", original.hash, False)
    assert (claim_in(found.body), claim_in(original.body)) == (found.claim, None)


@pytest.mark.parametrize("data", [None, [], {}, {"signature": 1, "hash": ""}, {"signature": "zz", "hash": ""}, {"signature": "", "hash": "99"}])
def test_a_void_that_is_not_spelt_like_one_claims_nothing(data: Any) -> None:
    card = Card()
    card.decide()
    body = json.dumps(json.loads(card.give_up(1).body) | {"data": data}).encode()
    found = read(card.topic(1), body, province=PROVINCE)
    assert isinstance(found, Arrival)
    assert (found.claim, found.link) == (None, body_hash(body))


NESTED = b'{"type":"qrgate.void","data":%s}' % (b"[" * 1000 + b"]" * 1000)


@pytest.mark.parametrize("body", [NESTED, b"[" * 100_000, b"", b"\xff", b"[]", b"{}", b'{"type":["qrgate.void"]}', b'{"type":"qrgate.void"}'])
def test_whatever_an_archive_holds_has_a_link_and_no_claim_that_is_not_spelt(body: bytes) -> None:
    assert (claim_in(body), link_of(body)) == (None, body_hash(body))


@given(st.binary())
def test_any_stored_bytes_have_a_link(body: bytes) -> None:
    assert (claim_in(body), link_of(body)) == (None, body_hash(body))


def test_a_void_of_a_range_claims_no_hash() -> None:
    claim = Card().give_up_range("e0", 3, 9).claim
    assert isinstance(claim, Claim)
    assert claim.hash == b""
