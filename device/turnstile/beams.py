"""Two light barriers, one behind the other: has somebody gone through, which way, and how many?

    in:   outer ▁▁████▁▁▁▁     out: outer ▁▁▁▁████▁▁    turned back: outer ▁██████▁▁
          inner ▁▁▁▁████▁▁          inner ▁▁████▁▁▁▁                 inner ▁▁▁██▁▁▁▁

Who breaks the first beam, then the second, and leaves by the second, has gone through; who leaves by the first has turned
back. The beams cannot tell a child from a trolley: of several bodies without a gap they only know how often each was broken.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from device.domain import Direction
from device.turnstile.lane import NS_PER_S, Sensor

GAP_NS = 3 * NS_PER_S // 2
"""Beams further apart than a body is deep are broken one after the other; a slow walker needs no longer from one to the next."""

WAY_BY_FIRST = {Sensor.OUTER_BEAM: Direction.ENTRY, Sensor.INNER_BEAM: Direction.EXIT}


@dataclass(frozen=True, slots=True)
class Walked:
    """So many bodies went through. ``way`` is ``None`` where only one beam is fitted."""

    way: Direction | None
    bodies: int
    began_ns: int
    ended_ns: int


@dataclass(slots=True)
class _Visit:
    """From the first broken beam until both are whole again."""

    first: Sensor
    began_ns: int
    broken: dict[Sensor, int] = field(default_factory=lambda: {Sensor.OUTER_BEAM: 0, Sensor.INNER_BEAM: 0})  # how often


class Beams:
    """``pair``: are both fitted?"""

    def __init__(self, *, pair: bool) -> None:
        self._pair = pair
        self._broken: set[Sensor] = set()
        self._visit: _Visit | None = None
        self._before: tuple[_Visit, int] | None = None  # one that broke a single beam, and when it ended
        self.broken_since_ns: int | None = None

    def change(self, beam: Sensor, at_ns: int, *, broken: bool) -> Walked | None:
        """``beam`` was broken, or is whole again; whoever has gone through by that."""
        if broken:
            if self._visit is None:
                self._visit = _Visit(beam, at_ns)
                self.broken_since_ns = at_ns
            self._visit.broken[beam] += 1
            self._broken.add(beam)
            return None
        self._broken.discard(beam)
        if self._broken or self._visit is None:
            return None
        visit, self._visit, self.broken_since_ns = self._visit, None, None
        return self._walked(visit, last=beam, ended_ns=at_ns)

    def forget(self) -> None:
        """A beam is stuck: what it said of the present visit is worth nothing."""
        self._broken.clear()
        self._visit, self._before, self.broken_since_ns = None, None, None

    def _walked(self, visit: _Visit, *, last: Sensor, ended_ns: int) -> Walked | None:
        if not self._pair:
            return Walked(None, 1, visit.began_ns, ended_ns)
        before, self._before = self._before, None
        if min(visit.broken.values()) > 0:
            return Walked(WAY_BY_FIRST[visit.first], visit.broken[last], visit.began_ns, ended_ns) if last is not visit.first else None
        if before is not None and before[0].first is not visit.first and visit.began_ns - before[1] <= GAP_NS:
            return Walked(WAY_BY_FIRST[before[0].first], 1, before[0].began_ns, ended_ns)
        self._before = (visit, ended_ns)
        return None
