"""A tripod turnstile and those for whom it is released: pure, time passed in.

It reacts to the relay's edge alone: unlocked from then on until somebody has turned it, or nobody has for nearly ``unlocked_s``. Who pushes
a locked arm is held by it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from device.clock import NS
from tests.soak.people.crowd import Pace


class Gait(StrEnum):
    """How somebody goes for whom the turnstile was released."""

    WALKS = "walks"
    DAWDLES = "dawdles"  # pushes when the arm is locked again
    STAYS = "stays"  # never goes
    IS_FOLLOWED = "is followed"  # somebody pushes right behind, and is held by the arm


OFTEN: dict[Gait, int] = {Gait.WALKS: 78, Gait.DAWDLES: 5, Gait.STAYS: 7, Gait.IS_FOLLOWED: 10}
BEHIND_S = 0.1
LATE_S = 0.3
LOCKS_BEFORE_S = 0.25
"""So much sooner than the gate gives somebody up the arm is locked: what it says then is on time, on a busy machine too."""
COMES_ROUND_S = 0.1
"""After the contact has opened the next arm is in its place: nobody can turn it sooner."""


@dataclass(slots=True)
class Release:
    """The relay went on at ``at_ns``, and somebody turned the arm, or nobody did."""

    at_ns: int
    gait: Gait
    turned_ns: int | None = None


class Tripod:
    def __init__(self, pace: Pace, *, seed: int) -> None:
        self._pace = pace
        self._chance = random.Random(seed)
        self._unlocked_until_ns = 0
        self.releases: list[Release] = []
        self.at_rest_ns = 0  # until then it is turning
        self.held_back = 0  # pushes against the locked arm

    def is_unlocked(self, now_ns: int) -> bool:
        return now_ns < self._unlocked_until_ns

    def release(self, at_ns: int) -> list[int]:
        """The relay's edge; answers with the moments at which somebody will push."""
        gait = self._chance.choices(list(OFTEN), list(OFTEN.values()))[0]
        self._unlocked_until_ns = at_ns + int((self._pace.unlocked_s - LOCKS_BEFORE_S) * NS)
        self.releases.append(Release(at_ns, gait))
        goes_s = self._chance.uniform(*self._pace.goes_after_s)
        pushes_s = {
            Gait.WALKS: [goes_s],
            Gait.IS_FOLLOWED: [goes_s, goes_s + self._pace.contact_s + BEHIND_S],
            Gait.DAWDLES: [self._pace.unlocked_s + LATE_S],
            Gait.STAYS: [],
        }
        return [at_ns + int(after_s * NS) for after_s in pushes_s[gait]]

    def push(self, now_ns: int) -> bool:
        """Somebody pushes the arm, which is at rest; does it turn?"""
        if not self.is_unlocked(now_ns):
            self.held_back += 1
            return False
        self._unlocked_until_ns = 0
        self.at_rest_ns = now_ns + int((self._pace.contact_s + COMES_ROUND_S) * NS)
        self.releases[-1].turned_ns = now_ns
        return True
