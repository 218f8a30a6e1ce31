"""How wide is an edge, in pixels? The one measure of blur that depends neither on light nor on what is in the picture.

Differences at two distances tell it. An edge of contrast C that rises over w pixels gives squared differences of
C² (k - w/3) at a distance k above w, and of C² (k/w)² (w - k/3) below. Their ratio at 1 pixel and at ``LAG`` pixels holds
neither C nor the number of edges: only w. Noise adds the same to both, 2 σ², and is taken away first: noise is no sharpness.

For scale: a sharp lens gives 1 to 2 pixels, a Gaussian blur of standard deviation s gives about 3.5 s, a hand that moves by
L pixels while the shutter is open gives L.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.reader.frame import Luma

LAG = 8
"""Pixels. Edges wider than four times this are told as that wide: nothing that is read has such ones."""
WIDTH_MAX_PX = 4.0 * LAG

STRUCTURE_MIN = 16.0
"""Squared steps of brightness, mean over the picture: below it a wall is looked at, and there is nothing to focus on."""
STRUCTURE_TO_NOISE = 0.5
"""A structure must be at least so strong, against the variance of the noise, to be told from it (100,000 differences are averaged)."""

NOISE_MARGIN = 1.02
"""The noise is known to about 1 %. Where it hides what is left of an edge, blur is told rather than sharpness."""

_CLIP_DEVIATIONS = 3.0
_VARIANCE_CLIPPED = 0.995  # of a Gaussian, clipped there
_TO_DEVIATION = 1.4826  # from the median distance, of a Gaussian
_MASK_GAIN = 6.0  # sqrt(1+4+1+4+16+4+1+4+1): how much the mask below amplifies noise


@dataclass(frozen=True, slots=True)
class Edges:
    """Width of edges in pixels: along rows, along columns, and of both together. ``None``: nothing is there to measure."""

    across_px: float | None
    down_px: float | None
    px: float | None


def edges_of(luma: Luma, *, noise: float | None = None) -> Edges:
    """The edges of ``luma`` (2-D); ``noise`` is its standard deviation in steps of brightness, estimated where not given."""
    if min(luma.shape) <= 2 * LAG:
        return Edges(None, None, None)
    deviation = spatial_noise(luma) if noise is None else noise
    picture = luma.astype(np.float32)
    across, down = (_differences(each, deviation) for each in (picture, picture.T))
    both = (across[0] + down[0], across[1] + down[1])
    least = max(STRUCTURE_MIN, STRUCTURE_TO_NOISE * deviation**2)
    return Edges(*(_width_px(*each) if each[1] > least else None for each in (across, down, both)))


def _differences(picture: NDArray[np.float32], noise: float) -> tuple[float, float]:
    near, far = (np.subtract(picture[:, lag:], picture[:, :-lag]) for lag in (1, LAG))
    return tuple(max(float(np.mean(np.square(each))) - NOISE_MARGIN * 2 * noise**2, 0.0) for each in (near, far))  # type: ignore[return-value]


def _width_px(near: float, far: float) -> float:
    """Inverts the ratio, which falls as the width grows, by halving."""
    ratio, low, high = near / far, 0.0, WIDTH_MAX_PX
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if _squared(middle, 1) / _squared(middle, LAG) > ratio else (low, middle)
    return max(1.0, round(high, 3))  # a pixel is the least that can be told


def _squared(width_px: float, lag: int) -> float:
    return lag - width_px / 3 if width_px <= lag else (lag / width_px) ** 2 * (width_px - lag / 3)


# --- noise -----------------------------------------------------------------------------------------------------


def noise_between(luma: Luma, before: Luma) -> float:
    """From two pictures of one scene. Where something moved between them it is told too large, never too small."""
    return _deviation(luma.astype(np.float32) - before) / math.sqrt(2)


def spatial_noise(luma: Luma) -> float:
    """From one picture (Immerkær, 1996): a mask that plain areas and upright edges do not pass. Fine texture is told as noise."""
    picture = luma.astype(np.float32)
    rows = picture[:-2] - 2 * picture[1:-1] + picture[2:]
    return _deviation(rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]) / _MASK_GAIN


def _deviation(differences: NDArray[Any]) -> float:
    """Standard deviation around the median; outliers, which are content, count as three deviations."""
    off = differences - np.median(differences)
    limit = _CLIP_DEVIATIONS * max(_TO_DEVIATION * float(np.median(np.abs(off))), 1.0)
    np.clip(off, -limit, limit, out=off)
    return math.sqrt(float(np.mean(np.square(off))) / _VARIANCE_CLIPPED)
