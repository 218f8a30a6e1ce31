"""The judge notices what it is there for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.faults.people import USES
from tests.faults.records import Records
from tests.faults.verdict import violations
from tests.faults.world import NS, Edge


def records(*data: dict[str, Any], uses: tuple[int, ...] = ()) -> Records:
    """A recorder that has everything: events as they are told, with an id that is the event's number."""
    events = [
        {
            "type": "qrgate.passage" if "decision" in each else "qrgate.decision",
            "id": str(number),
            "sequence": number,
            "epoch": "e",
            "data": each,
        }
        for number, each in enumerate(data, start=1)
    ]
    stored = tuple(json.dumps(event).encode() for event in events)
    return Records(stored=stored, doubtful=0, alarms=(), last_sequence=len(stored), waiting=0, uses=uses)


def decision(person: str, at_s: float, **more: Any) -> dict[str, Any]:
    return {"person": person, "admit": True, "reason": "admitted", "decoded_ns": int(at_s * NS), **more}


def refusal(person: str, at_s: float, reason: str) -> dict[str, Any]:
    return decision(person, at_s, admit=False, reason=reason)


def passage(number: int, outcome: str = "assumed", people: int = 1) -> dict[str, Any]:
    """Of the decision with this number."""
    return {"decision": str(number), "outcome": outcome, "people": people}


def came(person: str, times: int) -> list[dict[str, Any]]:
    """Let in so often, every 11 s."""
    return [each for time in range(times) for each in (decision(person, 11 * time), passage(2 * time + 1))]


def pulses(*times_s: float) -> list[Edge]:
    """On and off in turn."""
    return [Edge(int(at_s * NS), number % 2 == 0) for number, at_s in enumerate(times_s)]


TWO_PEOPLE = records(decision("a", 0.9), passage(1), decision("b", 0.95), passage(3), uses=(1, 1))


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (pulses(1.0, 1.3, 1.5, 1.8), []),
        (pulses(1.0, 1.3, 1.35, 1.65), ["the relay rested for 0.050 s only between two pulses"]),
        (pulses(1.0, 1.1, 1.25, 1.55), ["two pulses began within 0.250 s, the first of them 0.100 s long"]),
        (pulses(1.0, 1.6), ["2 persons were let in by 1 pulses"]),
        (pulses(1.0, 2.5), ["the relay was on for 1.50 s, more than 1.0 s", "2 persons were let in by 1 pulses"]),
        (pulses(1.0, 1.3, 1.5, 1.8, 2.0, 2.3), ["the relay went on at 2000000000 without a recorded decision"]),
    ],
)
def test_pulses_that_a_drive_would_see_as_one_and_pulses_without_a_record_are_found(edges: list[Edge], expected: list[str]) -> None:
    assert violations(TWO_PEOPLE, edges) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (replace(TWO_PEOPLE, last_sequence=5), ["the recorder lacks 1 of 5 events: [5]"]),
        (replace(TWO_PEOPLE, waiting=2), ["2 events were never confirmed"]),
        (replace(TWO_PEOPLE, doubtful=1), ["1 events came with other bytes under the same id"]),
        (replace(TWO_PEOPLE, alarms=("two_boots",)), ["the recorder noticed: two_boots"]),
    ],
)
def test_what_is_lost_or_in_doubt_is_found(changed: Records, expected: list[str]) -> None:
    assert violations(changed, pulses(1.0, 1.3, 1.5, 1.8)) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (records(*came("a", USES - 1), decision("a", 99), passage(2 * USES - 1, "unknown"), refusal("a", 110, "used_up"), uses=(USES,)), []),
        (records(decision("a", 0), passage(1, "too_late", people=0), uses=(0,)), []),
        (records(decision("a", 0), passage(1), refusal("a", 11, "used_up"), uses=(1,)), [f"a was refused after 1 of {USES} uses"]),
        (records(*came("a", USES + 1), uses=(USES + 1,)), [f"a used a pass {USES + 1} times that is good for {USES}"]),
        (
            records(decision("a", 0), passage(1), decision("b", 1), passage(3), uses=(2,)),
            ["the gate counts Counter({2: 1}) uses of passes, and its passages are Counter({1: 2})"],
        ),
        (records(decision("a", 0), passage(1), decision("a", 2), passage(3), uses=(2,)), ["two decisions for one showing of a, 2.0 s apart"]),
    ],
)
def test_uses_that_are_counted_twice_or_lost_are_found(told: Records, expected: list[str]) -> None:
    persons_let_in = len([body for body in told.stored if b"assumed" in body])
    found = violations(told, [edge for number in range(persons_let_in) for edge in pulses(11 * number + 0.5, 11 * number + 0.8)])
    assert [each for each in found if not each.startswith("the relay went on")] == expected
