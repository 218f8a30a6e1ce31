"""What the four corners of a symbol tell: its sides, its tilt, and the part of the picture it stands in."""

from __future__ import annotations

import itertools
import math

from device.domain import Corners
from device.reader.frame import Box


def sides_px(corners: Corners) -> tuple[float, float, float, float]:
    """Top, right, bottom and left."""
    top, right, bottom, left = (math.dist(*pair) for pair in itertools.pairwise((*corners.points, corners.points[0])))
    return top, right, bottom, left


def side_px(corners: Corners) -> float:
    """The mean side; at least one pixel."""
    return max(sum(sides_px(corners)) / 4, 1.0)


def tilt_deg(corners: Corners) -> float:
    """How far the symbol is turned out of the picture's plane, by how much one of its diagonals or sides is foreshortened."""
    top, right, bottom, left = sides_px(corners)
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.points
    one, other = math.dist((ax, ay), (cx, cy)), math.dist((bx, by), (dx, dy))
    pairs = ((top + bottom, right + left), (one, other))
    return max(math.degrees(math.acos(min(pair) / max(pair))) if max(pair) else 0.0 for pair in pairs)


def box_of(corners: Corners) -> Box:
    """The upright box of a symbol; corners may lie beyond the picture, and so may the box."""
    xs, ys = zip(*corners.points, strict=True)
    return Box(int(min(xs)), int(min(ys)), int(max(xs)) + 1, int(max(ys)) + 1)


def around(corners: Corners, shape: tuple[int, ...]) -> Box:
    """The upright box of a symbol with a little of its quiet zone, inside a picture of ``shape``; never empty, wherever the corners are."""
    height, width = shape
    across, down = zip(*corners.points, strict=True)
    left, top = (min(max(int(min(each)), 0), limit - 1) for each, limit in ((across, width), (down, height)))
    right, bottom = max(left + 1, min(math.ceil(max(across)), width)), max(top + 1, min(math.ceil(max(down)), height))
    return Box(left, top, right, bottom).grown(max(2, (right - left) // 16), shape)
