"""People who walk past without a code: with a bag, a telephone seen from behind, a striped shirt, a book."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from device.demo.lens import WIDTH, Pose, Sprite, put
from device.demo.room import person
from device.reader.frame import Luma
from tests.bench import empty
from tests.bench.seeds import PASSING, stream

FRAMES = 80
"""With somebody in view in each."""

EMPTY_BEFORE = 40

STRIDE_FRAMES = 16
"""A step takes half a second at 30 frames/s."""

SHUTTER = 0.4


@dataclass(frozen=True, slots=True)
class Walker:
    sprite: Sprite
    scale: float
    chin_y_px: float
    start_px: float
    step_px: float  # a frame; negative: from right to left

    def draw(self, scene: Luma, number: int) -> None:
        bob = 7 * math.sin(2 * math.pi * number / STRIDE_FRAMES)
        pose = Pose(self.start_px + self.step_px * number, self.chin_y_px + bob, self.scale)
        put(scene, self.sprite, pose, (self.step_px * SHUTTER, 0.0))


def frames(name: str, base: int, count: int = FRAMES) -> Iterator[Luma]:
    """People passing before the scene ``name``; the empty scene first, for ``EMPTY_BEFORE`` frames."""
    sensor, room = empty.SENSORS[name], empty.scene(name, base)
    kind = empty.SCENES.index(name)
    walkers = _walkers(stream(base, PASSING, kind), count)
    for number in range(-EMPTY_BEFORE, count):
        scene = room.copy()
        for walker in walkers if number >= 0 else ():
            walker.draw(scene, number)
        light = sensor.light(scene)
        yield sensor.expose(light, stream(base, PASSING, kind, EMPTY_BEFORE + number))


def _walkers(rng: np.random.Generator, count: int) -> tuple[Walker, Walker]:
    """One crosses the picture from the left while another comes from the right, nearer or farther."""
    way = WIDTH + 260
    return tuple(  # type: ignore[return-value]  # two
        Walker(
            sprite=_with_things(person(rng), rng),
            scale=float(rng.uniform(0.85, 1.15)),
            chin_y_px=float(rng.uniform(310, 380)),
            start_px=-130 if side > 0 else WIDTH + 130,
            step_px=side * way / count * float(rng.uniform(0.75, 1.05)),
        )
        for side in (1, -1)
    )


def _with_things(walker: Sprite, rng: np.random.Generator) -> Sprite:
    """What they carry has edges and texture, and no code."""
    light, cover = walker.light.copy(), walker.cover.copy()
    x, y = walker.anchor
    draw, mask = ImageDraw.Draw(light), ImageDraw.Draw(cover)
    for stripe in range(0, 300, 22):  # a shirt
        draw.rectangle((x - 150, y + 90 + stripe, x + 150, y + 99 + stripe), fill=int(rng.integers(70, 200)))
    side = -1 if rng.random() < 0.5 else 1
    left = x + side * 170 - 55
    for layer, bag, buckle in ((draw, 45, 190), (mask, 255, 255)):  # a bag
        layer.rectangle((left, y + 220, left + 150, y + 420), fill=bag)
        layer.rectangle((left + 55, y + 250, left + 95, y + 275), fill=buckle)
        layer.line((left + 20, y + 220, x, y + 40), fill=bag, width=14)
    back = (x - side * 180 - 60, y + 60)
    for layer, shell, glass in ((draw, 30, 90), (mask, 255, 255)):  # a telephone, from behind
        layer.rounded_rectangle((*back, back[0] + 120, back[1] + 235), radius=22, fill=shell)
        layer.rounded_rectangle((back[0] + 12, back[1] + 12, back[0] + 56, back[1] + 70), radius=14, fill=glass)
        layer.ellipse((back[0] + 20, back[1] + 18, back[0] + 46, back[1] + 42), fill=shell)
    _sheet(light, cover, (round(x - 60), round(y + 130)), rng)
    return Sprite(light, cover, walker.anchor)


def _sheet(light: Image.Image, cover: Image.Image, at: tuple[int, int], rng: np.random.Generator) -> None:
    """A printed page with lines of text and a black picture, the hardest thing to tell from a code at a distance."""
    draw = ImageDraw.Draw(light)
    draw.rectangle((*at, at[0] + 120, at[1] + 150), fill=215)
    for line in range(14):
        draw.rectangle((at[0] + 10, at[1] + 10 + 9 * line, at[0] + 20 + int(rng.integers(30, 85)), at[1] + 14 + 9 * line), fill=60)
    draw.rectangle((at[0] + 66, at[1] + 92, at[0] + 108, at[1] + 134), fill=35)
    ImageDraw.Draw(cover).rectangle((*at, at[0] + 120, at[1] + 150), fill=255)
