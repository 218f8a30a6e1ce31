"""What must be true after any number of kills, however timed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from tests.faults.world import MAX_ON_S, PULSE_S, Edge

GRANT_WITHIN_NS = 2_000_000_000
"""From the first read: 1.5 s (``policy.grant_within_s``) from when the code was last seen, and a person is in view for 0.45 s."""
NS = 1_000_000_000
REST_LEAST_S = 0.1
"""What a turnstile's drive needs between two pulses to see two."""


def violations(stored: Iterable[bytes], edges: Sequence[Edge], *, last_sequence: int, waiting: int) -> list[str]:
    """Every broken promise, in words; an empty list if all hold."""
    events = [json.loads(body) for body in stored]
    return [
        *_lost(events, last_sequence, waiting),
        *_decided_twice(events),
        *_passages(events),
        *_relay_too_long(edges),
        *_pulses_merged(events, edges),
        *_opened_without_record(events, edges),
    ]


def _lost(events: list[dict[str, Any]], last_sequence: int, waiting: int) -> list[str]:
    sequences = sorted(int(event["sequence"]) for event in events)
    found = []
    if sequences != list(range(1, last_sequence + 1)):
        missing = sorted(set(range(1, last_sequence + 1)) - set(sequences))
        found.append(f"the recorder lacks {len(missing)} of {last_sequence} events: {missing[:10]}")
    if len({event["epoch"] for event in events}) != 1:
        found.append("the gate began a second epoch")
    if waiting:
        found.append(f"{waiting} events were never confirmed")
    return found


def _decided_twice(events: list[dict[str, Any]]) -> list[str]:
    """Each person has a pass of their own and comes once, so each pseudonym may be decided once."""
    persons = Counter(event["data"]["person"] for event in events if event["type"] == "qrgate.decision")
    return [f"{count} decisions for one presentation of {person}" for person, count in persons.items() if count > 1]


def _passages(events: list[dict[str, Any]]) -> list[str]:
    admitted = {event["id"] for event in events if event["type"] == "qrgate.decision" and event["data"]["admit"]}
    passages = Counter(event["data"]["decision"] for event in events if event["type"] == "qrgate.passage")
    return [f"grant {id_} has {passages[id_]} passages" for id_ in admitted | set(passages) if passages[id_] != 1 or id_ not in admitted]


def on_times_s(edges: Sequence[Edge]) -> list[float]:
    """How long the relay was on, each time; a relay that is still on at the end counts as for ever."""
    times = []
    for edge, following in zip(edges, [*edges[1:], None], strict=True):
        if edge.on:
            times.append((following.at_ns - edge.at_ns) / NS if following else float("inf"))
    return times


def _relay_too_long(edges: Sequence[Edge]) -> list[str]:
    return [f"the relay was on for {time_s:.2f} s, more than {MAX_ON_S} s" for time_s in on_times_s(edges) if time_s > MAX_ON_S]


def _pulses_merged(events: list[dict[str, Any]], edges: Sequence[Edge]) -> list[str]:
    """Every person let in has a pulse, and the drive can tell it from the one before."""
    on_s = [edge.at_ns / NS for edge in edges if edge.on]
    off_s = [edge.at_ns / NS for edge in edges if not edge.on]
    rests_s = [on - max(off for off in off_s if off < on) for on in on_s[1:]]
    found = [f"the relay rested for {rest_s:.3f} s only between two pulses" for rest_s in rests_s if rest_s < REST_LEAST_S]
    found += [f"two pulses began within {b - a:.3f} s" for a, b in pairwise(on_s) if b - a < PULSE_S]
    passed = sum(event["type"] == "qrgate.passage" and event["data"]["outcome"] == "assumed" for event in events)
    return found + ([f"{passed} persons were let in by {len(on_s)} pulses"] if passed > len(on_s) else [])


def _opened_without_record(events: list[dict[str, Any]], edges: Sequence[Edge]) -> list[str]:
    """Each time the relay went on there is one admitted decision of that moment, and no decision opened twice."""
    decoded = sorted(event["data"]["decoded_ns"] for event in events if event["type"] == "qrgate.decision" and event["data"]["admit"])
    found = []
    for edge in (edge for edge in edges if edge.on):
        match = next((each for each in decoded if each < edge.at_ns < each + GRANT_WITHIN_NS), None)
        if match is None:
            found.append(f"the relay went on at {edge.at_ns} without a recorded decision")
        else:
            decoded.remove(match)
    return found
