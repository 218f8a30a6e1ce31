"""The change detector: has anything moved before the lens?

A gate looks at nobody nearly all day, and a look costs fifty times as much as finding out that it is not needed.
The detector compares every eighth pixel of every eighth row with a background that follows slowly, and measures
the camera's own noise, so that no threshold is set by hand. It may only delay a look, never prevent one: the loop
looks at every tenth frame whatever is said here.
"""

from __future__ import annotations

import math

import numpy as np

from device.reader.frame import Luma

STRIDE = 8

DEVIATIONS = 5.0
"""Standard deviations of the noise. Of 14,400 samples of a still 720p scene, 0.01 lie beyond it by chance."""

NOISE_SAMPLES = 17
"""The noise is measured on every 17th sample (a prime, so that they do not stand in columns): 847 at 720p tell it within 4 %."""

MEDIAN_OF_JUMPS = 0.6745 * math.sqrt(2)
"""Median difference of one pixel between two frames, as a multiple of the noise's standard deviation (Gaussian)."""

SAMPLES_OF_A_CODE = 12
"""The smallest code that can be read, 21 modules of 2 pixels, covers 5x5 samples, of which half change colour."""

SLOWLY, QUICKLY = 1 / 64, 1 / 8
"""Weight of one frame in the measure of the noise, upwards and downwards: somebody who fills the picture for a moment
looks like noise and must not count much, and is soon forgotten; the noise of dusk comes slowly anyway."""

FIRST_FRAMES = 8
"""So many count as changed, whatever they show, while the noise is still unknown."""


class ChangeDetector:
    """Tells still frames from changed ones, one after the other."""

    def __init__(self) -> None:
        self._limit = np.empty(1, np.uint8)  # differences of brightness above this are no noise; numpy is slow to judge a bare number
        self._begin((0, 0))

    def changed(self, luma: Luma) -> bool:
        """Is this frame different from the background by more than the camera's noise?"""
        seen = luma[::STRIDE, ::STRIDE]
        if self._sample.shape != seen.shape:
            self._begin(seen.shape)
        sample, background, differ = self._sample, self._background, self._differ
        np.copyto(sample, seen)
        self._frames += 1
        if self._frames == 0:
            np.copyto(background, sample)
            np.copyto(self._last, self._sparse)
            return True
        self._limit[0] = min(int(DEVIATIONS * self._noise) + 1, 255)  # at least one step, for a source without any noise
        self._measure()
        np.greater(_difference(sample, background, self._high, self._low), self._limit, out=differ)
        moved = np.count_nonzero(differ) > SAMPLES_OF_A_CODE
        # One step of brightness a frame towards the scene: a person passes unlearnt, the sun's shadow is followed.
        steps = differ.view(np.uint8)  # a view: adding truth values would convert each
        np.greater(sample, background, out=differ)
        np.add(background, steps, out=background)
        np.greater(background, sample, out=differ)
        np.subtract(background, steps, out=background)
        return bool(moved) or self._frames <= FIRST_FRAMES

    def _begin(self, shape: tuple[int, ...]) -> None:
        """Frames of another size: forget everything. All planes are made here, since making them costs more than filling them."""
        self._sample, self._background, self._high, self._low = (np.empty(shape, np.uint8) for _ in range(4))
        self._differ = np.empty(shape, np.bool_)
        self._sparse = self._sample.reshape(-1)[::NOISE_SAMPLES]  # a view: it changes with the sample
        self._last, self._jumps, self._lower = (np.empty(self._sparse.shape, np.uint8) for _ in range(3))
        self._noise = 0.0  # standard deviation, steps of brightness
        self._frames = -1  # compared with the background so far
        self._measured = 0

    def _measure(self) -> None:
        """Learn the noise from what changed since the last frame in the quieter half of the picture."""
        median = _median(_difference(self._sparse, self._last, self._jumps, self._lower).tobytes())
        np.copyto(self._last, self._sparse)
        if median is None:
            return
        self._measured += 1
        surprise = median / MEDIAN_OF_JUMPS - self._noise
        weight = max(1 / self._measured, SLOWLY if surprise > 0 else QUICKLY)
        self._noise += weight * surprise


def _difference(one: Luma, other: Luma, high: Luma, low: Luma) -> Luma:
    """How far ``one`` and ``other`` lie apart, in ``high``; ``low`` is scratch."""
    np.maximum(one, other, out=high)
    np.minimum(one, other, out=low)
    return np.subtract(high, low, out=high)


def _median(jumps: bytes) -> float | None:
    """Median of whole numbers that were rounded; ``None`` where all are 0.

    Interpolated, since noise is often smaller than one step of brightness. Counted value by value, since it is a small one.
    """
    half, below, value = len(jumps) / 2, 0, 0
    while below + (here := jumps.count(value)) < half:
        below, value = below + here, value + 1
    if here == len(jumps) and value == 0:
        return None  # the same picture again (a recording, a stalled driver) says nothing about noise
    if value == 0:
        return half / here / 2  # 0 stands for what lies below 1/2
    return value - 0.5 + (half - below) / here
