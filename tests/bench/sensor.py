"""From the light of a scene to a camera's luma: lens, vignette, gain, noise, and what a camera's own processor does to it."""

from __future__ import annotations

import functools
import io
import statistics
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from device.demo.lens import HEIGHT, WIDTH
from device.reader.frame import Luma

Light = NDArray[np.float32]
"""Brightness before the sensor, HEIGHT x WIDTH, in the grey levels that it would have without noise."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One camera in one light.

    ``sigma`` is the noise in grey levels at mid grey (standard deviation). With ``shot``, half of its variance there is the
    light's own, which grows with brightness; without, all of it is the amplifier's. ``slope`` is how much lighter the left edge
    is than the right one. ``sharpening`` is the weight of the processor's unsharp mask; ``jpeg_quality`` is 0 for none.
    """

    gain: float = 1.0
    sigma: float = 3.0
    shot: bool = True
    slope: float = 0.0
    sharpening: float = 0.0
    jpeg_quality: int = 0

    def light(self, scene: Luma) -> Light:
        """Through the lens: 1-2-1 both ways, which is a Gaussian of 0.7 pixels; then darker towards the corners."""
        return softened(scene) * _falloff(self.gain, self.slope)

    def expose(self, light: Light, rng: np.random.Generator) -> Luma:
        """One frame, with noise of its own."""
        chances = np.frombuffer(rng.bytes(2 * light.size), np.uint16).reshape(light.shape)
        noise = _normal().take(chances)
        if self.shot:
            noise *= _deviation_of_light(self.sigma).take(_bytes(light))
        else:
            noise *= np.float32(self.sigma)
        noise += light
        luma = _bytes(noise)
        if self.sharpening:
            luma = _sharpened(luma, self.sharpening)
        return _through_jpeg(luma, self.jpeg_quality) if self.jpeg_quality else luma


def softened(scene: Luma) -> Light:
    wide = scene.astype(np.float32)
    down = wide * np.float32(2)
    down[1:-1] += wide[:-2]
    down[1:-1] += wide[2:]
    down[0] *= 2
    down[-1] *= 2
    both = down * np.float32(2)
    both[:, 1:-1] += down[:, :-2]
    both[:, 1:-1] += down[:, 2:]
    both[:, 0] *= 2
    both[:, -1] *= 2
    both *= np.float32(1 / 16)
    return both


def _bytes(values: Light) -> Luma:
    return np.clip(values + np.float32(0.5), 0, 255).astype(np.uint8)


def _sharpened(luma: Luma, weight: float) -> Luma:
    sharp = luma.astype(np.float32)
    sharp += (sharp - softened(luma)) * np.float32(weight)
    return _bytes(sharp)


def _through_jpeg(luma: Luma, quality: int) -> Luma:
    buffer = io.BytesIO()
    Image.fromarray(luma).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer))


@functools.lru_cache(maxsize=8)
def _falloff(gain: float, slope: float) -> Light:
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None] * np.float32(HEIGHT / WIDTH)
    falloff: Light = (np.float32(1.02) - np.float32(0.33) * (x * x + y * y) - np.float32(slope / 2) * x) * np.float32(gain)
    return falloff


@functools.cache
def _normal() -> Light:
    """65,536 equally likely levels of the normal distribution: two random bytes choose one, in a third of the usual time."""
    normal = statistics.NormalDist()
    return np.array([normal.inv_cdf((chance + 0.5) / 65_536) for chance in range(65_536)], np.float32)


@functools.lru_cache(maxsize=16)
def _deviation_of_light(sigma: float) -> Light:
    deviation: Light = (sigma * np.sqrt(0.5 + np.arange(256) / 255)).astype(np.float32)
    return deviation
