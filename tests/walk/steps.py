"""What may happen at a lane, as values: one table, from which the walk draws at random and hypothesis draws to shrink."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from device.domain import Direction
from device.turnstile.contacts import NS_PER_MS
from device.turnstile.lane import Lane, Sensor
from device.turnstile.machine import Service


class What(StrEnum):
    """Named as the methods of ``World`` that do it."""

    GRANT = "grant"
    SENSE = "sense"
    WALK = "walk"
    JAM = "jam"
    ORDER = "order"
    ORDER_FREE = "order_free"
    CONTACT_CLOSES = "contact_closes"
    LOSE_RELAYS = "lose_relays"
    REACH_RELAYS = "reach_relays"
    RESTART = "restart"
    CALM = "calm"
    TICK = "tick"


WEIGHTS = {
    What.GRANT: 20,
    What.SENSE: 40,
    What.WALK: 10,
    What.JAM: 2,
    What.ORDER: 3,
    What.ORDER_FREE: 3,
    What.CONTACT_CLOSES: 4,
    What.LOSE_RELAYS: 2,
    What.REACH_RELAYS: 4,
    What.RESTART: 2,
    What.CALM: 5,
    What.TICK: 10,
}
"""How often each is drawn by the walk."""

_MOMENTS_MS = (0, 0, 1, 10, 50, 99, 100, 199, 200, 300, 500, 501, 1000, 1000, 2000, 2000, 2500, 5000, 8000, 15_000, 60_000)
LATER_NS = (*(each * NS_PER_MS for each in _MOMENTS_MS), 1, 299_000 * NS_PER_MS, 901_000 * NS_PER_MS, 7_200_000 * NS_PER_MS)
IN_TIME = (True, True, True, False)
WITHIN_MS = (-1000, 0, 1, 100, 1500, 3000, 3000, 60_000, 3_600_000, 3_600_000)
PEOPLE = (1, 1, 1, 2, 3, 9)
PACES_MS = (20, 100, 250, 700, 2000)
PASSAGE = {Sensor.PASSED, Sensor.PASSED_OUT, Sensor.OUTER_BEAM, Sensor.INNER_BEAM, Sensor.LOOP, Sensor.EXIT_BUTTON}
RARE = {Sensor.FIRE, Sensor.BREAK_GLASS, Sensor.TAMPER, Sensor.MAINS, Sensor.ASSIST_BUTTON}


@dataclass(frozen=True, slots=True)
class Step:
    """``what`` happens ``later_ns`` after the step before. Meanwhile the lane is ticked ``in_time``, or only when it is over."""

    what: What
    args: tuple[object, ...] = ()
    later_ns: int = 0
    in_time: bool = True

    def __str__(self) -> str:
        late = "" if self.in_time else ", ticked late"
        return f"after {self.later_ns / NS_PER_MS:g} ms{late}: {self.what}({', '.join(map(str, self.args))})"


@cache
def choices(lane: Lane) -> dict[What, tuple[Sequence[object], ...]]:
    """What each argument of each ``What`` may be."""
    sensors = sorted(lane.sensors)
    often = [each for each in sensors if each in PASSAGE] * 2 + [each for each in sensors if each not in RARE]
    return {
        What.GRANT: (WITHIN_MS, PEOPLE, (Direction.ENTRY, Direction.ENTRY, Direction.EXIT)),
        What.SENSE: ((*often, *sensors), (True, False), (0, 0, 0, 1, 300, 3000)),
        What.WALK: ((Direction.ENTRY, Direction.EXIT), PACES_MS),
        What.JAM: (sensors,),
        What.ORDER: (tuple(Service),),
        What.ORDER_FREE: ((True, False),),
        What.CONTACT_CLOSES: (sorted(lane.relays) or (None,),),
        What.LOSE_RELAYS: (),
        What.REACH_RELAYS: (),
        What.RESTART: (),
        What.CALM: (),
        What.TICK: (),
    }


_WHATS, _CUMULATED = tuple(WEIGHTS), tuple(sum(tuple(WEIGHTS.values())[: n + 1]) for n in range(len(WEIGHTS)))


def draw(chance: random.Random, lane: Lane) -> Step:
    what = chance.choices(_WHATS, cum_weights=_CUMULATED)[0]
    args = tuple(map(chance.choice, choices(lane)[what]))
    return Step(what, args, chance.choice(LATER_NS), chance.choice(IN_TIME))
