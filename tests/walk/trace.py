"""One walk: a lane and what happened there. One that ends badly is made as short as it can be."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace

from device.turnstile.lane import Lane
from device.turnstile.machine import Turnstile
from tests.walk.lanes import name
from tests.walk.steps import Step, draw
from tests.walk.world import Make, World


@dataclass(frozen=True, slots=True)
class Trace:
    lane: Lane
    steps: tuple[Step, ...]
    wired: bool = False

    def __str__(self) -> str:
        return "\n".join([f"{name(self.lane)}{', by contacts that bounce' if self.wired else ''}", *(f"  {step}" for step in self.steps)])


def drawn(chance: random.Random, lane: Lane, length: int) -> Trace:
    return Trace(lane, tuple(draw(chance, lane) for _ in range(length)), wired=chance.random() < 0.5)


def wrong_in(trace: Trace, make: Make = Turnstile, tally: Counter[str] | None = None) -> str | None:
    """What is violated, ``None`` where nothing is; an error of the turnstile's own is a violation too. ``tally`` counts what came about."""
    return _wrong_at(trace, make, Counter() if tally is None else tally)[0]


def _wrong_at(trace: Trace, make: Make, tally: Counter[str]) -> tuple[str | None, int]:
    played = 0
    try:
        world = World(trace.lane, wired=trace.wired, make=make)
        for played, step in enumerate(trace.steps, 1):  # noqa: B007 - where it stopped
            world.play(step)
        world.rest()
        tally.update(world.tally)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was sought
        return f"{type(error).__name__}: {error}", played
    return None, played


def shortest(trace: Trace, make: Make = Turnstile) -> Trace:
    """The same violation by as few steps as can be, and as plain ones."""
    wrong, played = _wrong_at(trace, make, Counter())
    trace = replace(trace, steps=trace.steps[:played])
    size = len(trace.steps)
    while size:
        at = 0
        while at < len(trace.steps):
            shorter = replace(trace, steps=trace.steps[:at] + trace.steps[at + size :])
            if wrong_in(shorter, make) == wrong:
                trace = shorter
            else:
                at += size
        size //= 2
    for at, step in enumerate(trace.steps):
        for plainer in (replace(step, later_ns=0, in_time=True), replace(step, in_time=True), replace(step, later_ns=0)):
            plain = replace(trace, steps=(*trace.steps[:at], plainer, *trace.steps[at + 1 :]))
            if plainer != trace.steps[at] and wrong_in(plain, make) == wrong:
                trace = plain
                break
    return trace
