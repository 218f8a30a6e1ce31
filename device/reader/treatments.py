"""Treatments: other pictures of the same code, for a decoder that could not read the first (numpy only).

Each alone reads no more than the plain picture; together they read what no single decoder does (decoding.md
section 11). A treatment takes a picture and gives a new one. Where it changes the size, ``still.py`` says by how much.

Time goes into fresh memory more than into sums, so that filters work on strips of rows: what is needed in between
is small, and the allocator has it at hand (measured on x86-64: 3-5 times as fast as on the whole picture).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from device.reader.frame import Luma
from device.reader.reduction import Reducer

Treatment: TypeAlias = Callable[[Luma], Luma]

STRIP_BYTES = 32 * 1024
"""Of one plane: as 16-bit numbers it still fits a first-level cache, and glibc's heap (128 KiB) rather than fresh pages."""

CONTRAST_TILE_PX = 32
"""For local contrast: about the size of a finder pattern of 4 pixels a module, so that each tile holds both light and dark."""
MEAN_TILE_PX = 8
CONTRAST_MIN = 24
"""Grey levels. What differs less within a tile and its neighbours is noise, and is not stretched further."""


# --- size ------------------------------------------------------------------------------------------------------


def full(luma: Luma) -> Luma:
    return luma


def half(luma: Luma) -> Luma:
    """Close codes, and noise: four pixels are averaged."""
    return Reducer().half(luma)


def third(luma: Luma) -> Luma:
    """Closer codes, coarse screens, more noise: nine pixels are averaged; an odd last row or column is left out."""
    return _reduced(luma, 3)


def quarter(luma: Luma) -> Luma:
    """Sixteen pixels are averaged."""
    return half(half(luma))


