"""One crowd at a real gate: what was brought about, what is left of it, and what the kernel says of the gate meanwhile."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.soak import growth
from tests.soak.growth import Sample
from tests.soak.people.crowd import Manner, Pace, Rush, Showing, held_up, plan
from tests.soak.people.street import Street
from tests.soak.people.verdict import Evidence, violations
from tests.soak.trial import sample

NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Trial:
    evidence: Evidence
    samples: Sequence[Sample]
    broken: list[str]
    behind_s: float


def try_out(folder: Path, rushes: Sequence[Rush], pace: Pace, *, seed: int, every_s: float, progress: Callable[[Sample], None]) -> Trial:
    """A sample of the gate ``every_s``."""
    with Street(folder, pace, seed=seed) as street:
        samples: list[Sample] = []

        def look(at_s: float) -> None:
            if at_s >= len(samples) * every_s:
                samples.append(sample(street.process_id, at_s, len(street.shown)))
                progress(samples[-1])

        street.play(plan(rushes, pace, seed=seed), look)
        evidence = street.evidence()
    return Trial(evidence, samples, violations(evidence, max_on_s=pace.max_on_s), street.behind_s)


def overlook(street: Street, pace: Pace) -> None:
    """Somebody shows his code twice, and the reader takes it for once."""
    held = held_up(Manner.SHOWS_AGAIN, 1, pace, random.Random(1))
    street.play([Showing(0.0, Manner.SHOWS_AGAIN, held)], rearms=False)


def table(trial: Trial, *, growth_max_mb_h: float) -> dict[str, Any]:
    """The figures of ``trial``, by name; ``faults`` is empty where all is as it should be."""
    evidence, after = trial.evidence, growth.warmed_up(trial.samples)
    decided = [data for _, data in evidence.data("decision")]
    on_s = [(off_ns - on_ns) / NS_PER_S for on_ns, off_ns in evidence.pulses if off_ns is not None]
    minutes = trial.samples[-1].at_s / 60
    return {
        "minutes": round(minutes, 1),
        "presentations": len(evidence.shown),
        "decisions": len(decided),
        "decisions_by_reason": _by(data["reason"] for data in decided),
        "grants": sum(data["admit"] for data in decided),
        "passages_by_outcome": _by(data["outcome"] for _, data in evidence.data("passage")),
        "releases_by_gait": _by(release.gait for release in evidence.releases),
        "forced_turns": len(evidence.forced_ns),
        "relay_on_longest_s": round(max(on_s, default=0.0), 3),
        "queued_longest_s": round(trial.behind_s, 1),
        "events": evidence.last_sequence,
        "unconfirmed": evidence.waiting,
        "growth_mb_h": round(growth.slope_mb_h(after), 3),
        "growth_judged": growth.judged(after),
        "private_mb_first": round(after[0].pss_kib / growth.KIB_A_MB, 2),
        "private_mb_last": round(after[-1].pss_kib / growth.KIB_A_MB, 2),
        "threads": sorted({each.threads for each in after}),
        "descriptors": sorted({each.descriptors for each in after}),
        "faults": trial.broken + growth.faults(trial.samples, growth_max_mb_h=growth_max_mb_h),
    }


def _by(names: Any) -> dict[str, int]:
    return dict(sorted(Counter(map(str, names)).items()))
