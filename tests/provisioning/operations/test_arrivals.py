from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.events.confirmation import Confirmation, range_digest
from device.events.topics import Topics
from provisioning.operations.arrivals import Arrival, Ignored, confirmations, read
from tests.provisioning.live import EPOCH, PROVINCE, SITE, decisions, event

A, B = Topics(PROVINCE, SITE, "g-a"), Topics(PROVINCE, SITE, "g-b")


def arrival(gate: str, sequence: int, *, epoch: str = EPOCH) -> Arrival:
    found = read(decisions(gate), event(gate, sequence, epoch=epoch), province=PROVINCE)
    assert isinstance(found, Arrival)
    return found


def test_an_event_is_read_exactly() -> None:
    body = event("g-a", 7)
    expected = Arrival(A, "/gates/g-a", f"g-a-{EPOCH}-00000000000000000007", "qrgate.decision", EPOCH, 7, body)
    assert read(decisions("g-a"), body, province=PROVINCE) == expected


@pytest.mark.parametrize(
    ("topic", "why"),
    [
        ("qg/v1/p-999/s-999/g-a/state", "not an event's topic"),
        ("qg/v1/p-999/s-999/g-a/event/dance", "not an event's topic"),
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
        (b"[" * 100_000, "not JSON"),
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


def test_unbroken_runs_are_confirmed_whatever_the_order_and_repetition() -> None:
    arrivals = [arrival("g-a", number) for number in (5, 2, 1, 2, 3)]
    assert list(confirmations(arrivals)) == [
        (A.confirmation, Confirmation("g-a", EPOCH, 1, 3, range_digest(event("g-a", number) for number in (1, 2, 3)))),
        (A.confirmation, Confirmation("g-a", EPOCH, 5, 5, range_digest([event("g-a", 5)]))),
    ]


def test_gates_and_epochs_are_confirmed_apart() -> None:
    arrivals = [arrival("g-b", 2), arrival("g-a", 1), arrival("g-a", 2, epoch="other")]
    assert [(topic, each.epoch, each.first, each.last) for topic, each in confirmations(arrivals)] == [
        (A.confirmation, EPOCH, 1, 1),
        (A.confirmation, "other", 2, 2),
        (B.confirmation, EPOCH, 2, 2),
    ]


def test_nothing_stored_confirms_nothing() -> None:
    assert list(confirmations([])) == []
