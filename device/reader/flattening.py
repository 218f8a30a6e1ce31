"""A symbol on creased paper, on cloth or round a cup, laid flat.

A decoder draws a symbol straight by its corners, which is right for a sheet that is flat: between them each module is taken
to lie where a plane would have it. But a symbol tells itself where its modules lie. They form a lattice, and brightness
changes at its lines only; so the edges in it are a carrier wave of one period a module, and wherever the sheet is bent, that
wave is early or late. Its phase is measured as in fringe analysis (Takeda, Ina and Kobayashi, 1982): edges times the carrier, averaged
over some modules. A phase is known up to whole periods, one module here; it is followed outward from the finder patterns, where the corners
came from, along the way on which the wave is clearest (quality-guided unwrapping; Bone, 1991).

What comes out is a picture for a decoder, which finds and corrects the symbol as in any other: nothing is believed here.
"""

from __future__ import annotations

import functools
import heapq
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from device.domain import Corners
from device.reader.decoders import Unreadable
from device.reader.frame import Luma
from device.reader.outline import box_of
from device.reader.rectification import Matrix, Plane, Point, homography, is_convex, longest_side_px, moved, projected, reduced_to, sampled

CARRIER_PX = 4
"""Pixels a module where phases are measured: the carrier is then 1, -i, -1, i."""

DRAWN_PX = 6
"""Pixels a module of the picture that is given back: with 4 or 8, zxing-cpp reads less (95 and 88 where it reads 101)."""

MARGIN = 2
"""Modules around the symbol that are drawn as well."""

REACH = 2
"""A phase is the mean over 5 x 5 modules: with 3 x 3 noise counts, with 7 x 7 creases are averaged away."""

EVERY = 2
"""Phases are followed over every second module, as neighbours share most of what they are the mean of: a quarter of the time, and as much is
read (of 150 sheets 113, and 117 after a second round; over every module 114 and 116; over every third 103 and 112)."""

MODULES_MAX = 177
"""The side of version 40."""

_CARRIER = np.exp(-2j * np.pi * np.arange(CARRIER_PX) / CARRIER_PX).astype(np.complex64)

Field = NDArray[np.float32]
"""How far each module lies from where the corners say, in modules: 2 (across, down) x modules x modules."""

_Waves = NDArray[np.complex64]

_Number = TypeVar("_Number", np.float32, np.complex64)


@dataclass(frozen=True, slots=True)
class Flat:
    """A picture of one symbol, ``DRAWN_PX`` a module with ``MARGIN`` modules around, and the way back to where it was found."""

    luma: Luma
    _back: Matrix
    _off: Field

    def in_picture(self, corners: Corners) -> Corners:
        top_left, top_right, bottom_right, bottom_left = (self._moved(*point) for point in corners.points)
        return Corners((top_left, top_right, bottom_right, bottom_left))

    def _moved(self, x_px: float, y_px: float) -> Point:
        """By the field of the nearest module."""
        last = self._off.shape[1] - 1
        column, row = (min(max(int(each / DRAWN_PX), 0), last) for each in (x_px, y_px))
        off_x, off_y = self._off[:, row, column].tolist()
        return moved(self._back, (x_px / DRAWN_PX - MARGIN + off_x, y_px / DRAWN_PX - MARGIN + off_y))


