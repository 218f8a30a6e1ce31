"""Sheets with a code that are not flat: round a cup, creased paper, cloth. Each is one picture, as a camera before it would take it.

A sheet is drawn backwards: for each pixel of the picture the place on the sheet that is seen there. A *cup* is a cylinder; *creases* are
straight folds, beyond each of which the sheet is foreshortened and lit otherwise; *cloth* is a sum of waves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import segno
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from device.reader.frame import Luma
from device.reader.rectification import sampled
from tests.bench.seeds import BENT, stream
from tests.bench.sequence import BYTES_OF_VERSION, payload_of

QUIET_ZONE = 4
PRINTED_PX = 8
"""Pixels a module of the sheet before it is bent."""

Plane = NDArray[np.float32]
Bend = Callable[[Plane, Plane, float, np.random.Generator], tuple[Plane, Plane, Plane]]
"""From places around the middle of the picture, in modules, and the sheet's side: the places on the sheet, and how brightly they are lit."""


@dataclass(frozen=True, slots=True)
class Sheet:
    luma: Luma = field(repr=False)
    payload: bytes = field(repr=False)
    modules: int


def bent_sheet(base: int, number: int, bend: str) -> Sheet:
    """Sheet ``number`` of the seed ``base``, bent as one of ``BENDS`` says."""
    rng = stream(base, BENT, list(BENDS).index(bend), number)
    payload = payload_of(int(rng.choice(list(BYTES_OF_VERSION))), rng)
    symbol = segno.make(payload, error="lmqh"[int(rng.integers(4))], micro=False)
    cells = np.array([[1 - (cell & 1) for cell in row] for row in symbol.matrix_iter(scale=PRINTED_PX, border=QUIET_ZONE)], np.uint8) * 255
    side = cells.shape[0] / PRINTED_PX
    module_px = float(rng.uniform(3.0, 6.5))
    x, y = _places(int(side * module_px * 1.5) + 20, module_px, side, rng)
    x, y, light = BENDS[bend](x, y, side, rng)
    blur = ImageFilter.GaussianBlur(PRINTED_PX * float(rng.uniform(0.18, 0.38)))
    printed = np.asarray(Image.fromarray(cells).filter(blur))
    seen = sampled(printed, (x + side / 2) * PRINTED_PX, (y + side / 2) * PRINTED_PX) / 255
    dark, bright, wall = rng.uniform(10, 60), rng.uniform(130, 240), rng.uniform(0.2, 0.7)
    inside = np.maximum(np.abs(x), np.abs(y)) < side / 2
    luma = (dark + (bright - dark) * np.where(inside, seen, wall)) * np.clip(light, 0.2, 1.3)
    noise = rng.normal(0, rng.uniform(1, 6), luma.shape)
    return Sheet(np.clip(luma + noise, 0, 255).astype(np.uint8), payload, round(side) - 2 * QUIET_ZONE)


def _places(size_px: int, module_px: float, side: float, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """Turned by any angle, and tilted a little."""
    across = (np.arange(size_px, dtype=np.float32) - size_px / 2) / module_px
    x, y = np.broadcast_arrays(across[None, :], across[:, None])
    x, y = _turned(x, y, rng.uniform(-math.pi, math.pi))
    tilt_x, tilt_y = (math.tan(math.radians(degrees)) / (2 * side) for degrees in rng.uniform(-25, 25, 2))
    depth = 1 + x * tilt_x + y * tilt_y
    return x / depth, y / depth


def _turned(x: Plane, y: Plane, angle: float) -> tuple[Plane, Plane]:
    cosine, sine = math.cos(angle), math.sin(angle)
    return x * cosine + y * sine, y * cosine - x * sine


def _cup(x: Plane, y: Plane, side: float, rng: np.random.Generator) -> tuple[Plane, Plane, Plane]:
    """Seen a little from above: its rings are ellipses."""
    radius, angle = side * rng.uniform(0.62, 1.2), rng.uniform(0, math.pi)
    u, v = _turned(x, y, angle)
    sine = np.clip(u / radius, -0.97, 0.97)
    cosine = np.sqrt(1 - sine**2)
    v = v - rng.uniform(-0.15, 0.15) * radius * (1 - cosine)
    return *_turned(radius * np.arcsin(sine), v, -angle), 0.3 + 0.7 * cosine


def _creases(x: Plane, y: Plane, side: float, rng: np.random.Generator) -> tuple[Plane, Plane, Plane]:
    light = np.ones_like(x)
    for _ in range(3):
        angle = rng.uniform(0, 2 * math.pi)
        beyond = np.maximum(x * math.cos(angle) + y * math.sin(angle) - rng.uniform(-side / 3, side / 3), 0)
        along, steep = angle + rng.uniform(-0.6, 0.6), rng.uniform(0.05, 0.22)
        x, y = x + beyond * steep * math.cos(along), y + beyond * steep * math.sin(along)
        light = np.where(beyond > 0, light * rng.uniform(0.6, 1.1), light)
    return x, y, light


def _cloth(x: Plane, y: Plane, side: float, rng: np.random.Generator) -> tuple[Plane, Plane, Plane]:
    light = np.ones_like(x)
    for _ in range(6):
        length, angle, along = side * rng.uniform(0.3, 1.2), *rng.uniform(0, 2 * math.pi, 2)
        wave = (x * math.cos(angle) + y * math.sin(angle)) * 2 * math.pi / length + rng.uniform(0, 2 * math.pi)
        high = rng.uniform(0.1, 0.03 * length) / 2
        x, y = x + high * np.sin(wave) * math.cos(along), y + high * np.sin(wave) * math.sin(along)
        light = light * (1 + 0.12 * np.cos(wave))
    return x, y, light


BENDS: dict[str, Bend] = {"cup": _cup, "creases": _creases, "cloth": _cloth}
