"""Empty scenes, as a gate sees them nearly all day: every frame is the same scene with noise of its own.

Four of them (decoding.md section 3): *smooth*, a hall out of focus; *textured*, a brick wall full of notices; *plain*, a
wall with uneven light; *night*, a dark yard and an amplified sensor.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from device.demo.lens import HEIGHT, WIDTH
from device.demo.room import hall
from device.reader.frame import Luma
from tests.bench.seeds import EMPTY, stream
from tests.bench.sensor import Sensor

SCENES = ("smooth", "textured", "plain", "night")

SENSORS = {"smooth": Sensor(sigma=2.5), "textured": Sensor(sigma=3.0), "plain": Sensor(sigma=5.0), "night": Sensor(sigma=9.0, shot=False)}

DRIFT, DRIFT_FRAMES = 0.015, 400
"""Daylight is never quite constant: so much up and down, in so many frames."""


def frames(name: str, base: int, count: int) -> Iterator[Luma]:
    """``count`` frames of the empty scene ``name``."""
    sensor = SENSORS[name]
    light = sensor.light(scene(name, base))
    for number in range(count):
        drift = 1 + DRIFT * math.sin(2 * math.pi * number / DRIFT_FRAMES)
        yield sensor.expose(light * np.float32(drift), stream(base, EMPTY, SCENES.index(name), number))


@functools.lru_cache(maxsize=8)
def scene(name: str, base: int) -> Luma:
    """The scene without noise, height x width; not to be written to."""
    rng = stream(base, EMPTY, SCENES.index(name))
    picture = {"smooth": hall, "textured": _notices, "plain": _wall, "night": _yard}[name](rng)
    return np.asarray(picture, np.uint8)


def _notices(rng: np.random.Generator) -> Image.Image:
    picture = Image.new("L", (WIDTH, HEIGHT), 120)
    draw = ImageDraw.Draw(picture)
    for row in range(HEIGHT // 24):
        for x in range(-(row % 2) * 32, WIDTH, 64):
            draw.rectangle((x, 24 * row, x + 60, 24 * row + 20), fill=int(rng.integers(82, 132)))
    for _ in range(9):
        notice = _notice(rng)
        picture.paste(notice, (int(rng.integers(-60, WIDTH - 180)), int(rng.integers(-60, HEIGHT - 200))))
    grey = np.asarray(picture, np.float32) + rng.normal(0, 6, (HEIGHT, WIDTH)).astype(np.float32)
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.8))


def _notice(rng: np.random.Generator) -> Image.Image:
    width, height, size = int(rng.integers(180, 330)), int(rng.integers(170, 360)), int(rng.integers(11, 30))
    notice = Image.new("L", (width, height), int(rng.integers(190, 240)))
    draw = ImageDraw.Draw(notice)
    font = ImageFont.load_default(size)
    for y in range(12, height - size, round(1.4 * size)):
        words = " ".join("".join(chr(97 + int(letter)) for letter in rng.integers(0, 26, int(rng.integers(2, 9)))) for _ in range(10))
        draw.text((12, y), words, fill=int(rng.integers(20, 70)), font=font)
    return notice


def _wall(rng: np.random.Generator) -> Image.Image:
    """Uneven light on smooth paint; nothing else."""
    grey = np.linspace(150, 95, WIDTH, dtype=np.float32) + np.linspace(18, -18, HEIGHT, dtype=np.float32)[:, None]
    coarse = Image.fromarray(rng.standard_normal((4, 6)).astype(np.float32)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return Image.fromarray(np.clip(grey + 6 * np.asarray(coarse), 0, 255).astype(np.uint8))


def _yard(rng: np.random.Generator) -> Image.Image:
    """A door, a path and two lamps, nearly black."""
    picture = Image.new("L", (WIDTH, HEIGHT), 13)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 470, WIDTH, HEIGHT), fill=19)
    draw.rectangle((470, 150, 760, 500), fill=8)
    draw.polygon(((540, 470), (700, 470), (980, HEIGHT), (300, HEIGHT)), fill=27)
    picture = picture.filter(ImageFilter.GaussianBlur(6))
    draw = ImageDraw.Draw(picture)
    for _ in range(2):
        x, y = int(rng.integers(60, WIDTH - 60)), int(rng.integers(30, 150))
        for radius, grey in ((46, 24), (28, 60), (13, 190)):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=grey)
    return picture.filter(ImageFilter.GaussianBlur(4))
