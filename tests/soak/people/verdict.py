"""What must be true after any crowd: as many decisions as presentations, as many passages as grants, and the turnstile's own word."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from device.clock import NS
from tests.soak.people.tripod import Release

OPENED_WITHIN_NS = NS // 2
"""From the relay's edge, as its pin has it, to the moment that the gate noted."""
REST_LEAST_S = 0.1
"""What a turnstile's drive needs between two pulses to see two."""

Data = dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """What was brought about, and what is left of it."""

    shown: Sequence[str]  # the ids of presentations, in order
    releases: Sequence[Release]
    forced_ns: Sequence[int]
    pulses: Sequence[tuple[int, int | None]]  # when the relay went on and off, in nanoseconds
    stored: Sequence[bytes] = field(repr=False)  # by the recorder
    last_sequence: int
    waiting: int  # events that were never confirmed

    def data(self, kind: str) -> list[tuple[str, Data]]:
        """(id, data) of all stored events of a kind."""
        events = (json.loads(body) for body in self.stored)
        return [(event["id"], event["data"]) for event in events if event["type"] == f"qrgate.{kind}"]


def violations(evidence: Evidence, *, max_on_s: float) -> list[str]:
    """Every broken promise, in words; an empty list if all hold."""
    return [
        *_lost(evidence),
        *_decisions(evidence),
        *_passages(evidence),
        *_outcomes(evidence),
        *_forced(evidence),
        *_relay(evidence.pulses, max_on_s),
    ]


def _lost(evidence: Evidence) -> Iterable[str]:
    events = [json.loads(body) for body in evidence.stored]
    missing = set(range(1, evidence.last_sequence + 1)) - {int(event["sequence"]) for event in events}
    if missing or len(events) != evidence.last_sequence:
        yield f"the recorder has {len(events)} of {evidence.last_sequence} events, and lacks {sorted(missing)[:10]}"
    if evidence.waiting:
        yield f"{evidence.waiting} events were never confirmed"


def _decisions(evidence: Evidence) -> Iterable[str]:
    decided = Counter(data["presentation"] for _, data in evidence.data("decision"))
    for id_, times in Counter(evidence.shown).items():
        if decided[id_] != times:
            yield f"presentation {id_} has {decided[id_]} decisions"
    for id_ in decided.keys() - set(evidence.shown):
        yield f"{id_} was decided, and nobody showed it"
    if folded := [data["counts"] for _, data in evidence.data("audit") if data["what"] == "refusals_folded"]:
        yield f"refusals were counted instead of recorded: {folded}"


def _passages(evidence: Evidence) -> Iterable[str]:
    admitted = {id_ for id_, data in evidence.data("decision") if data["admit"]}
    ended = Counter(data["decision"] for _, data in evidence.data("passage") if "decision" in data)
    for id_ in sorted(admitted | set(ended)):
        if ended[id_] != 1 or id_ not in admitted:
            yield f"grant {id_} has {ended[id_]} passages" if id_ in admitted else f"a passage names {id_}, which granted nothing"


def _outcomes(evidence: Evidence) -> Iterable[str]:
    """Each release is the grant of one passage, and it ended as the turnstile saw it."""
    timed = [(data["timing"]["opened_ns"], data["outcome"]) for _, data in evidence.data("passage") if "timing" in data]
    opened = sorted((at_ns, outcome) for at_ns, outcome in timed if at_ns is not None)
    if len(opened) != len(evidence.releases):
        yield f"{len(opened)} grants opened by {len(evidence.releases)} pulses"
        return
    for release, (at_ns, outcome) in zip(evidence.releases, opened, strict=True):
        seen = "unused" if release.turned_ns is None else "turned"
        if not 0 <= at_ns - release.at_ns <= OPENED_WITHIN_NS:
            yield f"the relay went on at {release.at_ns}, and the next grant opened at {at_ns}"
        elif outcome != seen:
            yield f"whoever {release.gait} was recorded as {outcome}: the turnstile saw {seen}"


def _forced(evidence: Evidence) -> Iterable[str]:
    without = [data for _, data in evidence.data("passage") if "decision" not in data]
    forced = [data for data in without if data["outcome"] == "forced"]
    alarms = sum(data["what"] == "turned_without_grant" for _, data in evidence.data("alarm"))
    if (len(without), len(forced), alarms) != (len(evidence.forced_ns),) * 3:
        yield f"{len(evidence.forced_ns)} broke through: {len(without)} passages without a grant, {len(forced)} forced, {alarms} alarms"
        return
    for moment_ns, data in zip(evidence.forced_ns, forced, strict=True):
        if not 0 <= data["at_ns"] - moment_ns <= OPENED_WITHIN_NS:
            yield f"somebody broke through at {moment_ns}, and the record says {data['at_ns']}"


def _relay(pulses: Sequence[tuple[int, int | None]], max_on_s: float) -> Iterable[str]:
    for on_ns, off_ns in pulses:
        if off_ns is None or off_ns - on_ns > max_on_s * NS:
            lasted = "never went off" if off_ns is None else f"was on for {(off_ns - on_ns) / NS:.2f} s"
            yield f"the relay {lasted}, {max_on_s:g} s are its maximum"
    for (_, off_ns), (on_ns, _) in pairwise(pulses):
        if off_ns is None or on_ns - off_ns < REST_LEAST_S * NS:
            yield f"the relay did not rest before its pulse at {on_ns}"
