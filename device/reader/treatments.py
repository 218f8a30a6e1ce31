"""Treatments: other pictures of the same code, for a decoder that could not read the first (numpy only).

Each alone reads no more than the plain picture; together they read what no single decoder does (decoding.md
section 11).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.reader.frame import Luma
from device.reader.reduction import Reducer


def full(luma: Luma) -> Luma:
    return luma


def half(luma: Luma) -> Luma:
    """Close codes, and noise: four pixels are averaged."""
    return Reducer().half(luma)


def doubled(luma: Luma) -> Luma:
    """Twice the size, bilinear: codes of less than 3 pixels a module."""
    rows = _between(luma.astype(np.uint16))
    both: NDArray[np.uint16] = _between(rows.T).T
    return np.ascontiguousarray(((both + 8) >> 4).astype(np.uint8))


def _between(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Twice the rows, each 3/4 of its own old row and 1/4 of the neighbour's, times 4."""
    framed = np.pad(plane, ((1, 1), (0, 0)), mode="edge")
    more = np.empty((2 * plane.shape[0], plane.shape[1]), np.uint16)
    more[0::2] = 3 * plane + framed[:-2]
    more[1::2] = 3 * plane + framed[2:]
    return more


def smoothed(luma: Luma) -> Luma:
    """Two binomial 3x3 filters: noise and raster."""
    return _binomial(_binomial(luma))


def _binomial(luma: Luma) -> Luma:
    framed = np.pad(luma.astype(np.uint16), 1, mode="edge")
    rows = framed[:-2] + 2 * framed[1:-1] + framed[2:]
    both: NDArray[np.uint16] = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return ((both + 8) >> 4).astype(np.uint8)


def sharpened(luma: Luma) -> Luma:
    """Unsharp mask, 1.5 times what smoothing takes away: focus that is slightly off."""
    soft = smoothed(luma).astype(np.int16)
    sharp = luma + (luma - soft) * 3 // 2
    return _bytes(sharp)


def stretched(luma: Luma) -> Luma:
    """The darkest and the lightest fiftieth become black and white: fog, a dim screen."""
    low, high = np.percentile(luma[::2, ::2], (2, 98))
    curve = _bytes((np.arange(256) - low) * (255 / max(high - low, 1)))
    return _mapped(luma, curve)


def darkened(luma: Luma) -> Luma:
    """Gamma 2: glare and a washed-out print."""
    return _mapped(luma, _bytes(np.arange(256) ** 2 // 255))


def _mapped(luma: Luma, curve: Luma) -> Luma:
    mapped: Luma = curve[luma]
    return mapped


def _bytes(values: NDArray[Any]) -> Luma:
    """``values``, what is beyond black or white cut off."""
    limited: NDArray[Any] = np.clip(values, 0, 255)
    return limited.astype(np.uint8)
