"""One frame of the replay, and whether two symbols stand in one place."""

from __future__ import annotations

import math
from dataclasses import dataclass

from device.clock import NS
from device.domain import Corners
from device.reader.outline import sides_px


@dataclass(frozen=True, slots=True)
class Moment:
    """``index`` counts the frames of this replay, ``number`` is the source's own, ``at_ns`` when it was taken."""

    index: int
    number: int
    at_ns: int

    def since_s(self, other: Moment) -> float:
        return (self.at_ns - other.at_ns) / NS


PLACE = 1.5
"""Sides of the symbol. A hand moves less from look to look; two hands are hardly nearer to each other."""


def same_place(one: Corners, other: Corners) -> bool:
    return math.dist(one.centre, other.centre) <= PLACE * max(*sides_px(one), *sides_px(other))
