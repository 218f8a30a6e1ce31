"""The judge notices what it is there for."""

from __future__ import annotations

import json

import pytest

from tests.faults.verdict import NS, violations
from tests.faults.world import Edge


def story(*decided_s: float) -> list[bytes]:
    """One person for each moment, decided then, let in, and believed to have passed."""
    events: list[dict[str, object]] = []
    for number, at_s in enumerate(decided_s):
        decision = {"person": str(number), "admit": True, "decoded_ns": int(at_s * NS)}
        events.append({"type": "qrgate.decision", "id": f"d{number}", "data": decision})
        events.append({"type": "qrgate.passage", "id": f"p{number}", "data": {"decision": f"d{number}", "outcome": "assumed"}})
    return [json.dumps(event | {"sequence": number + 1, "epoch": "e"}).encode() for number, event in enumerate(events)]


def pulses(*times_s: float) -> list[Edge]:
    """On and off in turn."""
    return [Edge(int(at_s * NS), number % 2 == 0) for number, at_s in enumerate(times_s)]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        (pulses(1.0, 1.3, 1.5, 1.8), []),
        (pulses(1.0, 1.3, 1.35, 1.65), ["the relay rested for 0.050 s only between two pulses"]),
        (pulses(1.0, 1.1, 1.25, 1.55), ["two pulses began within 0.250 s"]),
        (pulses(1.0, 1.6), ["2 persons were let in by 1 pulses"]),
        (pulses(1.0, 2.5), ["the relay was on for 1.50 s, more than 1.0 s", "2 persons were let in by 1 pulses"]),
    ],
)
def test_pulses_that_a_drive_would_see_as_one_are_found(edges: list[Edge], expected: list[str]) -> None:
    assert violations(story(0.9, 0.95), edges, last_sequence=4, waiting=0) == expected
