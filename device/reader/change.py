"""The change detector: has anything moved before the lens, and where?

A gate looks at nobody nearly all day, and a look costs fifty times as much as finding out that it is not needed.
The detector may only delay a look, never prevent one: the loop looks at every tenth frame whatever is said here.

It is sigma-delta background estimation (Manzanera and Richefeu, 2007): each sample has a background and a noise of
its own, and both follow in small steps of fixed size. So a flickering screen in the corner, the grain of dusk or a sensor that
is noisier where it is bright are learnt where they are, and no threshold is set by hand.

A sample is the sum of eight pixels that lie side by side in every sixteenth row, averaged over the last frames: that takes
away most of the noise, which at dusk is larger than the contrast between paper and wall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.reader.eights import EIGHT, pairs, total
from device.reader.frame import Box, Luma

SAMPLE_PX = EIGHT
"""Pixels that lie side by side in one sample."""

ROWS = 16
"""From one row of samples to the next: a sixteenth of the picture is looked at."""

DEVIATIONS = 4.0
"""Standard deviations of a sample's noise. Of the 7,200 samples of a still 720p scene, one lies beyond by chance in every other frame."""

MEDIAN_OF_NOISE = 0.6745
"""Median distance from the mean, as a multiple of the standard deviation (Gaussian); a step that goes up as often as down stops there."""

LIMIT_A_DISTANCE = round(DEVIATIONS / MEDIAN_OF_NOISE)

SAMPLES_OF_A_CODE = 6
"""The smallest code that can be read, 21 modules of 2 pixels, covers 5 x 2 or 5 x 3 samples, of which half change, and is held by a hand."""

LIMIT_MIN = 2 * SAMPLE_PX
"""Two steps of brightness: nothing that is read differs by less, and a source without any noise is not to be jumpy."""

TILE_PX, SAMPLES_A_TILE = 32, 2
"""Of the 8 samples of a tile two differ by chance in one of ten million tiles; of a code's, half do."""

LIMIT_MAX = 32 * SAMPLE_PX
"""A code must be noticed whatever was taken for noise: a lamp that was switched on between the first two frames, say. The noise of 40
steps a pixel, more than any dusk has that a code can be read in, reaches it."""

STEP = 2
"""The background's step a frame, in parts of ``SAMPLE_PX`` of a step of brightness: 7 steps a second at 30 frames/s, two
while something moves. A person passes unlearnt, the sun's shadow is followed, and what stays for long becomes part of the scene."""

FRAMES_A_LESSON = 4
"""While something moves, scene and noise are learnt from every 4th frame only: it moves, it is neither. (Limits up and down alike:
if they only sank while something moves, there would soon be movement everywhere.)"""

VARIANCE_LEFT = 1 / 3
"""What is left of a sample's variance when each is halved with all before it: 1/4 + 1/16 + …"""

FIRST_FRAMES = 8
"""From so many, after the very first, the background is learnt as their mean."""

FIRST_LIMIT = 5 / 4
"""Among them the background has a noise of its own, at first as much as the sample: 1/4 + 1/4 of a frame's variance, not 1/3.
Only the very first frame counts as moved whatever it shows: looks at each of nine cost as much as 5 s of an empty scene."""

_Plane = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Change:
    """``moved``: this frame shows something that is not the scene. ``where`` is the part of the picture that differs.

    ``noise`` is the standard deviation of one pixel in steps of brightness, the median over the picture.
    """

    moved: bool
    where: Box | None = None
    noise: float = 0.0


STILL = Change(moved=False)


