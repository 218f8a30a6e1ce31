"""Who goes through without a grant, recorded: singly at first, then folded into one record a minute.

A passage that was forced or tailgated is an alarm besides. A lane that stands free in a fire may see hundreds in a minute; who
showed a code there is recorded by it, and his steps through the beams are not counted once more.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from device.admission.budget import MINUTE_NS, SINGLY_A_MINUTE
from device.admission.folded import FoldedCounts
from device.admission.presence import Moment
from device.clock import NS
from device.domain import Crossing, CrossingKind, Direction, EventType
from device.gate.journal import Fact, Journal

ALARM_OF = {CrossingKind.FORCED: "turned_without_grant", CrossingKind.TAILGATED: "tailgated"}

WALKS_WITHIN_NS = 10 * NS
"""From the reader through a lane that stands free."""

ON_THEIR_WAY_MAX = 100

Way = tuple[CrossingKind, Direction | None]


@dataclass(slots=True)
class _OnTheirWay:
    """People who were recorded by a code that needed nothing to be opened."""

    people: int
    direction: Direction
    until_ns: int


class Crossings:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._folded: FoldedCounts[Way] = FoldedCounts(SINGLY_A_MINUTE, MINUTE_NS)
        self._last: Moment | None = None
        self._on_their_way: deque[_OnTheirWay] = deque(maxlen=ON_THEIR_WAY_MAX)

    def expect(self, people: int, direction: Direction, now_ns: int) -> None:
        """So many will walk through the free lane now who were recorded already."""
        self._on_their_way.append(_OnTheirWay(people, direction, now_ns + WALKS_WITHIN_NS))

    def add(self, crossing: Crossing, now: Moment) -> None:
        people = crossing.people - self._recorded_already(crossing, now.monotonic_ns)
        if people <= 0:
            return
        way: Way = (crossing.kind, crossing.direction)
        self._last = now
        if self._folded.folds(way, now.monotonic_ns, people):
            return
        self._journal.add(_fact(way, people, now, {"at_ns": crossing.at_ns}), now.monotonic_ns)
        if alarm := ALARM_OF.get(crossing.kind):
            self._journal.add(Fact(EventType.ALARM, {"what": alarm, "people": people}), now.monotonic_ns)

    def _recorded_already(self, crossing: Crossing, now_ns: int) -> int:
        if crossing.kind is not CrossingKind.COUNTED:
            return 0
        known = 0
        for each in self._on_their_way:
            if now_ns < each.until_ns and crossing.direction in {None, each.direction}:
                taken = min(each.people, crossing.people - known)
                each.people -= taken
                known += taken
        return known

    def catch_up(self, now_ns: int) -> None:
        """Record the minute that is over."""
        if self._last is None or not self._journal.has_room:
            return
        due = self._folded.due(now_ns)
        for way, people in due.items():
            self._journal.add(_fact(way, people, self._last, {"folded": True}), now_ns)
        self._folded.settle(due)


def _fact(way: Way, people: int, now: Moment, more: dict[str, Any]) -> Fact:
    """Out goes out of the count of who is inside; what nobody knows the way of is not counted there."""
    kind, direction = way
    data = {"outcome": kind, "direction": direction, "people": people, **more}
    change = {Direction.EXIT: -people, Direction.ENTRY: people}.get(direction, 0) if direction else 0
    return Fact(EventType.PASSAGE, data, counted=(change, now) if change else None)
