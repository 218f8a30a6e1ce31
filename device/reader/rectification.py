"""A symbol seen askew, drawn straight: a decoder that found its place and could not read it gets another picture of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.domain import Corners
from device.reader.frame import Luma
from device.reader.treatments import half

Matrix = NDArray[np.float64]
Plane = NDArray[np.float32]
Point = tuple[float, float]

AREA_MIN_PX = 100
"""What two sides span. A symbol of version 1 at half a pixel a module: nobody reads less."""

DEPTH_MIN = np.float32(1e-6)


@dataclass(frozen=True, slots=True)
class Straight:
    """A square picture of one symbol, and the way back: the 3x3 matrix from its pixels to those of the whole picture."""

    luma: Luma
    back: Matrix

    def in_picture(self, corners: Corners) -> Corners:
        top_left, top_right, bottom_right, bottom_left = (moved(self.back, point) for point in corners.points)
        return Corners((top_left, top_right, bottom_right, bottom_left))


def straightened(luma: Luma, corners: Corners, *, side_px: int, margin: float, turn_deg: float = 0.0) -> Straight | None:
    """The symbol at ``corners``, ``side_px`` wide, and ``margin`` times as much around it; None where that is no square seen askew.

    The corners of a symbol that could not be read are a guess; turned by ``turn_deg`` the decoder finds it by other lines.
    """
    points = _turned(corners, math.radians(turn_deg))
    if not is_convex(points):
        return None
    inside = side_px * margin
    square = [(inside, inside), (inside + side_px, inside), (inside + side_px, inside + side_px), (inside, inside + side_px)]
    back = homography(square, points)
    across = np.arange(round(side_px * (1 + 2 * margin)), dtype=np.float32) + 0.5  # the middle of a pixel
    source, reduced = reduced_to(luma, longest_side_px(points), side_px)
    x, y = projected(back, across[None, :], across[:, None])
    return Straight((sampled(source, x / reduced, y / reduced) + 0.5).astype(np.uint8), back)


def is_convex(points: Sequence[Point]) -> bool:
    """And of some size: each corner turns the same way, by an area of some pixels."""
    turns = [
        (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        for (ax, ay), (bx, by), (cx, cy) in zip(points, (*points[1:], points[0]), (*points[2:], *points[:2]), strict=True)
    ]
    return min(turns) >= AREA_MIN_PX or max(turns) <= -AREA_MIN_PX


def homography(source: Sequence[Point], target: Sequence[Point]) -> Matrix:
    """The 3x3 matrix that brings four points to four others: eight equations for eight unknowns."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
        right += [u, v]
    matrix: Matrix = np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)
    return matrix


def projected(matrix: Matrix, x: Plane, y: Plane) -> tuple[Plane, Plane]:
    """Where ``matrix`` brings the points at ``x`` and ``y``, which may be a row and a column; from beyond its horizon, far away."""
    u, v, depth = (np.float32(a) * x + np.float32(b) * y + np.float32(c) for a, b, c in matrix)
    np.maximum(depth, DEPTH_MIN, out=depth)
    return u / depth, v / depth


def longest_side_px(points: Sequence[Point]) -> float:
    return max(math.dist(one, other) for one, other in zip(points, (*points[1:], points[0]), strict=True))


def reduced_to(luma: Luma, side_px: float, drawn_px: float) -> tuple[Luma, int]:
    """The picture to draw a symbol from, ``side_px`` wide in ``luma``, that is to be ``drawn_px`` wide, and how many times smaller it is.

    Every pixel is to count, or fine lines would flicker: four are averaged until the symbol is less than twice as large as it is drawn.
    """
    source, reduced = luma, 1
    while side_px > 2 * drawn_px * reduced and min(source.shape) > 1:
        source, reduced = half(source), 2 * reduced
    return source, reduced


def sampled(luma: Luma, x: Plane, y: Plane) -> Plane:
    """The brightness of ``luma`` at each ``x`` and ``y``, in a straight line between its pixels; beyond the picture that of its edge."""
    height, width = luma.shape
    x, y = np.clip(x - np.float32(0.5), 0, width - 1), np.clip(y - np.float32(0.5), 0, height - 1)
    left, top = np.minimum(x.astype(np.int32), max(width - 2, 0)), np.minimum(y.astype(np.int32), max(height - 2, 0))
    x, y = x - left.astype(np.float32), y - top.astype(np.float32)  # less integers, they would become twice as wide
    flat, first = luma.reshape(-1), top * width + left
    right, below = min(1, width - 1), width * min(1, height - 1)
    corners = (flat.take(first + step).astype(np.float32) for step in (0, right, below, below + right))
    upper_left, upper_right, lower_left, lower_right = corners
    upper = upper_left + (upper_right - upper_left) * x
    lower = lower_left + (lower_right - lower_left) * x
    between: Plane = upper + (lower - upper) * y
    return between


def _turned(corners: Corners, angle: float) -> list[Point]:
    x, y = corners.centre
    cosine, sine = math.cos(angle), math.sin(angle)
    return [(x + (px - x) * cosine - (py - y) * sine, y + (px - x) * sine + (py - y) * cosine) for px, py in corners.points]


def moved(matrix: Matrix, point: Point) -> Point:
    """Where ``matrix`` brings one point."""
    x, y, depth = matrix @ (*point, 1.0)
    return float(x / depth), float(y / depth)
