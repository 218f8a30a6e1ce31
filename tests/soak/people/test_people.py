"""The short form of ``make soak ARGS="people"``, and the proof that it would notice a presentation that is not decided."""

from __future__ import annotations

from pathlib import Path

from tests.soak import growth
from tests.soak.people.crowd import Pace, Rush, plan
from tests.soak.people.street import OVERLOOKED, Street
from tests.soak.people.trial import overlook
from tests.soak.people.verdict import violations
from tests.soak.trial import sample

HASTE = Pace(
    hold_s=(0.15, 0.6),
    glimpse_s=0.05,
    gap_s=0.1,
    goes_after_s=(0.06, 0.4),
    unlocked_s=1.5,
    contact_s=0.06,
    pulse_s=0.1,
    max_on_s=0.5,
    settle_s=0.1,
)
RUSH = Rush(per_minute=120, for_s=12)
SEED = 3
LET_IN_LEAST = 10
FORCED_LEAST_S = 6.0
"""The crowd makes way for so long for whoever breaks through: a sample is taken less often."""


def test_each_presentation_is_decided_once_and_each_grant_ends_once_and_one_that_is_overlooked_is_found(tmp_path: Path) -> None:
    samples: list[growth.Sample] = []
    with Street(tmp_path, HASTE, seed=SEED) as street:

        def look(at_s: float) -> None:
            if at_s >= len(samples) * FORCED_LEAST_S:
                samples.append(sample(street.process_id, at_s, len(street.shown)))

        street.play(plan([RUSH], HASTE, seed=SEED), look)
        evidence = street.evidence()
        overlook(street, HASTE)
        overlooked = street.evidence()
    assert violations(evidence, max_on_s=HASTE.max_on_s) == []
    assert len(evidence.shown) == RUSH.presentations
    assert len(evidence.releases) >= LET_IN_LEAST
    assert len(evidence.forced_ns) == RUSH.forced
    assert ({each.threads for each in samples}, {each.descriptors for each in samples}) == ({samples[0].threads}, {samples[0].descriptors})
    assert violations(overlooked, max_on_s=HASTE.max_on_s) == [f"presentation {OVERLOOKED} has 0 decisions"]
