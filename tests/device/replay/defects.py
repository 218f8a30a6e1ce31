"""A printed code, photographed with one defect at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from device.domain import Corners
from device.reader.frame import Luma
from tests.device.reader.pictures import VIETNAMESE, code

WIDTH, HEIGHT = 640, 480
QUIET = 4
Plane = NDArray[np.float64]


def printed(payload: bytes = VIETNAMESE, *, module_px: float = 5, ink: int = 30, paper: int = 220, tilt: float = 1.0) -> tuple[Plane, Corners]:
    """A code in the middle of a grey wall, ``tilt`` times as wide as high, and where its corners are."""
    symbol = Image.fromarray(code(payload, scale=8))
    modules = symbol.width // 8
    width, height = round(modules * module_px * tilt), round(modules * module_px)
    picture = np.asarray(symbol.resize((width, height), Image.Resampling.BOX), np.float64) / 255 * (paper - ink) + ink
    left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
    wall = np.full((HEIGHT, WIDTH), 110.0)
    wall[top : top + height, left : left + width] = picture
    margin_x, margin_y = QUIET * module_px * tilt, QUIET * module_px
    x0, y0, x1, y1 = left + margin_x, top + margin_y, left + width - margin_x, top + height - margin_y
    return wall, Corners(((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def shot(light: Plane, *, noise: float = 1.5, seed: int = 5) -> Luma:
    grain = np.random.default_rng(seed).normal(0, noise, light.shape)
    return np.clip(light + grain, 0, 255).astype(np.uint8)


def defocused(light: Plane, radius_px: float) -> Plane:
    blurred = Image.fromarray(light.astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius_px))
    return np.asarray(blurred, np.float64)


def smeared(light: Plane, px: int, *, diagonal: bool = False) -> Plane:
    return np.asarray(np.mean([np.roll(light, (step if diagonal else 0, step), (0, 1)) for step in range(px)], axis=0), np.float64)


def lit(light: Plane, corners: Corners, radius_px: float) -> Plane:
    """A lamp mirrored a little aside of the symbol's middle."""
    x, y = corners.centre
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    off = np.hypot(columns - x - radius_px / 2, rows - y) / radius_px
    return np.asarray(light + 400 * np.clip(1.3 - off, 0, 1), np.float64)


def covered(light: Plane, corners: Corners, share: float) -> Plane:
    """A thumb over the lower right part."""
    (x0, y0), _, (x1, y1), _ = corners.points
    hidden = light.copy()
    hidden[round(y1 - share * (y1 - y0)) : round(y1), round(x1 - share * (x1 - x0)) : round(x1)] = 45
    return hidden
