"""The judge notices what it is there for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from device.clock import NS
from tests.soak.people.tripod import Gait, Release
from tests.soak.people.verdict import Evidence, violations

MAX_ON_S = 3.0
OPENED_NS = 2_000_000  # after the relay's edge


def event(sequence: int, kind: str, **data: Any) -> bytes:
    return json.dumps({"id": f"e{sequence}", "type": f"qrgate.{kind}", "sequence": str(sequence), "data": data}).encode()


def decision(sequence: int, presentation: str, *, admit: bool = True) -> bytes:
    return event(sequence, "decision", presentation=presentation, admit=admit)


def passage(sequence: int, decided: int, outcome: str, opened_s: float) -> bytes:
    return event(sequence, "passage", decision=f"e{decided}", outcome=outcome, timing={"opened_ns": int(opened_s * NS) + OPENED_NS})


STORED = [
    decision(1, "walks"),
    passage(2, 1, "turned", 10),
    decision(3, "refused", admit=False),
    decision(4, "stays"),
    passage(5, 4, "unused", 20),
    event(6, "passage", outcome="forced", direction=None, people=1, at_ns=30 * NS + OPENED_NS),
    event(7, "alarm", what="turned_without_grant", people=1),
]
"""Somebody walks through, somebody is refused, somebody stays, and somebody breaks through."""

SOUND = Evidence(
    shown=("walks", "refused", "stays"),
    releases=(Release(10 * NS, Gait.WALKS, 11 * NS), Release(20 * NS, Gait.STAYS)),
    forced_ns=(30 * NS,),
    pulses=((10 * NS, 10 * NS + NS // 2), (20 * NS, 20 * NS + NS // 2)),
    stored=STORED,
    last_sequence=7,
    waiting=0,
)


def with_stored(number: int, *instead: bytes) -> list[bytes]:
    return [*STORED[: number - 1], *instead, *STORED[number:]]


def test_a_sound_story_has_nothing_against_it() -> None:
    assert violations(SOUND, max_on_s=MAX_ON_S) == []


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        pytest.param(
            replace(SOUND, shown=(*SOUND.shown, "shows again")),
            ["presentation shows again has 0 decisions"],
            id="a person shown twice and decided once",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(7, STORED[6], decision(8, "refused", admit=False)), last_sequence=8),
            ["presentation refused has 2 decisions"],
            id="a presentation decided twice",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(7, STORED[6], decision(8, "nobody", admit=False)), last_sequence=8),
            ["nobody was decided, and nobody showed it"],
            id="a decision without a presentation",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(5, event(5, "audit", what="something"))),
            ["grant e4 has 0 passages", "1 grants opened by 2 pulses"],
            id="a grant without an end",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(5, passage(5, 3, "unused", 20))),
            ["a passage names e3, which granted nothing", "grant e4 has 0 passages"],
            id="a passage of a refusal",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(5, passage(5, 4, "turned", 20))),
            ["whoever stays was recorded as turned: the turnstile saw unused"],
            id="an outcome that the turnstile did not see",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(7, event(7, "audit", what="something"))),
            ["1 broke through: 1 passages without a grant, 1 forced, 0 alarms"],
            id="nobody was told of whoever broke through",
        ),
        pytest.param(
            replace(SOUND, stored=with_stored(7, event(7, "audit", what="refusals_folded", counts={"forged": 2})), forced_ns=()),
            [
                "refusals were counted instead of recorded: [{'forged': 2}]",
                "0 broke through: 1 passages without a grant, 1 forced, 0 alarms",
            ],
            id="refusals that were folded",
        ),
        pytest.param(
            replace(SOUND, pulses=(SOUND.pulses[0], (20 * NS, 24 * NS))),
            ["the relay was on for 4.00 s, 3 s are its maximum"],
            id="the relay on for too long",
        ),
        pytest.param(
            replace(SOUND, pulses=(SOUND.pulses[0], (20 * NS, None))),
            ["the relay never went off, 3 s are its maximum"],
            id="the relay on for ever",
        ),
        pytest.param(
            replace(SOUND, stored=STORED[:-1], waiting=1),
            [
                "the recorder has 6 of 7 events, and lacks [7]",
                "1 events were never confirmed",
                "1 broke through: 1 passages without a grant, 1 forced, 0 alarms",
            ],
            id="an event that the recorder lacks",
        ),
    ],
)
def test_what_is_not_as_it_should_be_is_found(evidence: Evidence, expected: list[str]) -> None:
    assert violations(evidence, max_on_s=MAX_ON_S) == expected
