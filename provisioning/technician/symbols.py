"""Symbols of electricians, each drawn around or from a point. Their sizes fit the drawing's type."""

from __future__ import annotations

from provisioning.technician.canvas import FAINT, INK, Canvas, Point
from provisioning.technician.connections import Duty

PIN_RADIUS = 9.0
INKS: dict[Duty, str] = {
    Duty.RELAY: "#a61b1b",
    Duty.INDICATOR: "#8a5a00",
    Duty.CONTACT: "#1a4f9c",
    Duty.BUS: "#5e3a8c",
    Duty.SUPPLY: "#555555",
    Duty.GROUND: "#1a1a1a",
}


def pin(canvas: Canvas, middle: Point, duty: Duty | None, number: int | None = None) -> None:
    """A pin of the header. Shape and shade tell its duty, for whoever prints in black and white."""
    x, y = middle
    if duty is None:
        canvas.circle(middle, PIN_RADIUS - 1.5, fill="#ffffff", ink=FAINT, width=0.8)
    elif duty is Duty.RELAY:
        canvas.box((x - PIN_RADIUS, y - PIN_RADIUS), (2 * PIN_RADIUS, 2 * PIN_RADIUS), fill=INKS[duty], ink=INKS[duty])
    elif duty is Duty.BUS:
        canvas.box((x - PIN_RADIUS, y - PIN_RADIUS), (2 * PIN_RADIUS, 2 * PIN_RADIUS), fill="#ffffff", ink=INKS[duty], width=2.4)
    elif duty is Duty.INDICATOR:
        canvas.circle(middle, PIN_RADIUS, fill=INKS[duty], ink=INKS[duty])
    elif duty is Duty.CONTACT:
        canvas.circle(middle, PIN_RADIUS, fill="#ffffff", ink=INKS[duty], width=2.8)
    else:
        fill = "#d0d0d0" if duty is Duty.SUPPLY else "#1a1a1a"
        canvas.shape((x, y - 12), (x + 12, y), (x, y + 12), (x - 12, y), ink=INKS[duty])
        if duty is Duty.SUPPLY:
            canvas.shape((x, y - 10), (x + 10, y), (x, y + 10), (x - 10, y), ink=fill)
    if number is not None:
        light = duty in (Duty.RELAY, Duty.INDICATOR, Duty.GROUND)
        canvas.text((x, y + 3.4), str(number), size=9.5, anchor="middle", ink="#ffffff" if light else FAINT if duty is None else INK)


def dot(canvas: Canvas, middle: Point, ink: str = INK) -> None:
    canvas.circle(middle, 2.6, fill=ink, ink=ink)


def terminal(canvas: Canvas, middle: Point) -> None:
    canvas.circle(middle, 3.6, fill="#ffffff", width=1.5)


def ground(canvas: Canvas, top: Point) -> None:
    x, y = top
    canvas.line(top, (x, y + 6))
    for row, half in enumerate((8, 5, 2)):
        canvas.line((x - half, y + 6 + 3.5 * row), (x + half, y + 6 + 3.5 * row))


def resistor(canvas: Canvas, left: Point, length: float = 30) -> Point:
    """Lying, to the right of ``left``; where it ends."""
    x, y = left
    canvas.box((x, y - 4.5), (length, 9), fill="#ffffff", width=1.4)
    return x + length, y


def contact(canvas: Canvas, left: Point, right: Point, *, closed: bool, ink: str = INK) -> None:
    """A contact in the middle of the wire from ``left`` to ``right``, as it is at rest."""
    y = left[1]
    middle = (left[0] + right[0]) / 2
    begin, end = middle - 13, middle + 13
    canvas.line(left, (begin, y), ink=ink)
    canvas.line((end, y), right, ink=ink)
    canvas.circle((begin, y), 2.6, fill="#ffffff", ink=ink, width=1.5)
    canvas.circle((end, y), 2.6, fill="#ffffff", ink=ink, width=1.5)
    if closed:
        canvas.line((begin + 2, y - 2), (end + 1, y - 4), ink=ink)
    else:
        canvas.line((begin + 2, y - 2), (end - 3, y - 11), ink=ink)


def lamp(canvas: Canvas, middle: Point) -> None:
    x, y = middle
    canvas.circle(middle, 9, fill="#ffffff")
    for sign in (1, -1):
        canvas.line((x - 6.3, y - 6.3 * sign), (x + 6.3, y + 6.3 * sign), width=1.4)


def sounder(canvas: Canvas, middle: Point) -> None:
    x, y = middle
    canvas.shape((x - 9, y - 4), (x - 3, y - 4), (x + 4, y - 9), (x + 4, y + 9), (x - 3, y + 4), (x - 9, y + 4))
    canvas.line((x + 8, y - 5), (x + 10, y), (x + 8, y + 5), width=1.4)


def fuse(canvas: Canvas, left: Point, right: Point) -> None:
    canvas.line(left, right)
    middle = (left[0] + right[0]) / 2
    canvas.box((middle - 18, left[1] - 6), (36, 12), width=1.6)


def coil(canvas: Canvas, top: Point, bottom: Point) -> None:
    """A lock's coil between two wires, with what takes its spark beside it."""
    (x, high), (_, low) = top, bottom
    middle = (high + low) / 2
    canvas.line(top, bottom)
    canvas.box((x - 16, middle - 13), (32, 26), fill="#ffffff")
    canvas.line((x - 16, middle + 13), (x + 16, middle - 13), width=1.4)
    beside = x + 48
    canvas.line((x, high + 8), (beside, high + 8), (beside, low - 8), (x, low - 8))
    dot(canvas, (x, high + 8))
    dot(canvas, (x, low - 8))
    canvas.shape((beside, middle - 8), (beside + 9, middle + 8), (beside - 9, middle + 8))
    canvas.line((beside - 9, middle - 9), (beside + 9, middle - 9), width=2.2)
