"""The symbols of ``device/turnstile/words.py``, drawn on a field of 24 by 24 and made smaller to any size.

Only imported where pictures are drawn, never on a running gate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from PIL import Image, ImageDraw

from device.turnstile.words import Symbol

FIELD = 24
FINE = 20
"""Drawn so much finer than the field, and averaged: edges come out soft in colour and straight in black and white."""

Point = tuple[float, float]


class Pen:
    """Draws in units of the field. ``ink=False`` takes away what was drawn."""

    def __init__(self) -> None:
        self.image = Image.new("L", (FIELD * FINE, FIELD * FINE))
        self._draw = ImageDraw.Draw(self.image)

    def shape(self, *points: Point, ink: bool = True) -> None:
        self._draw.polygon([_fine(point) for point in points], fill=255 * ink)

    def box(self, left: float, top: float, right: float, bottom: float, *, ink: bool = True, round_by: float = 0.0) -> None:
        self._draw.rounded_rectangle((*_fine((left, top)), *_fine((right, bottom))), radius=round_by * FINE, fill=255 * ink)

    def frame(self, left: float, top: float, right: float, bottom: float, *, wide: float, round_by: float = 0.0) -> None:
        self.box(left, top, right, bottom, round_by=round_by)
        self.box(left + wide, top + wide, right - wide, bottom - wide, ink=False, round_by=max(round_by - wide, 0.0))

    def disc(self, centre: Point, radius: float, *, ink: bool = True) -> None:
        x, y = centre
        self._draw.ellipse((*_fine((x - radius, y - radius)), *_fine((x + radius, y + radius))), fill=255 * ink)

    def ring(self, centre: Point, radius: float, wide: float) -> None:
        self.disc(centre, radius)
        self.disc(centre, radius - wide, ink=False)

    def stroke(self, *points: Point, wide: float, ink: bool = True) -> None:
        """A line with round ends and corners."""
        self._draw.line([_fine(point) for point in points], fill=255 * ink, width=round(wide * FINE))
        for point in points:
            self.disc(point, wide / 2, ink=ink)

    def arc(self, centre: Point, radius: float, begin: float, end: float, *, wide: float) -> None:
        """From ``begin`` to ``end`` in degrees, clockwise from the right."""
        steps = max(int(abs(end - begin) / 4), 1)
        self.stroke(*(_around(centre, radius, begin + (end - begin) * step / steps) for step in range(steps + 1)), wide=wide)

    def head(self, tip: Point, towards: float, size: float) -> None:
        """An arrow's head; ``towards`` in degrees, clockwise from the right."""
        back = _around(tip, size, towards + 180)
        self.shape(tip, _around(back, size * 0.75, towards + 90), _around(back, size * 0.75, towards - 90))

    def eye(self, left: float, top: float, size: float) -> None:
        """One of the three squares by which a QR code is found."""
        self.frame(left, top, left + size, top + size, wide=size / 7 * 1.4)
        self.box(left + size * 0.33, top + size * 0.33, left + size * 0.67, top + size * 0.67)


def _fine(point: Point) -> Point:
    return point[0] * FINE, point[1] * FINE


def _around(centre: Point, radius: float, degrees: float) -> Point:
    return centre[0] + radius * math.cos(math.radians(degrees)), centre[1] + radius * math.sin(math.radians(degrees))


def _telephone(pen: Pen, left: float, top: float, width: float, height: float) -> None:
    pen.frame(left, top, left + width, top + height, wide=1.5, round_by=1.8)
    pen.box(left + width / 2 - 1, top + height - 1.1, left + width / 2 + 1, top + height - 0.5, ink=False)


def _arrow(pen: Pen) -> None:
    pen.shape((1, 8.5), (12, 8.5), (12, 2), (23, 12), (12, 22), (12, 15.5), (1, 15.5))


def _arrows(pen: Pen) -> None:
    for left in (2.5, 9.5, 16.5):
        pen.stroke((left, 4), (left + 5, 12), (left, 20), wide=3.4)


def _cross(pen: Pen) -> None:
    pen.stroke((4.5, 4.5), (19.5, 19.5), wide=5)
    pen.stroke((19.5, 4.5), (4.5, 19.5), wide=5)


def _bar(pen: Pen) -> None:
    pen.disc((12, 12), 11)
    pen.box(5, 9.8, 19, 14.2, ink=False)


def _other_code(pen: Pen) -> None:
    _telephone(pen, 1, 2, 11.5, 20)
    pen.eye(3.7, 5, 6.1)
    pen.box(3.7, 13, 5.7, 15)
    pen.box(7.6, 13, 9.8, 15)
    pen.box(5.7, 15, 7.7, 17)
    pen.stroke((14.8, 12), (19, 12), wide=3)
    pen.head((23.5, 12), 0, 6)


def _again(pen: Pen) -> None:
    pen.arc((12, 13.4), 8.4, -20, 250, wide=3)
    pen.head((16.4, 5.2), 10, 5)
    pen.eye(8.6, 10, 6.8)


def _one(pen: Pen) -> None:
    pen.frame(8, 1, 23, 18, wide=1.6, round_by=2)
    pen.box(-0.2, 4.4, 17.6, 24.2, ink=False)
    pen.box(1, 6, 16, 23, round_by=2)
    pen.stroke((6.4, 11), (9, 9.2), (9, 19.6), wide=2.4, ink=False)


