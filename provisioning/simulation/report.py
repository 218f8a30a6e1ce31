"""What came of a run, in figures and in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from provisioning.simulation.count import Count
from provisioning.simulation.servers import Cost


@dataclass(frozen=True, slots=True)
class Load:
    """A rate, and how long events waited for their confirmation, milliseconds; ``None`` where there were none."""

    asked_per_s: float
    confirmed_per_s: float
    p50_ms: int | None
    p99_ms: int | None


@dataclass(frozen=True, slots=True)
class Outage:
    """The broker was away for ``away_s``. Seconds from when it was back; ``None``: not in time."""

    away_s: float
    waited: int
    """Events, the most at once."""
    back_s: float | None
    """… until every gate had a session."""
    settled_s: float | None
    """… until every event of before was confirmed."""


@dataclass(frozen=True, slots=True)
class Report:
    """Seconds are ``None`` where it did not come about in time."""

    gates: int
    connect_s: float | None
    load: Load
    greatest: Load | None
    outage: Outage | None
    drained_s: float | None
    refused: int

    def held(self, count: Count) -> bool:
        """Nothing lost, and every storm settled."""
        settled = self.outage is None or self.outage.settled_s is not None
        return self.connect_s is not None and settled and self.drained_s is not None and not count.lost and not self.refused

    def document(self, count: Count, costs: dict[str, Cost]) -> dict[str, Any]:
        return {"held": self.held(count), **asdict(self), **asdict(count), **{name: asdict(cost) for name, cost in costs.items()}}

    def lines(self, count: Count, costs: dict[str, Cost]) -> Iterator[str]:
        yield f"gates      {self.gates}, all connected {_after(self.connect_s)}"
        yield f"load       {_told(self.load)}"
        if self.greatest:
            yield f"greatest   {_told(self.greatest)}"
        if self.outage:
            yield f"outage     the broker was away for {self.outage.away_s:.0f} s, and up to {self.outage.waited} events waited"
            yield f"           all gates were back {_after(self.outage.back_s)}, all that waited was confirmed {_after(self.outage.settled_s)}"
        yield f"stored     {count.stored} events, {count.lost} lost, {self.refused} refused, {count.alarms} alarms"
        yield f"           when nobody came any more, the last was confirmed {_after(self.drained_s)}"
        for name, cost in costs.items():
            yield f"{name:10} {cost.cpu_s:.1f} s of processor time, {cost.memory_mib:.0f} MiB"
        yield "verdict    " + ("held: nothing lost, every storm settled" if self.held(count) else "NOT held")


def _after(passed_s: float | None) -> str:
    return "NOT in time" if passed_s is None else f"after {passed_s:.1f} s"


def _told(load: Load) -> str:
    delays = (
        f"50 of 100 within {load.p50_ms / 1000:.2f} s, 99 within {load.p99_ms / 1000:.2f} s"
        if load.p50_ms is not None and load.p99_ms is not None
        else "none"
    )
    return f"{load.asked_per_s:.0f} events a second asked, {load.confirmed_per_s:.0f} confirmed: {delays}"
