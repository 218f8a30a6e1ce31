"""The waiting hall behind the gate, and the people who step up from it: all out of focus, as a lens set on the code sees them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from device.demo.lens import HEIGHT, WIDTH, Sprite, cut_out

_FOCUS_PX = 4.0
_PERSON_SOFTNESS_PX = 5.0


def hall(rng: np.random.Generator) -> Image.Image:
    """The empty scene (luma, full frame): walls, windows, benches, lamps, tiles on the floor, grain of plaster."""
    picture = Image.linear_gradient("L").resize((WIDTH, HEIGHT)).point(lambda grey: 142 - grey // 6)
    draw = ImageDraw.Draw(picture)
    _draw_windows(draw)
    _draw_floor(draw)
    _draw_benches(draw)
    draw.rectangle((930, 60, 1210, 132), fill=62)  # the departure board
    for row in range(3):
        draw.rectangle((946, 74 + 18 * row, 946 + int(rng.integers(120, 230)), 81 + 18 * row), fill=176)
    return _plaster(picture, rng).filter(ImageFilter.GaussianBlur(_FOCUS_PX))


def person(rng: np.random.Generator) -> Sprite:
    """Head, shoulders, and the face mask that the hall asks for. The anchor is the chin."""
    width, height = 700, 780
    skin, hair, coat = int(rng.integers(118, 168)), int(rng.integers(22, 60)), int(rng.integers(48, 125))
    broad = float(rng.uniform(0.9, 1.1))
    picture, cover = Image.new("L", (width, height), coat), Image.new("L", (width, height), 0)
    draw, mask = ImageDraw.Draw(picture), ImageDraw.Draw(cover)
    middle, top = width / 2, 30.0
    wide = 96 * broad
    for layer, shade in ((mask, 255), (draw, coat)):
        _shoulders(layer, middle, top, broad, shade)
    mask.ellipse((middle - wide - 10, top, middle + wide + 10, top + 268), fill=255)
    draw.ellipse((middle - wide - 10, top, middle + wide + 10, top + 250), fill=hair)
    draw.ellipse((middle - wide + 8, top + 48, middle + wide - 8, top + 268), fill=skin)
    draw.rectangle((middle - 44, top + 236, middle + 44, top + 296), fill=skin - 24)  # the neck, in the chin's shade
    _face(draw, middle, top, wide, hair)
    mask.rectangle((middle - 44, top + 236, middle + 44, top + 306), fill=255)
    draw.line((middle, top + 300, middle, height), fill=max(coat - 26, 8), width=7)
    return cut_out(picture, cover, (middle, top + 268), _PERSON_SOFTNESS_PX)


def _shoulders(draw: ImageDraw.ImageDraw, middle: float, top: float, broad: float, shade: int) -> None:
    wide, line = 285 * broad, top + 292
    draw.rounded_rectangle((middle - wide, line + 26, middle + wide, line + 760), radius=120, fill=shade)
    draw.polygon(((middle - 66, line - 8), (middle + 66, line - 8), (middle + wide * 0.8, line + 60), (middle - wide * 0.8, line + 60)), fill=shade)


def _face(draw: ImageDraw.ImageDraw, middle: float, top: float, wide: float, hair: int) -> None:
    for side in (-1, 1):
        eye = middle + side * wide * 0.42
        draw.ellipse((eye - 17, top + 118, eye + 17, top + 133), fill=hair + 12)
        draw.line((eye - 25, top + 101, eye + 25, top + 99), fill=hair + 18, width=7)
        draw.line((middle + side * (wide - 12), top + 142, middle + side * wide * 0.55, top + 172), fill=196, width=6)
    draw.rounded_rectangle((middle - wide * 0.72, top + 162, middle + wide * 0.72, top + 252), radius=36, fill=205)
    for fold in (192, 214):
        draw.line((middle - wide * 0.62, top + fold, middle + wide * 0.62, top + fold), fill=180, width=4)


def _draw_windows(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((40, 70, 330, 430), fill=96)
    for column in range(2):
        for row in range(2):
            x, y = 54 + 136 * column, 84 + 172 * row
            draw.rectangle((x, y, x + 124, y + 160), fill=222 - 22 * row)
    for x in (430, 690, 950):
        draw.rounded_rectangle((x, 14, x + 170, 34), radius=9, fill=238)  # lamps
    draw.rectangle((560, 150, 820, 505), fill=84)  # the way out, with daylight behind
    draw.rectangle((578, 168, 685, 505), fill=168)
    draw.rectangle((695, 168, 802, 505), fill=158)


def _draw_floor(draw: ImageDraw.ImageDraw) -> None:
    horizon = 505
    draw.rectangle((0, horizon, WIDTH, HEIGHT), fill=92)
    draw.rectangle((0, horizon - 14, WIDTH, horizon), fill=66)
    for number in range(-9, 10):
        draw.line((640 + number * 70, horizon, 640 + number * 330, HEIGHT), fill=78, width=4)
    for y in (530, 566, 620, 694):
        draw.line((0, y, WIDTH, y), fill=78, width=4)


def _draw_benches(draw: ImageDraw.ImageDraw) -> None:
    for x in (860, 1000, 1140):
        draw.rounded_rectangle((x, 372, x + 118, 470), radius=14, fill=58)
        draw.rectangle((x + 6, 470, x + 112, 488), fill=44)
        draw.line((x + 20, 488, x + 20, 530), fill=40, width=8)
        draw.line((x + 98, 488, x + 98, 530), fill=40, width=8)


def _plaster(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Coarse and fine unevenness, so that the empty scene has texture for decoders to stumble over."""
    grey = np.asarray(picture, np.float32).copy()
    for cells, depth in ((12, 9.0), (60, 4.0), (240, 7.0)):
        coarse = Image.fromarray(rng.standard_normal((cells * 9 // 16 + 1, cells)).astype(np.float32))
        grey += np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) * np.float32(depth)
    return Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))
