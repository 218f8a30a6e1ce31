"""A symbol seen askew, drawn straight: a decoder that found its place and could not read it gets another picture of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.domain import Corners
from device.reader.frame import Luma
from device.reader.treatments import half

Matrix = NDArray[np.float64]
Point = tuple[float, float]

AREA_MIN_PX = 100
"""What two sides span. A symbol of version 1 at half a pixel a module: nobody reads less."""


@dataclass(frozen=True, slots=True)
class Straight:
    """A square picture of one symbol, and the way back: the 3x3 matrix from its pixels to those of the whole picture."""

    luma: Luma
    back: Matrix

    def in_picture(self, corners: Corners) -> Corners:
        top_left, top_right, bottom_right, bottom_left = (_moved(self.back, point) for point in corners.points)
        return Corners((top_left, top_right, bottom_right, bottom_left))


def straightened(luma: Luma, corners: Corners, *, side_px: int, margin: float, turn_deg: float = 0.0) -> Straight | None:
    """The symbol at ``corners``, ``side_px`` wide, and ``margin`` times as much around it; None where that is no square seen askew.

    The corners of a symbol that could not be read are a guess; turned by ``turn_deg`` the decoder finds it by other lines.
    """
    points = _turned(corners, math.radians(turn_deg))
    if not _is_convex(points):
        return None
    inside = side_px * margin
    square = [(inside, inside), (inside + side_px, inside), (inside + side_px, inside + side_px), (inside, inside + side_px)]
    back = _homography(square, points)
    size = round(side_px * (1 + 2 * margin))
    source, reduced = luma, 1
    while _longest_side(points) > 2 * side_px * reduced and min(source.shape) > 1:  # every pixel is to count, or fine lines flicker
        source, reduced = half(source), 2 * reduced
    return Straight(_sampled(source, back, size, reduced), back)


def _turned(corners: Corners, angle: float) -> list[Point]:
    x, y = corners.centre
    cosine, sine = math.cos(angle), math.sin(angle)
    return [(x + (px - x) * cosine - (py - y) * sine, y + (px - x) * sine + (py - y) * cosine) for px, py in corners.points]


def _is_convex(points: list[Point]) -> bool:
    """And of some size: each corner turns the same way, by an area of some pixels."""
    turns = [
        (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        for (ax, ay), (bx, by), (cx, cy) in zip(points, points[1:] + points[:1], points[2:] + points[:2], strict=True)
    ]
    return min(turns) >= AREA_MIN_PX or max(turns) <= -AREA_MIN_PX


def _longest_side(points: list[Point]) -> float:
    return max(math.dist(one, other) for one, other in zip(points, points[1:] + points[:1], strict=True))


def _homography(source: list[Point], target: list[Point]) -> Matrix:
    """The 3x3 matrix that brings four points to four others: eight equations for eight unknowns."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
        right += [u, v]
    matrix: Matrix = np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)
    return matrix


def _moved(matrix: Matrix, point: Point) -> Point:
    x, y, depth = matrix @ (*point, 1.0)
    return float(x / depth), float(y / depth)


def _sampled(luma: Luma, back: Matrix, size: int, reduced: int) -> Luma:
    """``size`` x ``size`` pixels of ``luma``, which was ``reduced`` times larger, between its pixels in a straight line."""
    across = np.arange(size) + 0.5  # the middle of a pixel
    x, y, depth = (row[0] * across[None, :] + row[1] * across[:, None] + row[2] for row in back)
    limits = luma.shape[1] - 1.001, luma.shape[0] - 1.001  # what is beyond the picture looks like its edge
    x, y = (np.clip(each / depth / reduced - 0.5, 0, max(limit, 0)) for each, limit in ((x, limits[0]), (y, limits[1])))
    left, top = x.astype(np.intp), y.astype(np.intp)
    x, y = x - left, y - top
    flat, first = luma.reshape(-1), top * luma.shape[1] + left
    right, below = min(1, luma.shape[1] - 1), luma.shape[1] * min(1, luma.shape[0] - 1)
    upper = flat.take(first) * (1 - x) + flat.take(first + right) * x
    lower = flat.take(first + below) * (1 - x) + flat.take(first + below + right) * x
    sampled: Luma = (upper * (1 - y) + lower * y + 0.5).astype(np.uint8)
    return sampled
