"""What the processes that play gates tell: counts of their own, again and again, which are added up here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """Of one process, or of all. Counts since the beginning, but for ``up`` and ``waiting``, which are of this moment."""

    at_ns: int
    """What happened until then is in it, monotonic nanoseconds; of all: the earliest. A process without processor time tells nothing new."""
    up: int
    """Gates with a session in which events go out."""
    made: int
    confirmed: int
    waiting: int
    """Events that happened and are not confirmed."""
    refused: int
    oldest_ns: int | None
    """When the oldest of those that wait happened, monotonic nanoseconds."""
    delays_ms: tuple[int, ...] = ()
    """From event to confirmation, of those confirmed since the last sample."""


NOTHING = Sample(at_ns=0, up=0, made=0, confirmed=0, waiting=0, refused=0, oldest_ns=None)
"""At the beginning."""

Made = dict[tuple[str, str], int]
"""Gate and epoch -> its last sequence: what a process tells when it leaves."""


def together(samples: Iterable[Sample]) -> Sample:
    """Of the whole fleet."""
    each = list(samples)
    return Sample(
        at_ns=min((one.at_ns for one in each), default=0),
        up=sum(one.up for one in each),
        made=sum(one.made for one in each),
        confirmed=sum(one.confirmed for one in each),
        waiting=sum(one.waiting for one in each),
        refused=sum(one.refused for one in each),
        oldest_ns=min((one.oldest_ns for one in each if one.oldest_ns is not None), default=None),
        delays_ms=tuple(delay for one in each for delay in one.delays_ms),
    )


def percentile(values: Sequence[int], percent: float) -> int | None:
    """The smallest of ``values`` that ``percent`` of them do not exceed; ``None`` where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else None