def _still(pen: Pen) -> None:
    _telephone(pen, 1, 3, 9, 18)
    pen.eye(3.2, 7, 4.6)
    pen.box(21, 3, 23.2, 21)
    pen.stroke((13.6, 12), (17.4, 12), wide=1.8)
    pen.head((11, 12), 180, 3.4)
    pen.head((20, 12), 0, 3.4)


def _tilt(pen: Pen) -> None:
    upright = Pen()
    _telephone(upright, 7, 4, 10, 17)
    upright.eye(9.3, 7.4, 5.4)
    pen.image.paste(upright.image.rotate(24, resample=Image.Resampling.BICUBIC, center=(12 * FINE, 13 * FINE)))
    pen.arc((11, 14), 11, -84, -34, wide=2)
    pen.head((21.8, 12.6), 74, 4.4)


def _hourglass(pen: Pen) -> None:
    pen.box(4, 1, 20, 4, round_by=1)
    pen.box(4, 20, 20, 23, round_by=1)
    pen.shape((5.5, 4), (18.5, 4), (18.5, 6.5), (13.4, 12), (18.5, 17.5), (18.5, 20), (5.5, 20), (5.5, 17.5), (10.6, 12), (5.5, 6.5))
    pen.shape((7.5, 5.2), (16.5, 5.2), (16.5, 6.2), (15.2, 7.6), (8.8, 7.6), (7.5, 6.2), ink=False)
    pen.shape((12, 13), (16.5, 17.8), (16.5, 18.4), (12, 16), (7.5, 18.4), (7.5, 17.8), ink=False)


def _bell(pen: Pen) -> None:
    pen.disc((12, 3), 2)
    pen.disc((12, 10), 7)
    pen.shape((5, 10), (19, 10), (19.6, 16), (22, 19), (2, 19), (4.4, 16))
    pen.disc((12, 20.4), 2.8)
    pen.box(2, 19, 22, 20.2, ink=False)


def _wrench(pen: Pen) -> None:
    pen.stroke((5, 19), (15, 9), wide=4.6)
    pen.disc((16.5, 7.5), 6.3)
    pen.shape((16, 8), (19, 0), (24, 0), (24, 5), ink=False)
    pen.disc((16.6, 7.4), 2.5, ink=False)
    pen.disc((5.2, 18.8), 1, ink=False)


def _code(pen: Pen) -> None:
    for left, top in ((1, 1), (14, 1), (1, 14)):
        pen.eye(left, top, 9)
    for left, top in ((14, 14), (17, 17), (20, 14), (14, 20), (20, 20)):
        pen.box(left, top, left + 3, top + 3)


def _calendar(pen: Pen) -> None:
    pen.frame(2, 4, 22, 23, wide=2, round_by=2)
    pen.box(2, 4, 22, 9.4, round_by=1.5)
    for left in (6, 15):
        pen.box(left - 1, 1, left + 4, 6.5, ink=False)
        pen.box(left, 1, left + 3, 6, round_by=1)
    pen.stroke((9, 13), (15, 19), wide=2.4)
    pen.stroke((15, 13), (9, 19), wide=2.4)


def _clock(pen: Pen) -> None:
    pen.ring((12, 12), 11, 2.6)
    pen.stroke((12, 5.6), (12, 12), (16.4, 14.6), wide=2.4)


def _place(pen: Pen) -> None:
    pen.disc((12, 9), 8)
    pen.shape((4.6, 12), (19.4, 12), (12, 23.5))
    pen.disc((12, 9), 3.2, ink=False)


def _turn_round(pen: Pen) -> None:
    pen.stroke((21, 18.5), (9, 18.5), wide=3.4)
    pen.arc((9, 12.4), 6.1, 90, 270, wide=3.4)
    pen.stroke((9, 6.3), (15, 6.3), wide=3.4)
    pen.head((23, 6.3), 0, 8)


def _sheet(pen: Pen) -> None:
    pen.frame(3, 1, 19, 23, wide=1.8, round_by=1.5)
    for top in (6, 10.4, 14.8):
        pen.box(6.6, top, 15.4, top + 1.8)
    pen.stroke((11, 19.5), (14.2, 22), (22, 12.5), wide=5.6, ink=False)
    pen.stroke((11.4, 18.4), (14.4, 21.2), (21.4, 13.2), wide=2.8)


DRAWINGS: dict[Symbol, Callable[[Pen], None]] = {
    Symbol.ARROW: _arrow,
    Symbol.ARROWS: _arrows,
    Symbol.CROSS: _cross,
    Symbol.BAR: _bar,
    Symbol.OTHER_CODE: _other_code,
    Symbol.AGAIN: _again,
    Symbol.ONE: _one,
    Symbol.STILL: _still,
    Symbol.TILT: _tilt,
    Symbol.HOURGLASS: _hourglass,
    Symbol.BELL: _bell,
    Symbol.WRENCH: _wrench,
    Symbol.CODE: _code,
    Symbol.CALENDAR: _calendar,
    Symbol.CLOCK: _clock,
    Symbol.PLACE: _place,
    Symbol.TURN_ROUND: _turn_round,
    Symbol.SHEET: _sheet,
}


def drawn(symbol: Symbol, side_px: int) -> Image.Image:
    """How much ink lies on each pixel, 0 to 255; a square, mode L."""
    pen = Pen()
    DRAWINGS[symbol](pen)
    return pen.image.resize((side_px, side_px), Image.Resampling.BOX)
