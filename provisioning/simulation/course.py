"""The run: everybody comes at once, then an ordinary day, the greatest rate if it is asked for, and an outage of the broker."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from provisioning.simulation.fleet import Fleet
from provisioning.simulation.report import Load, Outage, Report
from provisioning.simulation.samples import NOTHING, Sample, percentile
from provisioning.simulation.servers import Server

NS = 1_000_000_000
LOOK_S = 0.5
SETTLES_S = 120.0
"""A storm has to be over by then."""
DELAY_MAX_MS, SHARE_LEAST = 5000, 0.95
"""A rate is kept up as long as 99 of 100 events are confirmed within this time, and so many are confirmed as happen, but for chance."""
RUN_IN_S, STEP_S = 5.0, 20.0
"""How long each rate is tried, and measured after that."""
FINER = 3
"""Between the last rate that was kept up and the first that was not, so many more are tried."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Times in seconds. Without ``outage_at_s`` the broker is left alone; it counts from when all gates are connected."""

    gates: int
    events_per_s: float
    load_s: float
    outage_at_s: float | None
    outage_s: float
    find_rate: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """One look at the fleet, for the picture."""

    at_s: float
    up: int
    confirmed_per_s: float
    waiting: int


def is_kept_up(load: Load) -> bool:
    within = load.p99_ms is not None and load.p99_ms <= DELAY_MAX_MS
    return within and load.confirmed_per_s >= SHARE_LEAST * load.asked_per_s


@dataclass(slots=True)
class Course:
    """``run`` once. ``say`` gets a line now and then, ``moments`` what was seen until now."""

    plan: Plan
    fleet: Fleet
    broker: Server | None
    say: Callable[[str], None]
    moments: list[Moment] = field(default_factory=list)
    _began_s: float = field(default_factory=time.monotonic)
    _seen: Sample = NOTHING
    _seen_s: float = field(default_factory=time.monotonic)

    def run(self) -> Report:
        """Raises ContactError where a process ends or the broker does not start again."""
        plan = self.plan
        connect_s = self._until(lambda seen: seen.up == plan.gates, SETTLES_S)
        self.say("not all gates came" if connect_s is None else f"all {plan.gates} gates are connected after {connect_s:.1f} s")
        self.fleet.pace(plan.events_per_s)
        before_s = plan.load_s if plan.outage_at_s is None else min(plan.outage_at_s, plan.load_s)
        load = self._load(plan.events_per_s, before_s)
        self.say(f"{load.confirmed_per_s:.0f} events a second confirmed, 99 of 100 within {(load.p99_ms or 0) / 1000:.2f} s")
        outage = None
        if self.broker is not None and plan.outage_at_s is not None:
            outage = self._outage(self.broker)
            self._load(plan.events_per_s, plan.load_s - before_s)
        greatest = self._greatest(plan.events_per_s) if plan.find_rate else None
        self.fleet.pace(0)
        drained_s = self._until(lambda seen: seen.waiting == 0, SETTLES_S)
        return Report(
            gates=plan.gates, connect_s=connect_s, load=load, greatest=greatest, outage=outage, drained_s=drained_s, refused=self._seen.refused
        )

    # --- the parts of it ---------------------------------------------------------------------------------------

    def _load(self, events_per_s: float, for_s: float) -> Load:
        """The fleet has this pace already."""
        first, first_s, delays_ms = self._seen, self._seen_s, list[int]()
        self._watch(for_s, delays_ms)
        passed_s = self._seen_s - first_s
        return Load(
            asked_per_s=events_per_s,
            confirmed_per_s=(self._seen.confirmed - first.confirmed) / passed_s if passed_s else 0.0,
            p50_ms=percentile(delays_ms, 50),
            p99_ms=percentile(delays_ms, 99),
        )

    def _greatest(self, from_per_s: float) -> Load | None:
        """Twice the rate as long as it is kept up, then finer steps. Between two of them, nobody waits any more."""
        kept, failed_per_s, rate_per_s = None, None, max(from_per_s, 10.0)
        steps = FINER
        while steps > 0:
            load, is_kept = self._try(rate_per_s)
            self.say(f"{rate_per_s:.0f} events a second: {'kept up' if is_kept else 'too many'}, 99 of 100 within {(load.p99_ms or 0) / 1000:.2f} s")
            if is_kept:
                kept = load
            else:
                failed_per_s = rate_per_s
            steps -= failed_per_s is not None
            if failed_per_s is None:
                rate_per_s *= 2
            else:
                rate_per_s = (failed_per_s + (kept.asked_per_s if kept else 0)) / 2
        return kept

    def _try(self, rate_per_s: float) -> tuple[Load, bool]:
        self.fleet.pace(0)
        self._until(lambda seen: seen.waiting == 0, SETTLES_S)
        self.fleet.pace(rate_per_s)
        self._watch(RUN_IN_S)
        load = self._load(rate_per_s, STEP_S)
        return load, is_kept_up(load)

    def _outage(self, broker: Server) -> Outage:
        broker.kill()
        first = len(self.moments)
        self.say(f"the broker is killed, for {self.plan.outage_s:.0f} s")
        self._watch(self.plan.outage_s)
        broker.start()
        back_ns = time.monotonic_ns()
        self.say("it is there again")
        back_s = self._until(lambda seen: seen.up == self.plan.gates, SETTLES_S)
        left_s = SETTLES_S - (time.monotonic_ns() - back_ns) / NS
        settled = back_s is not None and self._until(lambda seen: seen.oldest_ns is None or seen.oldest_ns >= back_ns, left_s) is not None
        settled_s = (time.monotonic_ns() - back_ns) / NS if settled else None
        waited = max(moment.waiting for moment in self.moments[first:])
        self.say(
            "the storm did not settle"
            if settled_s is None
            else f"all are back after {back_s:.1f} s, all that waited is confirmed after {settled_s:.1f} s"
        )
        return Outage(self.plan.outage_s, waited, back_s, settled_s)

    # --- looking -----------------------------------------------------------------------------------------------

    def _watch(self, for_s: float, delays_ms: list[int] | None = None) -> None:
        limit_s = time.monotonic() + for_s
        while (left_s := limit_s - time.monotonic()) > 0:
            self._look(min(LOOK_S, left_s))
            if delays_ms is not None:
                delays_ms += self._seen.delays_ms

    def _until(self, done: Callable[[Sample], bool], within_s: float) -> float | None:
        """How long it took until ``done`` of samples that were all taken since, or ``None``."""
        began_ns = time.monotonic_ns()
        while (passed_s := (time.monotonic_ns() - began_ns) / NS) < within_s:
            self._look(min(LOOK_S, within_s - passed_s))
            if self._seen.at_ns >= began_ns and done(self._seen):
                return (time.monotonic_ns() - began_ns) / NS
        return None

    def _look(self, within_s: float) -> None:
        seen = self.fleet.look(within_s)
        now_s = time.monotonic()
        per_s = (seen.confirmed - self._seen.confirmed) / (now_s - self._seen_s)
        self.moments.append(Moment(now_s - self._began_s, seen.up, per_s, seen.waiting))
        self._seen, self._seen_s = seen, now_s
