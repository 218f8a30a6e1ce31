"""How many pixels has one module of a symbol? From the picture of its finder patterns, which are seven modules wide."""

from __future__ import annotations

import statistics

import numpy as np
from numpy.typing import NDArray

from device.domain import Corners
from device.reader.frame import Luma
from device.reader.outline import side_px

SIDE = 320
"""Samples a side of the levelled symbol: 2 a module at 160 modules."""
MARGIN = 0.06
"""Decoders place corners with an error of a module or so; the finder pattern must not be cut by it."""

RIM = SIDE * MARGIN / (1 + 2 * MARGIN)
"""Samples of margin on each side."""

FINDER = (1, 1, 3, 1, 1)
"""Dark and light stripes through the middle of a finder pattern, in modules (ISO/IEC 18004)."""
TOLERANCE = 0.6
"""A stripe may be so much wider or narrower, in modules: blur moves edges by less before a decoder fails."""

MODULES_MIN, MODULES_MAX = 21, 177


def module_px(luma: Luma, corners: Corners) -> float | None:
    """Pixels a module, mean over both directions; ``None`` where no finder pattern is clear enough to be measured."""
    side = side_px(corners)
    if side < MODULES_MIN or min(luma.shape) < 2:
        return None
    level = levelled(luma, corners)
    dark = level < (np.percentile(level, 5) + np.percentile(level, 95)) / 2
    widths = [width for turned in range(4) for width in _finder_widths(np.rot90(dark, turned))]
    if len(widths) < 3:
        return None
    scale = SIDE / (1 + 2 * MARGIN)  # samples of the symbol itself
    modules = scale * sum(FINDER) / statistics.median(widths)
    return side / min(max(modules, MODULES_MIN), MODULES_MAX)


def levelled(luma: Luma, corners: Corners) -> Luma:
    """The symbol as seen from straight before it, ``SIDE`` x ``SIDE`` with its margin; beyond the picture its rim is repeated."""
    at = (np.arange(SIDE) + 0.5) / SIDE * (1 + 2 * MARGIN) - MARGIN
    u, v = np.meshgrid(at, at)
    a, b, c, d, e, f, g, h = _homography(corners)
    depth = g * u + h * v + 1
    x, y = (a * u + b * v + c) / depth, (d * u + e * v + f) / depth
    height, width = luma.shape
    return luma[np.clip(np.rint(y), 0, height - 1).astype(np.intp), np.clip(np.rint(x), 0, width - 1).astype(np.intp)]


def _homography(corners: Corners) -> tuple[float, ...]:
    """From the unit square to ``corners`` (Heckbert, 1989). Corners that are no convex quadrilateral give nonsense, not an error."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners.points
    dx1, dx2, dx3 = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, dy3 = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1 or 1.0
    g, h = (dx3 * dy2 - dx2 * dy3) / area, (dx1 * dy3 - dx3 * dy1) / area
    g, h = max(g, -0.9), max(h, -0.9)  # the plane must not pass through the lens
    return x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h


def _finder_widths(dark: NDArray[np.bool_]) -> list[int]:
    """Widths, in samples, of the finder pattern at the top left: one for each row that passes through its middle."""
    found = []
    for y, row in enumerate(dark[: SIDE // 2]):
        changes = np.flatnonzero(np.diff(row[: SIDE // 2 + 8])) + 1
        for first in (0, 1):  # the symbol may begin right at the rim, or be light on dark
            edges = changes[first : first + 6]
            if len(edges) == 6 and _is_finder(np.diff(edges)) and _in_corner(y, int(edges[0]), int(edges[5])):
                found.append(int(edges[5] - edges[0]))
                break
    return found


def _in_corner(y: int, left: int, right: int) -> bool:
    """Does a row at ``y`` pass through the middle of a pattern in the corner? The data hold such stripes by chance, elsewhere."""
    module = (right - left) / sum(FINDER)
    return abs(left - RIM) < 2 * module and abs(y - RIM - 3.5 * module) < 3 * module


def _is_finder(stripes: NDArray[np.intp]) -> bool:
    module = stripes.sum() / sum(FINDER)
    return bool(module >= 1 and np.all(np.abs(stripes / module - FINDER) < TOLERANCE))
