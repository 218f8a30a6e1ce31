"""Who comes to the turnstile, when, and what they hold up: drawn from a seed, the same every time. Pure.

People come as a Poisson process does, given how many there are. At the code's place they queue; whom the lane is released for, and
whether he goes, is not theirs to plan (``tripod.py``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.gates import Issuer

ISSUER, STRANGER = Issuer(seed=7), Issuer(seed=8)
LONG_AGO_S = 1_640_000_000  # December 2021
PAYMENT = b"00020101021138540010A00000072701240006970436011000000000000208QRIBFTTA53037045802VN6304BF8F"  # bank and shop do not exist
TAG = b"999 on a piece of luggage"


class Manner(StrEnum):
    """What somebody does at the code's place."""

    HOLDS = "holds"
    LEAVES_EARLY = "leaves early"  # the code is seen once
    SHOWS_AGAIN = "shows again"  # the code leaves the view and comes back: a presentation of its own
    TOGETHER = "together"  # two passes in one view: one presentation
    JOINS = "joins"  # a second pass beside one that is held: a presentation of its own
    WITH_JUNK = "with junk"  # a payment code beside the pass belongs to it
    FORGED = "forged"
    EXPIRED = "expired"
    PAYMENT = "payment"
    LUGGAGE_TAG = "luggage tag"


OFTEN: dict[Manner, int] = {
    Manner.HOLDS: 60,
    Manner.LEAVES_EARLY: 6,
    Manner.SHOWS_AGAIN: 6,
    Manner.TOGETHER: 4,
    Manner.JOINS: 4,
    Manner.WITH_JUNK: 4,
    Manner.FORGED: 4,
    Manner.EXPIRED: 4,
    Manner.PAYMENT: 5,
    Manner.LUGGAGE_TAG: 3,
}
"""Of a hundred. Refusals stay far below the 30 a minute that are recorded singly."""

MAKES_TWO = frozenset({Manner.SHOWS_AGAIN, Manner.JOINS})


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast everything goes; ``unlocked_s`` is how long the turnstile waits for whom it was released for."""

    hold_s: tuple[float, float] = (1.0, 4.0)
    glimpse_s: float = 0.15
    gap_s: float = 0.3  # from one code's leaving to the next one's coming
    goes_after_s: tuple[float, float] = (0.3, 3.0)
    unlocked_s: float = 5.0
    contact_s: float = 0.3
    pulse_s: float = 0.5
    max_on_s: float = 3.0
    settle_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Held:
    """One code, in view from ``from_s`` to ``until_s`` of its showing. ``counts``: it makes a presentation of its own."""

    payload: bytes = field(repr=False)
    from_s: float
    until_s: float
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Showing:
    """Somebody, or two, at the code's place: not before ``at_s``, and when those before are gone."""

    at_s: float
    manner: Manner
    held: tuple[Held, ...]

    @property
    def presentations(self) -> int:
        return sum(each.counts for each in self.held)

    @property
    def length_s(self) -> float:
        return max(each.until_s for each in self.held)


@dataclass(frozen=True, slots=True)
class Forcing:
    """Somebody breaks through the closed turnstile, as soon after ``at_s`` as nobody else is about."""

    at_s: float


Plan = list[Showing | Forcing]


@dataclass(frozen=True, slots=True)
class Rush:
    """So many presentations a minute for so long, and so many who break through meanwhile."""

    per_minute: float
    for_s: float
    forced: int = 1

    @property
    def presentations(self) -> int:
        return round(self.per_minute * self.for_s / 60)


def plan(rushes: Sequence[Rush], pace: Pace, *, seed: int) -> Plan:
    """One rush after another, in order of time."""
    chance = random.Random(seed)
    coming: Plan = []
    begin_s = 0.0
    for rush in rushes:
        shown = list(_showings(rush.presentations, pace, chance))
        moments = sorted(begin_s + chance.uniform(0, rush.for_s) for _ in shown)
        coming += [Showing(at_s, manner, held) for at_s, (manner, held) in zip(moments, shown, strict=True)]
        coming += [Forcing(begin_s + chance.uniform(0.1, 0.9) * rush.for_s) for _ in range(rush.forced)]
        begin_s += rush.for_s
    return sorted(coming, key=lambda each: each.at_s)


def _showings(presentations: int, pace: Pace, chance: random.Random) -> Iterator[tuple[Manner, tuple[Held, ...]]]:
    left, number = presentations, 0
    while left:
        manner = chance.choices(list(OFTEN), list(OFTEN.values()))[0]
        if manner in MAKES_TWO and left < 2:
            continue
        number += 1
        held = held_up(manner, number, pace, chance)
        left -= sum(each.counts for each in held)
        yield manner, held


def held_up(manner: Manner, number: int, pace: Pace, chance: random.Random) -> tuple[Held, ...]:
    """What the ``number``-th of a crowd holds up, and when."""
    low, high = pace.hold_s
    hold_s = min(low + chance.expovariate(2 / low), high)  # until the answer; few hold on for long
    first = Held(_payload(manner, number), 0, pace.glimpse_s if manner is Manner.LEAVES_EARLY else hold_s)
    match manner:
        case Manner.SHOWS_AGAIN:
            return first, Held(first.payload, hold_s + pace.gap_s, 2 * hold_s + pace.gap_s)
        case Manner.TOGETHER:
            return first, Held(ISSUER.issue(2 * number + 1), 0, hold_s, counts=False)
        case Manner.JOINS:
            return first, Held(ISSUER.issue(2 * number + 1), hold_s / 2, hold_s)
        case Manner.WITH_JUNK:
            return first, Held(PAYMENT, 0, hold_s, counts=False)
        case _:
            return (first,)


def _payload(manner: Manner, number: int) -> bytes:
    match manner:
        case Manner.FORGED:
            claimed, _, _ = ISSUER.issue(2 * number).rpartition(b".")
            _, _, signature = STRANGER.issue(2 * number).rpartition(b".")
            return claimed + b"." + signature
        case Manner.EXPIRED:
            return ISSUER.issue(2 * number, valid_until_s=LONG_AGO_S)
        case Manner.PAYMENT:
            return PAYMENT
        case Manner.LUGGAGE_TAG:
            return TAG
        case _:
            return ISSUER.issue(2 * number)
