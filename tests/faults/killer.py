"""Who is killed when: at a point of the work, while the relay is on, or at any instant."""

from __future__ import annotations

import queue
import random
import time
from collections import Counter
from collections.abc import Callable
from itertools import cycle

from tests.faults.points import POINTS
from tests.faults.world import PARTS, PROVINCE, PULSE_S, World

AIMED, WHILE_ON = 0.5, 0.2
"""Shares of the kills; the rest is at random instants."""

AT_RANDOM, RELAY_IS_ON = "at any instant", "while the relay is on"
POINT_WITHIN_S = 3.0
RELAY_WITHIN_S = 1.5
AWAY_S = 0.8
"""Broker and recorder stay away for so long at most. The gate's three are started again by its launcher."""

Killed = Counter[tuple[str, str]]
"""How often (when, victim)."""


class Killer:
    def __init__(self, world: World, *, seed: int) -> None:
        self.killed: Killed = Counter()
        self._world = world
        self._chance = random.Random(seed)
        aims = [(name, victim) for name, point in POINTS.items() for victim in point.victims]
        self._chance.shuffle(aims)
        self._aims = cycle(aims)
        self._down: queue.PriorityQueue[tuple[float, str]] = queue.PriorityQueue()

    def kill(self, times: int, progress: Callable[[], None]) -> None:
        """Kill so often, and leave broker and recorder running at the end."""
        while self.killed.total() < times:
            if deed := self._deed():
                self.killed[deed] += 1
                progress()
                if deed[1] in PROVINCE:
                    self._down.put((time.monotonic() + self._chance.uniform(0.0, AWAY_S), deed[1]))
            self._start_due()
        while not self._down.empty():
            self._world.start(self._down.get()[1])

    def _start_due(self) -> None:
        while not self._down.empty() and self._down.queue[0][0] <= time.monotonic():
            self._world.start(self._down.get()[1])

    def _deed(self) -> tuple[str, str] | None:
        """One kill, if it came about: when, and whom."""
        share = self._chance.random()
        if share < AIMED and self._down.empty():
            point, victim = next(self._aims)
            return (point, victim) if self._world.kill_at(point, victim, within_s=POINT_WITHIN_S) else None
        if share < AIMED + WHILE_ON:
            self._world.relay_went_on.clear()
            if not self._world.relay_went_on.wait(RELAY_WITHIN_S):
                return None
            time.sleep(self._chance.uniform(0.0, PULSE_S))  # a random instant of the pulse
            when, victim = RELAY_IS_ON, "gate"
        else:
            time.sleep(self._chance.uniform(0.1, 0.8))  # a random instant is what this test is made of
            when, victim = AT_RANDOM, self._chance.choice((*PARTS, *PROVINCE))
        return (when, victim) if self._world.kill(victim) else None