class ChangeDetector:
    """Tells still frames from changed ones, one after the other."""

    def __init__(self) -> None:
        self._begin((0, 0))

    def see(self, luma: Luma) -> Change:
        """What is new in this frame (height x width, at least 16 x 8; smaller ones always count as moved)."""
        height, width = luma.shape[0] // ROWS, luma.shape[1] // SAMPLE_PX
        if not height or not width:
            return Change(moved=True, where=Box(0, 0, luma.shape[1], luma.shape[0]))
        if self._sample.shape != (height, width):
            self._begin((height, width))
        self._take(luma)
        self._frames += 1
        if self._frames == 0:
            np.copyto(self._smooth, self._sample)
            np.copyto(self._background, self._sample)
            return Change(moved=True, where=Box(0, 0, luma.shape[1], luma.shape[0]))
        if self._frames == 1:
            self._guess_noise()
        np.add(self._smooth, self._sample, out=self._smooth)
        np.right_shift(self._smooth, 1, out=self._smooth)
        moved = self._compare()
        self._learn(moved=moved)
        return Change(moved=True, where=self._where(luma.shape), noise=self._noise()) if moved else STILL

    def _begin(self, shape: tuple[int, int]) -> None:
        """Frames of another size: forget everything. All planes are made here, since making them costs more than filling them."""
        self._words, self._odd = np.empty(shape, np.uint64), np.empty(shape, np.uint64)
        self._sample, self._smooth, self._background, self._off, self._distance = (np.zeros(shape, np.int16) for _ in range(5))
        self._limit = np.full(shape, LIMIT_MIN, np.int16)
        self._differ = np.empty(shape, np.bool_)
        self._frames = -1  # compared with the background so far

    def _take(self, luma: Luma) -> None:
        height, width = self._sample.shape
        np.copyto(self._words, luma[ROWS // 2 :: ROWS][:height, : width * SAMPLE_PX].view(np.uint64))
        np.copyto(self._sample, total(pairs(self._words, self._odd)), casting="unsafe")

    def _guess_noise(self) -> None:
        """From two frames, since half of the picture, at least, was still in between. They differ by the noise of both."""
        distance = float(np.median(np.abs(self._sample - self._background)))
        self._limit[:] = np.clip(int(distance * LIMIT_A_DISTANCE * math.sqrt(VARIANCE_LEFT / 2)), LIMIT_MIN, LIMIT_MAX)

    def _compare(self) -> bool:
        np.subtract(self._smooth, self._background, out=self._off)
        np.abs(self._off, out=self._distance)
        limit = self._limit if self._frames > FIRST_FRAMES else self._limit * FIRST_LIMIT
        np.greater(self._distance, limit, out=self._differ)
        return int(np.count_nonzero(self._differ)) > SAMPLES_OF_A_CODE

    def _learn(self, *, moved: bool) -> None:
        """One step of the background towards the scene, and of each limit towards its noise."""
        off, distance = self._off, self._distance
        if self._frames <= FIRST_FRAMES:  # the mean of all so far: from the noise of one frame, small steps would need a second at dusk
            np.floor_divide(off, self._frames + 1, out=off)
        elif moved and self._frames % FRAMES_A_LESSON:
            return
        else:
            np.clip(off, -STEP, STEP, out=off)  # a third of minimum and maximum, which convert their bare number at each call
        np.add(self._background, off, out=self._background)
        np.multiply(distance, LIMIT_A_DISTANCE, out=distance)
        np.subtract(distance, self._limit, out=distance)
        np.clip(distance, -1, 1, out=distance)
        np.add(self._limit, distance, out=self._limit)
        np.clip(self._limit, LIMIT_MIN, LIMIT_MAX, out=self._limit)

    def _where(self, shape: tuple[int, ...]) -> Box:
        """The smallest box around the tiles in which enough differs not to be chance, and half a tile more; the whole picture if there is none."""
        tall, wide = TILE_PX // ROWS, TILE_PX // SAMPLE_PX
        height, width = self._differ.shape[0] // tall, self._differ.shape[1] // wide
        fours = self._differ[: height * tall, : width * wide].view(np.uint32)  # a tile is two rows of four samples, a byte each
        count = fours[0::tall] + fours[1::tall]
        count += count >> 16
        count += count >> 8
        tiles = (count & 0xFF) >= SAMPLES_A_TILE
        rows, columns = np.flatnonzero(tiles.any(axis=1)), np.flatnonzero(tiles.any(axis=0))
        if not rows.size or not columns.size:
            return Box(0, 0, shape[1], shape[0])
        found = Box(int(columns[0]) * TILE_PX, int(rows[0]) * TILE_PX, (int(columns[-1]) + 1) * TILE_PX, (int(rows[-1]) + 1) * TILE_PX)
        return found.grown(TILE_PX // 2, shape)

    def _noise(self) -> float:
        """From the limits of every 17th sample (a prime, so that they do not stand in columns)."""
        limits = self._limit.reshape(-1)[::17]
        middle = limits.size // 2
        deviation = float(np.partition(limits, middle)[middle]) / (LIMIT_A_DISTANCE * MEDIAN_OF_NOISE)  # np.median costs five times as much
        return deviation / math.sqrt(SAMPLE_PX * VARIANCE_LEFT)
