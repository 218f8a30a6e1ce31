"""What people hold up: phones, sheets of paper and cards with a code on them, and the hands that hold these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import segno
from PIL import Image, ImageFont

from device.demo.hands import MARGIN, Stage
from device.demo.scenes import Held

if TYPE_CHECKING:
    from device.demo.lens import Sprite

QUIET_ZONE = 4
"""Modules of light around a symbol that the standard (ISO/IEC 18004) asks for."""
CODE_PX = 306
"""Widest a code with its quiet zone may be drawn, pixels: five a module up to version 9, which holds any KD1 pass."""


def symbol(payload: bytes, *, dark: int, light: int) -> Image.Image:
    """The payload as a QR symbol, ECC M, bytes as they are, with its quiet zone; a whole number of pixels a module."""
    code = segno.make(payload, error="m", mode="byte", micro=False, boost_error=False)
    modules = np.array([list(row) for row in code.matrix_iter(border=QUIET_ZONE)], np.uint8)
    grey = np.where(modules == 1, np.uint8(dark), np.uint8(light))
    pixels = CODE_PX // len(grey)
    return Image.fromarray(np.kron(grey, np.ones((pixels, pixels), np.uint8)))


def held_thing(held: Held, payload: bytes, rng: np.random.Generator) -> Sprite:
    """The thing in its hand, anchored on the middle of its code."""
    draw = {Held.PHONE: _phone, Held.DARK_PHONE: _dark_phone, Held.PAPER: _paper, Held.CARD: _card}[held]
    return draw(payload, int(rng.integers(125, 172)))


def _phone(payload: bytes, skin: int) -> Sprite:
    return _any_phone(symbol(payload, dark=14, light=243), skin, screen=236, ink=70)


def _dark_phone(payload: bytes, skin: int) -> Sprite:
    return _any_phone(symbol(payload, dark=212, light=20), skin, screen=20, ink=150)


def _any_phone(code: Image.Image, skin: int, *, screen: int, ink: int) -> Sprite:
    width, height = 352, 700
    stage = Stage(width, height)
    stage.arm(skin, width / 2)
    stage.palm(skin)
    stage.outline(46)
    draw = stage.draw
    x, y = MARGIN, MARGIN
    draw.rounded_rectangle((x, y, x + width - 1, y + height - 1), radius=46, fill=64)
    draw.rounded_rectangle((x + 3, y + 3, x + width - 4, y + height - 4), radius=44, fill=18)
    draw.rounded_rectangle((x + 13, y + 13, x + width - 14, y + height - 14), radius=34, fill=screen)
    draw.rounded_rectangle((x + width // 2 - 46, y + 22, x + width // 2 + 46, y + 40), radius=9, fill=12)  # the front camera
    draw.text((x + 40, y + 22), "9:41", fill=ink, font=ImageFont.load_default(16))
    draw.text((x + width // 2, y + 78), "Scan me", fill=ink, font=ImageFont.load_default(27), anchor="mm")
    top = y + 108
    stage.picture.paste(code, (x + (width - code.width) // 2, top))
    below = top + code.height
    for row, part in enumerate((0.6, 0.42)):
        half = width * part / 2
        draw.rounded_rectangle((x + width / 2 - half, below + 24 + 26 * row, x + width / 2 + half, below + 36 + 26 * row), radius=5, fill=ink)
    draw.rounded_rectangle((x + 60, below + 110, x + width - 60, below + 156), radius=23, fill=(screen + ink) // 2)
    stage.fingers(skin, top=below - y + 10)
    return stage.sprite((x + width / 2, top + code.height / 2))


def _paper(payload: bytes, skin: int) -> Sprite:
    code = symbol(payload, dark=40, light=226)
    width, height = 430, 590
    stage = Stage(width, height)
    stage.arm(skin, width / 2)
    stage.palm(skin)
    stage.outline(2)
    draw, x, y = stage.draw, MARGIN, MARGIN
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=226)
    draw.text((x + width // 2, y + 50), "PLEASE SCAN", fill=50, font=ImageFont.load_default(34), anchor="mm")
    top = y + 92
    stage.picture.paste(code, (x + (width - code.width) // 2, top))
    for row in range(5):
        length = width - 80 - (row * 67) % 120
        line = top + code.height + 24 + 22 * row
        draw.rectangle((x + 40, line, x + 40 + length, line + 7), fill=120)
    draw.polygon(((x + width - 1, y + height - 60), (x + width - 1, y + height - 1), (x + width - 60, y + height - 1)), fill=196)  # a bent corner
    stage.thumb(skin, width / 2, height - 40)
    return stage.sprite((x + width / 2, top + code.height / 2))


def _card(payload: bytes, skin: int) -> Sprite:
    code = symbol(payload, dark=32, light=228)
    width, height = 566, 357  # ID-1, the size of a bank card
    stage = Stage(width, height)
    stage.arm(skin, width * 0.36)
    stage.outline(22)
    draw, x, y = stage.draw, MARGIN, MARGIN
    draw.rounded_rectangle((x, y, x + width - 1, y + height - 1), radius=22, fill=206)
    draw.rounded_rectangle((x, y, x + width - 1, y + 22), radius=11, fill=120)
    draw.rounded_rectangle((x + 24, y + 52, x + 150, y + 210), radius=8, fill=150)  # the holder's picture
    draw.ellipse((x + 62, y + 76, x + 112, y + 136), fill=92)
    draw.pieslice((x + 36, y + 140, x + 138, y + 270), 180, 360, fill=92)
    draw.rectangle((x + 24, y + 205, x + 150, y + 262), fill=206)
    for row in range(4):
        draw.rectangle((x + 24, y + 232 + 24 * row, x + 220 - (row * 37) % 60, y + 240 + 24 * row), fill=110)
    left, top = x + width - code.width - 14, y + (height - code.height) // 2 + 10
    stage.picture.paste(code, (left, top))
    stage.thumb(skin, width * 0.34, height - 22)
    return stage.sprite((left + code.width / 2, top + code.height / 2))