def enlarged(luma: Luma) -> Luma:
    """One and a half times the size, bilinear: 3 pixels for 2. An odd last row or column is left out."""
    height, width = luma.shape[0] // 2 * 2, luma.shape[1] // 2 * 2
    out = np.empty((height // 2 * 3, width // 2 * 3), np.uint8)
    if out.size == 0:
        return out
    framed = np.pad(luma[:height, :width], 1, mode="edge")
    rows = _rows_a_strip(width)
    for top in range(0, height, rows):
        block = framed[top : top + rows + 2].astype(np.uint16)
        wide = _three_for_two(block.T).T
        out[top // 2 * 3 : (top + rows) // 2 * 3] = (_three_for_two(wide) + 18) // 36
    return out


def _three_for_two(plane: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Rows at 1/6 before, half way, and 1/6 behind each pair of rows, times 6; the first and last row are the frame."""
    more = np.empty(((plane.shape[0] - 2) // 2 * 3, plane.shape[1]), np.uint16, order="F" if plane.flags.f_contiguous else "C")
    more[0::3] = 5 * plane[1:-1:2] + plane[:-2:2]
    more[1::3] = 3 * (plane[1:-1:2] + plane[2::2])
    more[2::3] = 5 * plane[2::2] + plane[3::2]
    return more


def doubled(luma: Luma) -> Luma:
    """Twice the size, bilinear: codes of less than 3 pixels a module."""
    out = np.empty((2 * luma.shape[0], 2 * luma.shape[1]), np.uint8)
    framed = np.pad(luma, 1, mode="edge")
    rows = _rows_a_strip(luma.shape[1])
    for top in range(0, luma.shape[0], rows):
        block = framed[top : top + rows + 2].astype(np.uint16)
        own, above, below = 3 * block[1:-1], block[:-2], block[2:]
        out[2 * top : 2 * (top + rows) : 2] = _twice_as_wide(own + above)
        out[2 * top + 1 : 2 * (top + rows) : 2] = _twice_as_wide(own + below)
    return out


def _twice_as_wide(plane: NDArray[np.uint16]) -> Luma:
    """Each 3/4 of its own old column and 1/4 of the neighbour's, of values times 4; the outer columns are the frame.

    Left and right become the two bytes of one word: numpy writes words four times as fast as every other byte.
    """
    own = 3 * plane[:, 1:-1] + 8
    left, right = (own + plane[:, :-2]) // 16, (own + plane[:, 2:]) // 16
    words: NDArray[np.uint16] = left + right * 256
    return words.astype("<u2", copy=False).view(np.uint8)


def _reduced(luma: Luma, times: int) -> Luma:
    """The rounded mean of each ``times`` x ``times`` pixels."""
    return ((_sums(luma, times) + times * times // 2) // (times * times)).astype(np.uint8)


def _sums(luma: Luma, times: int) -> NDArray[np.uint16]:
    """The sum of each ``times`` x ``times`` pixels, at most 16 x 16; what is left over at the edge is left out."""
    height, width = luma.shape[0] // times, luma.shape[1] // times
    whole = luma[: height * times, : width * times]
    tall = np.zeros((height, width * times), np.uint16)
    for row in range(times):
        tall += whole[row::times]
    total = np.zeros((height, width), np.uint16)
    for column in range(times):
        total += tall[:, column::times]
    return total


SCALES: dict[Treatment, float] = {half: 1 / 2, third: 1 / 3, quarter: 1 / 4, enlarged: 3 / 2, doubled: 2}
"""Pixels of the new picture for one of the old, along a side; all others keep the size."""


# --- filters ---------------------------------------------------------------------------------------------------


def smoothed(luma: Luma) -> Luma:
    """Two binomial 3x3 filters: noise and raster."""
    return _filtered(luma, 2, _smooth)


def sharpened(luma: Luma) -> Luma:
    """Unsharp mask, 1.5 times what smoothing takes away: focus that is slightly off."""
    return _filtered(luma, 2, _sharp)


def cleaned(luma: Luma) -> Luma:
    """The median of 3x3: single pixels of noise, thin scratches; edges stay."""
    return _filtered(luma, 1, _median)


def opened(luma: Luma) -> Luma:
    """Lightest of 3x3 darkest: light specks and thin light lines vanish (glare, worn print)."""
    return _filtered(luma, 2, lambda block: _outermost(_outermost(block, np.minimum), np.maximum))


def closed(luma: Luma) -> Luma:
    """Darkest of 3x3 lightest: dark specks and thin dark lines vanish (scratches, a screen's raster)."""
    return _filtered(luma, 2, lambda block: _outermost(_outermost(block, np.maximum), np.minimum))


def _filtered(luma: Luma, reach: int, block_filter: Callable[[Luma], Luma]) -> Luma:
    """``block_filter``, which takes ``reach`` pixels off each side, on strips of the picture framed by its own edge."""
    framed = np.pad(luma, reach, mode="edge")
    out = np.empty(luma.shape, np.uint8)
    rows = _rows_a_strip(luma.shape[1])
    for top in range(0, luma.shape[0], rows):
        out[top : top + rows] = block_filter(framed[top : top + rows + 2 * reach])
    return out


def _rows_a_strip(width: int) -> int:
    """An even number."""
    return max(2, STRIP_BYTES // width // 2 * 2)


def _smooth(block: Luma) -> Luma:
    return _binomial(_binomial(block))


def _binomial(block: Luma) -> Luma:
    wide = block.astype(np.uint16)
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    both: NDArray[np.uint16] = rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]
    return ((both + 8) // 16).astype(np.uint8)


def _sharp(block: Luma) -> Luma:
    soft, own = _smooth(block).astype(np.int16), block[2:-2].astype(np.int16)[:, 2:-2]
    return _bytes(own + (own - soft) * 3 // 2)


def _median(block: Luma) -> Luma:
    """By sorting each column of three, then the three lows, mids and highs (exact; 19 comparisons of whole planes)."""
    low, middle, high = _sorted(block[:-2], block[1:-1], block[2:])
    lowest = np.maximum(np.maximum(low[:, :-2], low[:, 1:-1]), low[:, 2:])
    _, central, _ = _sorted(middle[:, :-2], middle[:, 1:-1], middle[:, 2:])
    highest = np.minimum(np.minimum(high[:, :-2], high[:, 1:-1]), high[:, 2:])
    return _sorted(lowest, central, highest)[1]


def _sorted(a: Luma, b: Luma, c: Luma) -> tuple[Luma, Luma, Luma]:
    low, high = np.minimum(a, b), np.maximum(a, b)
    middle: Luma = np.minimum(high, c)
    return np.minimum(low, middle), np.maximum(low, middle), np.maximum(high, c)


def _outermost(block: Luma, of_two: Callable[[Luma, Luma], Luma]) -> Luma:
    rows = of_two(of_two(block[:-2], block[1:-1]), block[2:])
    return of_two(of_two(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


# --- light -----------------------------------------------------------------------------------------------------


def stretched(luma: Luma) -> Luma:
    """The darkest and the lightest fiftieth become black and white: fog, a dim screen."""
    sample = luma[::4, ::4]
    share = np.bincount(sample.ravel(), minlength=256).cumsum() / sample.size
    low, high = int(np.searchsorted(share, 0.02)), int(np.searchsorted(share, 0.98))
    return _mapped(luma, _bytes((np.arange(256) - low) * (255 / max(high - low, 1))))


def darkened(luma: Luma) -> Luma:
    """Gamma 2: glare and a washed-out print."""
    return _mapped(luma, _bytes(np.arange(256) ** 2 // 255))


def lightened(luma: Luma) -> Luma:
    """Gamma 1/2: a code in the shadow, or under a lamp that the camera shut its eyes to."""
    return _mapped(luma, _bytes(np.sqrt(np.arange(256) * 255)))


def equalised(luma: Luma) -> Luma:
    """Each place stretched between the darkest and the lightest near it: shadow's edge, glare, uneven light."""
    tiles = _tiled(luma, CONTRAST_TILE_PX)
    low, high = (_extremes(tiles, of_two).astype(np.int16) for of_two in (np.minimum, np.maximum))
    gain = (8 * 255) // np.maximum(high - low, CONTRAST_MIN)  # in eighths; 255 times the highest fits 16 bits
    return _by_tiles(luma, CONTRAST_TILE_PX, lambda block, least, times: _bytes((block - least) * times >> 3), low, gain)


def thresholded(luma: Luma) -> Luma:
    """Black and white: what is darker or lighter than the mean of some 20 pixels about it. Smaller than the decoder's own window (40)."""
    means = _reduced(_tiled(luma, MEAN_TILE_PX), MEAN_TILE_PX)
    around = _binomial(np.pad(means, 1, mode="edge")).astype(np.int16)
    return _by_tiles(luma, MEAN_TILE_PX, lambda block, mean: (block > mean) * np.uint8(255), around)


def _tiled(luma: Luma, tile_px: int) -> Luma:
    """The picture made larger by its own edge, so that it consists of whole tiles."""
    return np.pad(luma, [(0, -side % tile_px) for side in luma.shape], mode="edge")


def _extremes(tiles: Luma, of_two: np.ufunc) -> Luma:
    """Of each tile and its eight neighbours, then smoothed."""
    rows = of_two.reduce(tiles.reshape(-1, CONTRAST_TILE_PX, tiles.shape[1]), axis=1)
    each = of_two.reduce(rows.reshape(rows.shape[0], -1, CONTRAST_TILE_PX), axis=2)
    return _binomial(np.pad(_outermost(np.pad(each, 1, mode="edge"), of_two), 1, mode="edge"))


def _by_tiles(luma: Luma, tile_px: int, block_filter: Callable[..., Luma], *tiles: NDArray[np.int16]) -> Luma:
    """``block_filter`` on strips of rows, with the values of ``tiles``: they hold at the tiles' centres, and run straight between them."""
    height, width = luma.shape
    wide = [np.ascontiguousarray(_at(each.T, np.arange(width), tile_px).T) for each in tiles]
    out = np.empty(luma.shape, np.uint8)
    rows = _rows_a_strip(width)
    for top in range(0, height, rows):
        strip = np.arange(top, min(top + rows, height))
        out[top : top + rows] = block_filter(luma[top : top + rows], *(_at(each, strip, tile_px) for each in wide))
    return out


def _at(tiles: NDArray[np.int16], pixels: NDArray[np.intp], tile_px: int) -> NDArray[np.int16]:
    """Values of ``tiles``, one row a tile, at pixel rows; beyond the outermost centres they stay."""
    before, share = np.divmod(pixels - tile_px // 2, tile_px)
    first, second = tiles.take(before, axis=0, mode="clip"), tiles.take(before + 1, axis=0, mode="clip")
    between: NDArray[np.int16] = first + (second - first) * share.astype(np.int16)[:, None] // np.int16(tile_px)
    return between


def _mapped(luma: Luma, curve: Luma) -> Luma:
    """In strips as well: numpy makes an 8-byte number of each index first."""
    return _filtered(luma, 0, curve.take)


def _bytes(values: NDArray[Any]) -> Luma:
    """``values``, what is beyond black or white cut off."""
    limited: NDArray[Any] = np.clip(values, 0, 255)
    return limited.astype(np.uint8)
