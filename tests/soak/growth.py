"""Does it grow? A robust slope through samples of memory. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

HOUR_S = 3600.0
WARM_UP_PART = 0.25
"""Of the whole time: caches fill, the allocator finds its size. Not more than ``WARM_UP_MAX_S``."""
WARM_UP_MAX_S = 600.0

JUDGED_S = 900.0
"""After the warm-up. Of a sound reader 0.12 MB still went up and down from minute to minute: what is shorter says nothing of a growth an hour."""

KIB_A_MB = 1024.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one process at one time, as the kernel tells. ``pss_kib`` counts shared pages by their share, ``done`` what it has worked off."""

    at_s: float
    pss_kib: int
    rss_kib: int
    threads: int
    descriptors: int
    done: int


def warmed_up(samples: Sequence[Sample]) -> list[Sample]:
    begin_s, end_s = samples[0].at_s, samples[-1].at_s
    from_s = begin_s + min(WARM_UP_PART * (end_s - begin_s), WARM_UP_MAX_S)
    return [each for each in samples if each.at_s >= from_s]


def slope_mb_h(samples: Sequence[Sample]) -> float:
    """Median of the slopes between all pairs (Theil and Sen): a third of the samples may be off, and it still tells the trend."""
    slopes = [
        (two.pss_kib - one.pss_kib) / (two.at_s - one.at_s)
        for number, one in enumerate(samples)
        for two in samples[number + 1 :]
        if two.at_s > one.at_s
    ]
    return statistics.median(slopes) * HOUR_S / KIB_A_MB if slopes else 0.0


def judged(after: Sequence[Sample]) -> bool:
    """Do the samples after the warm-up span enough time to say how memory grows?"""
    return after[-1].at_s - after[0].at_s >= JUDGED_S


def faults(samples: Sequence[Sample], *, growth_max_mb_h: float) -> list[str]:
    """What is not as it should be, after the warm-up. Growth counts only where it can be ``judged``."""
    after = warmed_up(samples)
    growth = slope_mb_h(after)
    found = [f"memory grows by {growth:.2f} MB/h, {growth_max_mb_h:g} are allowed"] if judged(after) and growth > growth_max_mb_h else []
    for name in ("threads", "descriptors"):
        counts = sorted({getattr(each, name) for each in after})
        if len(counts) > 1:
            found.append(f"{name} changed: {', '.join(map(str, counts))}")
    if len({each.done for each in after}) < len(after):
        found.append("nothing was done between two samples")
    return found
