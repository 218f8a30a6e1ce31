"""A sensor: light falls on it, its rows are read one after the other, and it obeys some frames late.

Radiance 1 is white paper in a lit room, which at 1 ms and gain 4 comes out as 200 of 255.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from device.reader.frame import Exposure, Frame, Luma
from device.reader.optics.exposure import Limits

Radiance = NDArray[np.float64]

ELECTRONS_A_US = 1.56
ELECTRONS_A_STEP = 31.0
"""At gain 1; the well holds 255 times as many."""

READ_NOISE = 4.0
"""Electrons, standard deviation."""

LINE_US = 20.0
"""From one row to the next."""

FINE = 4
"""Positions of a moving thing between two pixels."""


@dataclass
class Scene:
    """``thing`` before a ``background``, its left top at (``x``, ``y``) px at second 0, moving sideways."""

    background: Radiance
    thing: Radiance
    x: float = 0.0
    y: int = 0
    px_per_s: float = 0.0

    def at(self, second: float) -> Radiance:
        """What each row shows at the moment at which it is itself exposed, if the first one is at ``second``."""
        shown = self.background.copy()
        height, width = self.thing.shape
        rows = np.arange(height)
        left = self.x + self.px_per_s * (second + (self.y + rows) * LINE_US / 1e6)
        columns = np.arange(self.background.shape[1])[None, :] - np.round(left * FINE)[:, None] / FINE
        there = (columns >= 0) & (columns < width)
        fetched = self.thing[rows[:, None], np.clip(columns.astype(int), 0, width - 1)]
        part = shown[self.y : self.y + height]
        part[there] = fetched[there]
        return shown

    def during(self, second: float, shutter_s: float) -> Radiance:
        """The mean while the shutter is open: motion blur."""
        times = min(max(1, math.ceil(abs(self.px_per_s) * shutter_s * 2)), 40)
        return sum((self.at(second + shutter_s * (number + 0.5) / times) for number in range(times)), np.zeros_like(self.background)) / times


LIMITS = Limits(20, 33_000, 16.0)


@dataclass
class Sensor:
    """A ``CameraControl``. ``latency`` is the number of frames that still come as before."""

    scene: Scene
    exposure: Exposure
    latency: int = 3
    frames_per_s: float = 30.0
    gamma: float = 1.0
    flicker: float = 0.0
    limits: Limits = LIMITS
    seed: int = 1
    asked: list[Exposure] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._coming: deque[tuple[int, Exposure]] = deque()

    def expose(self, exposure: Exposure) -> None:
        assert self.limits.shutter_min_us <= exposure.shutter_us <= self.limits.shutter_max_us
        assert 1 <= exposure.gain <= self.limits.gain_max
        self.asked.append(exposure)
        self._coming.append((self.number + self.latency, exposure))

    def frame(self) -> Frame:
        """The next frame."""
        while self._coming and self._coming[0][0] <= self.number:
            self.exposure = self._coming.popleft()[1]
        second = self.number / self.frames_per_s
        shutter_us, gain = self.exposure.shutter_us, self.exposure.gain
        light = self.scene.during(second, shutter_us / 1e6)
        luma = self._developed(light * self._lamps(second, shutter_us, light.shape[0]) * shutter_us * ELECTRONS_A_US, gain)
        self.number += 1
        return Frame(luma, self.number, round(second * 1e9), exposure=Exposure(shutter_us, gain))

    def _lamps(self, second: float, shutter_us: float, rows: int) -> Radiance:
        """Lamps on 50 Hz mains: light swings a hundred times a second, and a row has its mean over the shutter."""
        begin = 2 * math.pi * 100 * (second + np.arange(rows) * LINE_US / 1e6)
        turn = 2 * math.pi * 100 * shutter_us / 1e6
        return np.asarray(1 + self.flicker * (np.sin(begin + turn) - np.sin(begin)) / turn, np.float64)[:, None]

    def _developed(self, electrons: Radiance, gain: float) -> Luma:
        caught = np.minimum(self._rng.poisson(electrons), 255 * ELECTRONS_A_STEP) + self._rng.normal(0, READ_NOISE, electrons.shape)
        share = np.clip(caught * gain / ELECTRONS_A_STEP / 255, 0, 1) ** self.gamma
        luma: Luma = np.rint(share * 255).astype(np.uint8)
        return luma
