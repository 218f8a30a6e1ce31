"""The change detector: has anything moved before the lens?

A gate looks at nobody nearly all day, and a look costs fifty times as much as finding out that it is not needed.
The detector compares every eighth pixel of every eighth row with a background that follows slowly, and measures
the camera's own noise, so that no threshold is set by hand. It may only delay a look, never prevent one: the loop
looks at every tenth frame whatever is said here.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

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
        self._background: NDArray[np.uint8] = np.empty((0, 0), np.uint8)
        self._last: NDArray[np.uint8] = np.empty(0, np.uint8)
        self._noise = 0.0  # standard deviation, steps of brightness
        self._frames = self._measured = 0

    def changed(self, luma: Luma) -> bool:
        """Is this frame different from the background by more than the camera's noise?"""
        sample = luma[::STRIDE].copy()[:, ::STRIDE].copy()  # whole rows first: memory is read fast only in a row
        sparse = sample.reshape(-1)[::NOISE_SAMPLES]
        background, last, self._last = self._background, self._last, sparse
        if background.shape != sample.shape:
            self._background, self._noise, self._frames, self._measured = sample.copy(), 0.0, 0, 0
            return True
        self._frames += 1
        limit = self._limit()
        self._measure(_difference(sparse, last))
        moved = np.count_nonzero(_difference(sample, background) > limit) > SAMPLES_OF_A_CODE
        # One step of brightness a frame towards the scene: a person passes unlearnt, the sun's shadow is followed.
        background += (sample > background).view(np.uint8)  # a view: adding truth values would convert each
        background -= (sample < background).view(np.uint8)
        return bool(moved) or self._frames <= FIRST_FRAMES

    def _limit(self) -> int:
        """Differences of brightness above this are no noise; at least one step, for a source without any."""
        return min(int(DEVIATIONS * self._noise) + 1, 255)

    def _measure(self, jumps: NDArray[np.uint8]) -> None:
        """Learn the noise from what changed since the last frame in the quieter half of the picture."""
        median = _median(np.bincount(jumps))
        if median is None:
            return
        self._measured += 1
        surprise = median / MEDIAN_OF_JUMPS - self._noise
        weight = max(1 / self._measured, SLOWLY if surprise > 0 else QUICKLY)
        self._noise += weight * surprise


def _difference(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    difference: NDArray[np.uint8] = np.maximum(one, other) - np.minimum(one, other)
    return difference


def _median(counts: NDArray[np.intp]) -> float | None:
    """Median of whole numbers that were rounded, from how often each occurs; ``None`` where all are 0.

    Interpolated, since noise is often smaller than one step of brightness.
    """
    if len(counts) == 1:
        return None  # the same picture again (a recording, a stalled driver) says nothing about noise
    up_to = counts.cumsum()
    half = up_to[-1] / 2
    value = int(np.searchsorted(up_to, half))
    if value == 0:
        return float(half / counts[0]) / 2  # 0 stands for what lies below 1/2
    return value - 0.5 + float((half - up_to[value - 1]) / counts[value])
