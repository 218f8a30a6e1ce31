"""Who waits for the lane: codes that could be let through while somebody is still in it.

Whoever wants out is called before whoever wants in, and nobody waits for longer than ``LANE_WAIT_NS``. Nothing is decided
here, and nothing is written down: a gate that starts again decides anew whoever is still there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from device.admission.presentations import Presentation
from device.clock import NS
from device.domain import Direction

LANE_WAIT_NS = 3 * NS
"""So long a code that could be let through waits for whoever is in the lane; then its bearer is told to show it once more."""

LANE_WAITING_MAX = 4


@dataclass(frozen=True, slots=True)
class Waiting:
    """A presentation that could be let through ``direction``, if the lane were free before ``until_ns``."""

    presentation: Presentation
    direction: Direction
    until_ns: int


class LaneWait:
    def __init__(self) -> None:
        self._waiting: list[Waiting] = []

    def add(self, newcomer: Waiting) -> Waiting | None:
        """Answers with the one for whom there is no room: the last who wants in if the newcomer wants out, else the newcomer."""
        self._waiting.append(newcomer)
        if len(self._waiting) <= LANE_WAITING_MAX:
            return None
        last = next((each for each in reversed(self._waiting) if each.direction is not Direction.EXIT), newcomer)
        self._waiting.remove(last)
        return last

    def call(self) -> Waiting | None:
        """Takes away the one whose turn it is, now that the lane is free."""
        if not self._waiting:
            return None
        called = next((each for each in self._waiting if each.direction is Direction.EXIT), self._waiting[0])
        self._waiting.remove(called)
        return called

    def overdue(self, now_ns: int) -> Iterator[Waiting]:
        """Takes away those who have waited long enough, one after another."""
        for each in [each for each in self._waiting if now_ns >= each.until_ns]:
            self._waiting.remove(each)
            yield each

    def forget(self) -> None:
        """The gate ends."""
        self._waiting.clear()
