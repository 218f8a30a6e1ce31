"""What a gate's camera sees on a day: a hall with edges in it, blurred, grained or covered."""

from __future__ import annotations

import numpy as np

from device.reader.frame import Luma


def hall(rng: np.random.Generator, *, width: int = 640, height: int = 480) -> Luma:
    """Walls, doors and signs: rectangles of all sizes on a slope of light."""
    picture = np.linspace(90, 150, width)[None, :] + np.linspace(-15, 15, height)[:, None]
    for _ in range(40):
        x, y = rng.integers(0, width - 20), rng.integers(0, height - 20)
        wide, high = rng.integers(8, width // 4), rng.integers(8, height // 3)
        picture[y : y + high, x : x + wide] = rng.integers(25, 230)
    return picture.astype(np.uint8)


def grained(luma: Luma, sigma: float, rng: np.random.Generator) -> Luma:
    noisy = luma + rng.standard_normal(luma.shape, np.float32) * np.float32(sigma)
    limited: Luma = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return limited


def blurred(luma: Luma, sigma: float) -> Luma:
    """Out of focus, by a Gaussian."""
    if sigma == 0:
        return luma
    reach = int(3 * sigma) + 1
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    soft = luma.astype(np.float64)
    for axis in (0, 1):
        padded = np.pad(soft, [(reach, reach) if axis == each else (0, 0) for each in (0, 1)], mode="edge")
        soft = np.apply_along_axis(np.convolve, axis, padded, weights / weights.sum(), mode="valid")
    return np.rint(soft).astype(np.uint8)
