"""Where, in what moved, might a code be? A symbol is full of edges both along its rows and down its columns; people are not.

Somebody who steps up fills half of the picture and the code a tenth of it: a treatment of that tenth costs a fifth, and is tried five
times as often. On approach sequences at five levels of noise the box held the whole symbol in 87 to 99 of 100 frames.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.reader.eights import EIGHT, pairs, total
from device.reader.frame import Box, Luma
from device.reader.treatments import smoothed

TILE_PX = 16
"""Pixels of the half-size picture. The smallest code that can be read has 21 a side there."""

NEIGHBOURS = 9
"""A tile and those around it."""

MARGIN_PART = 5
"""A fifth of the longer side is added all around, a tile at least: the edges of a symbol are less busy than its middle."""

PART_OF_PEAK = 0.4
"""Tiles with so much of the busiest one's edges belong to the same thing; less is what lies around."""

LIKE_A_CODE = 17.0
"""Mean step of brightness from one half-size pixel to the next. Modules of 3 pixels change at every third step, so this is a contrast of
50 or more; people who walk past have 5 to 9, a wall full of notices 16, codes that are held up 10 to 43 (generated scenes)."""

_Tiles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part of the picture, and how busy its busiest tiles are: the mean step along rows or down columns, whichever is less."""

    box: Box
    step: float

    @property
    def promising(self) -> bool:
        return self.step >= LIKE_A_CODE


def candidate(half: Luma, where: Box, *, noisy: bool = False) -> Candidate:
    """The busiest part of the picture inside of ``where``, with a margin; ``where`` itself if that is small already.

    Both boxes are in pixels of the full picture, of which ``half`` is the half-size one: four pixels averaged have half of the noise.
    Of a ``noisy`` picture they are smoothed as well, or its noise would be the busiest of all (at 32 steps of noise and a contrast of
    45 the box then holds the symbol in 93 of 100 frames, else in 14).
    """
    top, left = where.top // 2, where.left // 2
    rows, columns = where.height // 2 // TILE_PX, where.width // 2 // TILE_PX
    if rows < 3 or columns < 3:
        return Candidate(where, 0.0)
    part = half[top : top + rows * TILE_PX, left : left + columns * TILE_PX]
    edges = _smoothed(_edges(smoothed(part) if noisy else part, rows, columns))
    row, column = divmod(int(np.argmax(edges)), columns)
    floor = float(np.median(edges))
    patch = _connected(edges > floor + PART_OF_PEAK * (edges[row, column] - floor), row, column)
    ys, xs = np.flatnonzero(patch.any(axis=1)), np.flatnonzero(patch.any(axis=0))
    step = float(edges[row, column]) / (NEIGHBOURS * TILE_PX * TILE_PX)
    if not ys.size:
        return Candidate(where, step)
    side = 2 * TILE_PX
    found = Box(
        where.left + int(xs[0]) * side, where.top + int(ys[0]) * side, where.left + (int(xs[-1]) + 1) * side, where.top + (int(ys[-1]) + 1) * side
    )
    margin = max(side, max(found.width, found.height) // MARGIN_PART)
    return Candidate(found.grown(margin, (2 * half.shape[0], 2 * half.shape[1])), step)


def _edges(part: Luma, rows: int, columns: int) -> _Tiles:
    """Of each tile the sum of brightness steps along rows or down columns, whichever is less."""
    along, down = np.zeros(part.shape, np.uint8), np.zeros(part.shape, np.uint8)
    _step(part[:, 1:], part[:, :-1], along[:, 1:])
    _step(part[1:], part[:-1], down[1:])
    return np.minimum(_added(along, rows, columns), _added(down, rows, columns))


def _step(one: Luma, other: Luma, out: Luma) -> None:
    np.maximum(one, other, out=out)
    np.subtract(out, np.minimum(one, other), out=out)


def _added(steps: Luma, rows: int, columns: int) -> _Tiles:
    words = steps.view(np.uint64)
    down = pairs(words, np.empty_like(words)).reshape(rows, TILE_PX, -1).sum(axis=1)  # 32 bytes at the most fit a part of 16 bits
    tiles: _Tiles = total(down).reshape(rows, columns, TILE_PX // EIGHT).sum(axis=2).astype(np.float32)
    return tiles


def _smoothed(tiles: _Tiles) -> _Tiles:
    """Each with its eight neighbours: one busy tile is a button, nine are a code."""
    framed = np.pad(tiles, 1)
    rows = framed[:-2] + framed[1:-1] + framed[2:]
    nine: _Tiles = rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]
    return nine


def _connected(on: NDArray[np.bool_], row: int, column: int) -> NDArray[np.bool_]:
    """The tiles that hang together with the one at ``row`` and ``column``."""
    patch = np.zeros_like(on)
    patch[row, column] = on[row, column]
    for _ in range(on.size):
        grown = patch.copy()
        grown[1:] |= patch[:-1]
        grown[:-1] |= patch[1:]
        grown[:, 1:] |= patch[:, :-1]
        grown[:, :-1] |= patch[:, 1:]
        grown &= on
        if np.array_equal(grown, patch):
            break
        patch = grown
    return patch
