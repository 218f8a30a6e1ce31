"""What must be true after any number of kills, however timed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.faults.people import COMES_AGAIN_S, USES
from tests.faults.records import Records
from tests.faults.world import MAX_ON_S, NS, PULSE_S, Edge

GRANT_WITHIN_NS = 2 * NS
"""From the first read: 1.5 s (``policy.grant_within_s``) from when the code was last seen, and a person is in view for 0.45 s."""
ONE_SHOWING_S = COMES_AGAIN_S / 2
"""Whoever is decided again so soon was decided twice for one showing."""
REST_LEAST_S = 0.1
"""What a turnstile's drive needs between two pulses to see two."""


def violations(records: Records, edges: Sequence[Edge]) -> list[str]:
    """Every broken promise, in words; an empty list if all hold."""
    events = [json.loads(body) for body in records.stored]
    return [
        *undelivered(events, records),
        *_decided_twice(events),
        *_passages(events),
        *_uses(events, records.uses),
        *_relay_too_long(edges),
        *_pulses_merged(events, edges),
        *_opened_without_record(events, edges),
    ]


def undelivered(events: list[dict[str, Any]], records: Records) -> list[str]:
    """Whether the recorder has ``events``, which were ``records.stored``, each once, and nothing else."""
    return [*_lost(events, records), *_doubtful(events, records)]


def _lost(events: list[dict[str, Any]], records: Records) -> list[str]:
    sequences, last = sorted(int(event["sequence"]) for event in events), records.last_sequence
    found = []
    if sequences != list(range(1, last + 1)):
        missing = sorted(set(range(1, last + 1)) - set(sequences))
        found.append(f"the recorder lacks {len(missing)} of {last} events: {missing[:10]}")
    if len({event["epoch"] for event in events}) != 1:
        found.append("the gate began a second epoch")
    if records.waiting:
        found.append(f"{records.waiting} events were never confirmed")
    return found


def _doubtful(events: list[dict[str, Any]], records: Records) -> list[str]:
    """Whatever is sent again is the same, byte by byte: nobody has to give an event up, or to think of a second device."""
    voids = sum(event["type"] == "qrgate.void" for event in events)
    found = [f"the recorder noticed: {what}" for what in records.alarms]
    found += [f"{records.doubtful} events came with other bytes under the same id"] if records.doubtful else []
    return found + ([f"{voids} events were given up"] if voids else [])


def _decided_twice(events: list[dict[str, Any]]) -> list[str]:
    decided = defaultdict(list)
    for event in (event for event in events if event["type"] == "qrgate.decision" and "person" in event["data"]):
        decided[event["data"]["person"]].append(event["data"]["decoded_ns"] / NS)
    return [
        f"two decisions for one showing of {person}, {after - before:.1f} s apart"
        for person, times_s in decided.items()
        for before, after in pairwise(sorted(times_s))
        if after - before < ONE_SHOWING_S
    ]


def _uses(events: list[dict[str, Any]], counted: Sequence[int]) -> list[str]:
    """Each passage is a use, no more and no less, and nobody is told before the last one that there are none left.

    Whose pass it was is known by the day's pseudonym: across a midnight in Viet Nam this cannot be judged.
    """
    persons = {event["id"]: event["data"].get("person") for event in events if event["type"] == "qrgate.decision"}
    used: Counter[str] = Counter()
    found = []
    for event in events:
        data = event["data"]
        if event["type"] == "qrgate.passage" and data["people"]:
            used[persons[data["decision"]]] += 1
        if event["type"] == "qrgate.decision" and data["reason"] == "used_up" and used[data["person"]] < USES:
            found.append(f"{data['person']} was refused after {used[data['person']]} of {USES} uses")
    found += [f"{person} used a pass {times} times that is good for {USES}" for person, times in used.items() if times > USES]
    if sorted(filter(None, counted)) != sorted(used.values()):
        found.append(f"the gate counts {Counter(counted)} uses of passes, and its passages are {Counter(used.values())}")
    return found


def _passages(events: list[dict[str, Any]]) -> list[str]:
    admitted = {event["id"] for event in events if event["type"] == "qrgate.decision" and event["data"]["admit"]}
    passages = Counter(event["data"]["decision"] for event in events if event["type"] == "qrgate.passage")
    return [f"grant {id_} has {passages[id_]} passages" for id_ in admitted | set(passages) if passages[id_] != 1 or id_ not in admitted]


def on_times_s(edges: Sequence[Edge]) -> list[float]:
    """How long the relay was on, each time; a relay that is still on at the end counts as for ever."""
    ends_s = [edge.at_ns / NS for edge in edges[1:]] + [float("inf")]
    return [end_s - edge.at_ns / NS for edge, end_s in zip(edges, ends_s, strict=False) if edge.on]


def _relay_too_long(edges: Sequence[Edge]) -> list[str]:
    return [f"the relay was on for {time_s:.2f} s, more than {MAX_ON_S} s" for time_s in on_times_s(edges) if time_s > MAX_ON_S]


def _pulses_merged(events: list[dict[str, Any]], edges: Sequence[Edge]) -> list[str]:
    """Every person let in has a pulse, and the drive can tell it from the one before."""
    on_s = [edge.at_ns / NS for edge in edges if edge.on]
    off_s = [edge.at_ns / NS for edge in edges if not edge.on]
    rests_s = [on - max(off for off in off_s if off < on) for on in on_s[1:]]
    found = [f"the relay rested for {rest_s:.3f} s only between two pulses" for rest_s in rests_s if rest_s < REST_LEAST_S]
    found += [
        f"two pulses began within {b - a:.3f} s, the first of them {time_s:.3f} s long"
        for (a, b), time_s in zip(pairwise(on_s), on_times_s(edges), strict=False)
        if b - a < PULSE_S
    ]
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
