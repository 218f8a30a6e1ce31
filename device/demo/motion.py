"""How a person brings a code to the camera: a quick approach, a rest with a swaying hand, and away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

Vector = tuple[float, float]

SHUTTER = 0.45
"""The part of a frame's time in which the shutter is open; what moves then is smeared."""

_LEAVE = (0.34, 0.95, 1.4)  # parts of the way out, one a frame; the last is out of sight and not played


@dataclass(frozen=True, slots=True)
class Moment:
    """Where the hand is in one frame, relative to its resting place.

    ``offset_px`` and ``smear_px`` (way during the exposure) are in pixels of the frame; ``absence`` is 0 for a person
    who stands before the camera and 1 for one who is out of sight.
    """

    offset_px: Vector
    smear_px: Vector
    roll_deg: float = 0.0
    scale: float = 1.0
    absence: float = 0.0


def approach(way_px: Vector, *, hurried: bool) -> list[Moment]:
    """In from ``way_px`` away. Each frame is smeared: even the last one moves by several modules of the code."""
    parts = (1.0, 0.62, 0.34, 0.12) if hurried else (1.0, 0.5, 0.13)
    return [_under_way(way_px, here, ahead) for here, ahead in pairwise((*parts, 0.0))]


def leave(way_px: Vector) -> list[Moment]:
    """Back out the same way, at once too fast to be read."""
    return [_under_way(way_px, here, ahead) for here, ahead in pairwise(_LEAVE)]


def rest(count: int) -> list[Moment]:
    """``count`` places of a hand that cannot hold quite still, on half of a loop, so that they can be played to and fro."""
    return [_sway(math.pi * (number + 0.5) / count) for number in range(count)]


def to_and_fro(count: int, length: int) -> list[int]:
    """``length`` numbers below ``count`` that go up and down and never stay: 0 1 2 1 0 1 …"""
    period = 2 * (count - 1)
    return [min(step % period, period - step % period) for step in range(length)]


def _under_way(way_px: Vector, here: float, there: float) -> Moment:
    step = (there - here) * SHUTTER
    return Moment(
        offset_px=(way_px[0] * here, way_px[1] * here),
        smear_px=(way_px[0] * step, way_px[1] * step),
        roll_deg=-9.0 * here * math.copysign(1.0, way_px[0]),
        scale=1.0 - 0.12 * here,
        absence=here,
    )


def _sway(angle: float) -> Moment:
    return Moment(
        offset_px=(4.0 * math.cos(angle), 3.0 * math.sin(angle)),
        smear_px=(-0.9 * math.sin(angle), 0.6 * math.cos(angle)),
        roll_deg=0.7 * math.cos(angle),
        scale=1.0 + 0.006 * math.sin(angle),
    )
