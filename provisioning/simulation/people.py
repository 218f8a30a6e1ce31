"""What passes at a played gate: made-up people, each a decision and a passage, as a real gate records them. No clock here."""

from __future__ import annotations

import hashlib
from typing import Any

from device.domain import EventType

NS = 1_000_000_000
READ_NS, COMMIT_NS, OPEN_NS, WALK_NS = NS // 50, NS // 200, NS // 100, 2 * NS
"""How long after the one before: the code is read, the decision is on disk, the lane opens, the person is through."""


def fact(number: int, decision_id: str, at_ns: int) -> tuple[EventType, str, dict[str, Any]]:
    """Kind, subject and data of event ``number`` of a gate, from 1: odd ones are decisions, each even one the passage that followed.

    ``decision_id`` is the id of the event before it, ``at_ns`` a monotonic moment.
    """
    person = (number + 1) // 2
    presentation = f"999-{person}"
    if number % 2:
        return EventType.DECISION, presentation, _decision(presentation, person, at_ns)
    return EventType.PASSAGE, presentation, _passage(presentation, decision_id, at_ns)


def _decision(presentation: str, person: int, at_ns: int) -> dict[str, Any]:
    return {
        "presentation": presentation,
        "direction": "entry",
        "admit": True,
        "reason": "ok",
        "credential": "kd1",
        "proof": "proven",
        "person": hashlib.sha256(f"999{person}".encode()).hexdigest()[:32],
        "frame": person,
        "frame_ns": at_ns,
        "decoded_ns": at_ns + READ_NS,
        "stage": "half",
    }


def _passage(presentation: str, decision_id: str, at_ns: int) -> dict[str, Any]:
    read_ns = at_ns + READ_NS
    committed_ns = read_ns + COMMIT_NS
    opened_ns = committed_ns + OPEN_NS
    return {
        "decision": decision_id,
        "presentation": presentation,
        "direction": "entry",
        "outcome": "turned",
        "people": 1,
        "timing": {
            "frame_ns": at_ns,
            "decoded_ns": read_ns,
            "committed_ns": committed_ns,
            "commit_ns": COMMIT_NS,
            "opened_ns": opened_ns,
            "ended_ns": opened_ns + WALK_NS,
        },
    }
