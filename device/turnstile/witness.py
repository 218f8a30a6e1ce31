"""What is to be said of people who go through without a grant: no more than the sensors know.

Somebody who went against a closed lane has *forced* it. Who went close behind somebody may be a child, and a trolley is no
person: *unidentified*. Who went later, while the lane was still closing, has *tailgated*. And whoever came in while he might, and was
slower than anybody waits for, is accused of nothing.
"""

from __future__ import annotations

from device.domain import Crossing, CrossingKind, Direction
from device.turnstile.beams import Walked
from device.turnstile.lane import NS_PER_S, Lane, LaneKind, Relay

ACCUSED_INTERVAL_NS = NS_PER_S
"""A sensor that chatters makes at most one alarm a second."""

CLOSE_BEHIND_NS = 800_000_000
"""A child at a hand, or a trolley behind its owner, is through within so long; at a walking pace that is one metre."""

BEHIND_NS = 3 * NS_PER_S
"""Flaps need so long to close behind somebody. Who goes through meanwhile has followed; who comes later has forced them."""


class Witness:
    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._turned_ns: int | None = None  # when the last person passed who might
        self._might_until_ns = 0
        self._accused_ns: int | None = None

    def passed(self, at_ns: int) -> None:
        """Somebody passed with a grant."""
        self._turned_ns = at_ns

    def might(self, until_ns: int) -> None:
        """Whoever came in until then might: by a grant that nobody had used yet, because the lane was free, or nobody knows."""
        self._might_until_ns = until_ns

    def sees(self, walked: Walked, now_ns: int, *, sure: bool) -> Crossing | None:
        """What ``walked`` was; ``None`` where it was told a moment ago. ``sure``: that anybody went through."""
        kind = self._kind(walked, sure=sure)
        if kind in {CrossingKind.FORCED, CrossingKind.TAILGATED}:
            if self._accused_ns is not None and now_ns - self._accused_ns < ACCUSED_INTERVAL_NS:
                return None
            self._accused_ns = now_ns
        return Crossing(kind, walked.way, walked.ended_ns, walked.bodies)

    def _kind(self, walked: Walked, *, sure: bool) -> CrossingKind:
        if walked.way is Direction.EXIT and Relay.EXIT not in self._lane.relays:
            return CrossingKind.COUNTED  # out is nobody's business but the lane's own mechanics
        if not sure or self._lane.kind is LaneKind.NONE or walked.began_ns <= self._might_until_ns:
            return CrossingKind.UNIDENTIFIED
        behind_ns = None if self._turned_ns is None else walked.ended_ns - self._turned_ns
        if self._lane.profile.one_by_one or behind_ns is None or behind_ns > BEHIND_NS:
            return CrossingKind.FORCED
        return CrossingKind.UNIDENTIFIED if behind_ns <= CLOSE_BEHIND_NS else CrossingKind.TAILGATED