def flattened(luma: Luma, symbol: Unreadable, *, rounds: int = 1) -> Iterator[Flat]:
    """``symbol`` of ``luma`` laid flat, after each of ``rounds``; nothing where its size is not known, or where it is no square seen askew.

    One round is enough for most; a further one, which measures what the first left over, reads 3 to 9 % more.
    """
    side, points = symbol.modules, symbol.corners.points
    if not 0 < side <= MODULES_MAX or not is_convex(points):
        return
    box = box_of(symbol.corners)
    around = box.grown(max(box.width, box.height) // 2, luma.shape)  # a bent side bulges
    if min(around.width, around.height) < 2:
        return
    back = homography([(0, 0), (side, 0), (side, side), (0, side)], points)
    part, side_px = np.ascontiguousarray(around.of(luma)), longest_side_px(points)
    source = _Source(_moved_by(-around.left, -around.top) @ back, {px: reduced_to(part, side_px, side * px) for px in (CARRIER_PX, DRAWN_PX)})
    off = np.zeros((2, side + 2 * MARGIN, side + 2 * MARGIN), np.float32)
    for _ in range(rounds):
        waves = _waves(source.drawn(off, CARRIER_PX))
        late, clear = np.angle(waves) / np.float32(-2 * math.pi), np.square(np.abs(waves)) + np.float32(1e-9)
        late = _unwrapped(late, clear, side)
        off = off + _spread(late * clear, 1) / _spread(clear, 1)
        yield Flat(source.drawn(off, DRAWN_PX).astype(np.uint8), back, off)


def _moved_by(x_px: float, y_px: float) -> Matrix:
    return np.array([[1, 0, x_px], [0, 1, y_px], [0, 0, 1]], np.float64)


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a symbol's modules lie in the part of a picture around it; and that part, as small as it may be to draw so many pixels a module."""

    back: Matrix
    reduced: dict[int, tuple[Luma, int]]

    def drawn(self, off: Field, module_px: int) -> Plane:
        """The symbol, ``module_px`` a module, each module from where ``off`` says that it lies."""
        modules = off.shape[1]
        across = (np.arange(modules * module_px, dtype=np.float32) + np.float32(0.5)) / module_px - MARGIN
        off_x, off_y = _between(off, module_px)
        luma, reduced = self.reduced[module_px]
        x, y = projected(self.back, across[None, :] + off_x, across[:, None] + off_y)
        return sampled(luma, x / reduced, y / reduced)


def _between(off: Field, module_px: int) -> Field:
    """The field at each pixel, in a straight line between the middles of modules."""
    modules = off.shape[1]
    at = np.clip((np.arange(modules * module_px, dtype=np.float32) + 0.5) / module_px - 0.5, 0, modules - 1)
    first = np.minimum(at.astype(np.intp), modules - 2)
    part = (at - first).astype(np.float32)
    rows = off[:, first] * (1 - part)[:, None] + off[:, first + 1] * part[:, None]
    field: Field = rows[:, :, first] * (1 - part) + rows[:, :, first + 1] * part
    return field


def _waves(picture: Plane) -> _Waves:
    """The lattice's wave across and down, around each module: how clear it is, and by which part of a period it is late."""
    across, down = (_wave(plane) for plane in (picture, picture.T))
    return _spread(np.stack([across, down.T]), REACH)


def _wave(picture: Plane) -> _Waves:
    modules = picture.shape[0] // CARRIER_PX
    edges = np.zeros_like(picture, order="C")  # one between two pixels is at the left side of the second
    np.abs(picture[:, 1:] - picture[:, :-1], out=edges[:, 1:])
    wave: _Waves = edges.reshape(modules, CARRIER_PX, modules, CARRIER_PX).sum(axis=1) @ _CARRIER
    return wave


def _spread(planes: NDArray[_Number], reach: int) -> NDArray[_Number]:
    """The sum over each module and those within ``reach`` of it; there is nothing beyond the edge."""
    _, rows, columns = planes.shape
    framed = np.pad(planes, ((0, 0), (reach, reach), (reach, reach)))
    tall = functools.reduce(np.add, (framed[:, step : step + rows] for step in range(2 * reach + 1)))
    total: NDArray[_Number] = functools.reduce(np.add, (tall[:, :, step : step + columns] for step in range(2 * reach + 1)))
    return total


def _unwrapped(late: Field, clear: Field, side: int) -> Field:
    """Phases in periods, without their jumps from half a period late to half a period early."""
    first = (MARGIN + 3) % EVERY  # the middles of the finder patterns are among them: a side is odd
    some = slice(first, None, EVERY)
    followed = _followed(late[:, some, some], clear[:, some, some].min(axis=0), (MARGIN + 3) // EVERY, (MARGIN + side - 4) // EVERY)
    nearest = np.clip((np.arange(late.shape[1]) - first + EVERY // 2) // EVERY, 0, followed.shape[1] - 1)
    unwrapped: Field = late + np.round(followed[:, nearest][:, :, nearest] - late)
    return unwrapped


def _followed(late: Field, clear: Field, near: int, far: int) -> Field:
    """Each phase within half a period of a neighbour's, from the finder patterns on; their middles are at ``near`` and ``far``.

    Whatever is clearest comes next, both directions together: where either is lost the other will be soon.
    """
    size = late.shape[1]
    stride = size + 2  # a frame of phases that are done saves asking where the edge is
    worst = np.pad(-clear, 1).reshape(-1).tolist()
    x, y = (np.pad(each, 1).reshape(-1).tolist() for each in late)
    to_do = np.pad(np.ones((size, size), np.bool_), 1).reshape(-1).tolist()
    heap = [(-math.inf, (row + 1) * stride + column + 1, 0.0, 0.0) for row, column in ((near, near), (near, far), (far, near))]
    while heap:
        _, at, near_x, near_y = heapq.heappop(heap)
        if to_do[at]:
            to_do[at] = False
            x[at] += round(near_x - x[at])
            y[at] += round(near_y - y[at])
            for step in (1, -1, stride, -stride):
                if to_do[at + step]:
                    heapq.heappush(heap, (worst[at + step], at + step, x[at], y[at]))
    return np.array((x, y), np.float32).reshape(2, stride, stride)[:, 1:-1, 1:-1]
