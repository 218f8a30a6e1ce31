"""Draws the pictures of a display, once, when a gate is installed: ``python -m device.gate.outputs.drawing [FOLDER]``.

A picture is a symbol and the words of a line in both languages. Where there is no room for both, they take turns, and
the symbol changes sides with them. The font is DejaVu Sans (Debian: fonts-dejavu-core), whose licence permits that.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from device.errors import HardwareError, QrgateError
from device.gate.outputs.pictures import GLYPHS, MADE, PANELS, Panel, Pictures, Pixels
from device.turnstile.signals import Signal
from device.turnstile.words import LINES, Line

REGULAR, BOLD = "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"

Colour = tuple[int, int, int]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)
NIGHT, MIST, FOOT_GROUND = (14, 20, 30), (176, 190, 205), (38, 48, 62)
GREEN, RED, AMBER, BLUE, SLATE = (0, 135, 81), (200, 28, 42), (255, 184, 28), (18, 96, 190), (52, 66, 84)

BANDS: dict[Signal, tuple[Colour, Colour]] = {
    Signal.GO: (GREEN, WHITE),
    Signal.WAY_IS_FREE: (GREEN, WHITE),
    Signal.NO: (RED, WHITE),
    Signal.OUT_OF_ORDER: (RED, WHITE),
    Signal.ANOTHER_CODE: (BLUE, WHITE),
    Signal.DARK: (SLATE, WHITE),
}
"""Ground and ink of a symbol. What is not named here is amber: wait, or do something, and all will be well."""

SHADES = 32
"""Steps from ground to ink: soft edges to the eye, and few enough for one byte a pixel."""


@dataclass(frozen=True, slots=True)
class Box:
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top

    def holds(self, other: Box) -> bool:
        return self.left <= other.left and self.top <= other.top and other.right <= self.right and other.bottom <= self.bottom

    def moved(self, right: int, down: int) -> Box:
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def meets(self, other: Box) -> bool:
        return self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True, slots=True)
class Style:
    """How words may be set: the sizes in the order they are tried, and the most rows."""

    face: str
    sizes: range
    rows: int = 4
    colour: Colour = WHITE


@dataclass(frozen=True, slots=True)
class Row:
    """One row of text: where its baseline begins, and where its ink lies."""

    text: str
    face: str
    size: int
    at: tuple[int, int]
    ink: Box
    colour: Colour


@dataclass(frozen=True, slots=True)
class Page:
    """What goes where. ``band`` is the symbol's ground, ``symbol`` the square it is drawn in."""

    panel: Panel
    line: Line
    band: Box
    symbol: Box
    rows: tuple[Row, ...]


# --- text ------------------------------------------------------------------------------------------------------


@cache
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(face, size)
    except OSError:
        raise HardwareError(f"the font {face} is not on this machine", hint="apt install fonts-dejavu-core") from None


def _measure(text: str, face: str, size: int, *, colour: bool) -> Box:
    """Where the ink lies when the baseline begins at (0, 0)."""
    left, top, right, bottom = _font(face, size).getbbox(text, mode="L" if colour else "1", anchor="ls")
    return Box(int(left), int(top), int(right), int(bottom))


def _wrapped(text: str, count: int) -> list[str]:
    """``text`` in ``count`` rows of much the same length, broken after a sentence or a comma where that costs little."""
    words = text.split(" ")
    cuts = combinations(range(1, len(words)), min(count, len(words)) - 1)
    return min(([" ".join(words[begin:end]) for begin, end in pairwise((0, *cut, len(words)))] for cut in cuts), key=_raggedness)


def _raggedness(rows: list[str]) -> float:
    widest = max(map(len, rows))
    return sum((widest - len(row)) ** 2 for row in rows) + widest**2 - 50 * sum(row[-1] in ".,:" for row in rows[:-1])


def _fitted(text: str, area: Box, panel: Panel, style: Style) -> tuple[Row, ...] | None:
    """``text`` as large as ``style`` and ``area`` allow, in its middle; ``None`` where it has no room."""
    face = style.face
    for size in style.sizes:
        whole = _measure(text, face, size, colour=panel.colour)
        pitch = whole.height + (size // 5 if panel.colour else 1)  # so that a mark above (ế) never touches one below (ạ)
        for count in range(1, min(style.rows, (area.height + pitch - whole.height) // pitch) + 1):
            texts = _wrapped(text, count)
            inks = [_measure(each, face, size, colour=panel.colour) for each in texts]
            if max(ink.width for ink in inks) > area.width:
                continue
            high = pitch * (len(texts) - 1) + whole.height
            first = area.top + (area.height - high) // 2 - whole.top
            starts = [(area.left + (area.width - ink.width) // 2 - ink.left, first + number * pitch) for number, ink in enumerate(inks)]
            return tuple(Row(each, face, size, at, ink.moved(*at), style.colour) for each, at, ink in zip(texts, starts, inks, strict=True))
    return None


# --- where things go -------------------------------------------------------------------------------------------


def foot_px(panel: Panel) -> int:
    """The height of the line with hotline, gate and number."""
    return max(min(panel.width, panel.height) // 10, 12)


def pages(panel: Panel, line: Line) -> list[Page]:
    """What is shown in turn. Raises HardwareError where words have no room: then the table or the panel is wrong."""
    room = Box(0, 0, panel.width, panel.height - (foot_px(panel) if line.gives_hotline else 0))
    if min(panel.width, panel.height) >= 200:
        return [_both(panel, line, room)]
    if panel.width * 2 > panel.height * 3:
        return _beside(panel, line, room)
    return [_below(panel, line, room, text) for text in (line.vietnamese, line.english)]


def _both(panel: Panel, line: Line, room: Box) -> Page:
    """The symbol on top, both languages below it."""
    edge = panel.width // 40
    band = Box(0, 0, panel.width, room.height * 2 // 5)
    middle = band.bottom + (room.bottom - band.bottom) * 11 // 20
    rows = (
        *_must_fit(line.vietnamese, Box(edge, band.bottom + edge, room.right - edge, middle), panel, Style(BOLD, range(34, 15, -1))),
        *_must_fit(
            line.english, Box(edge, middle + edge, room.right - edge, room.bottom - edge), panel, Style(REGULAR, range(24, 12, -1), colour=MIST)
        ),
    )
    return Page(panel, line, band, _square(band, band.height * 4 // 5), rows)


def _below(panel: Panel, line: Line, room: Box, text: str) -> Page:
    """The symbol on top, one language below it."""
    band = Box(0, 0, panel.width, min(room.height * 9 // 20, panel.width))
    area = Box(2, band.bottom + 2, room.right - 2, room.bottom - 1)
    rows = _must_fit(text, area, panel, Style(BOLD, range(24, 10, -1), rows=3), Style(BOLD, range(14, 10, -1)), Style(REGULAR, range(12, 9, -1)))
    return Page(panel, line, band, _square(band, band.height - 6), rows)


BESIDE = (
    (2 / 5, Style(BOLD, range(22, 12, -1), rows=3)),
    (1 / 3, Style(BOLD, range(22, 11, -1), rows=3)),
    (1 / 4, Style(BOLD, range(22, 11, -1), rows=3)),
    (1 / 4, Style(BOLD, range(14, 11, -1))),
    (1 / 4, Style(REGULAR, range(14, 9, -1))),
)
"""The symbol's share of the width and the style of the words beside it, in the order they are tried."""


def _beside(panel: Panel, line: Line, room: Box) -> list[Page]:
    """The symbol on one side, as large as it may be beside words of a good size, and one language on the other."""
    for share, style in BESIDE:
        side = int(panel.width * share)
        turn = room.right - side
        vietnamese = _fitted(line.vietnamese, Box(side + 2, 0, room.right - 1, room.bottom), panel, style)
        english = _fitted(line.english, Box(1, 0, turn - 2, room.bottom), panel, style)
        if vietnamese and english:
            bands = Box(0, 0, side, room.bottom), Box(turn, 0, room.right, room.bottom)
            square = min(side, room.height) - 4
            return [Page(panel, line, band, _square(band, square), rows) for band, rows in zip(bands, (vietnamese, english), strict=True)]
    raise _no_room(line.english, panel)


def _square(band: Box, side: int) -> Box:
    left, top = band.left + (band.width - side) // 2, band.top + (band.height - side) // 2
    return Box(left, top, left + side, top + side)


def _must_fit(text: str, area: Box, panel: Panel, *styles: Style) -> tuple[Row, ...]:
    """In the first style that has room."""
    for style in styles:
        if rows := _fitted(text, area, panel, style):
            return rows
    raise _no_room(text, panel)


def _no_room(text: str, panel: Panel) -> HardwareError:
    return HardwareError(f"{text!r} has no room on a display {panel}", hint="shorten it in device/turnstile/words.py")


# --- pixels ----------------------------------------------------------------------------------------------------


def picture(page: Page) -> Image.Image:
    """The page as it will look, mode RGB; without its foot."""
    from device.gate.outputs.symbols import drawn  # noqa: PLC0415 - at its head it needs Pillow: no module may need it there

    image = Image.new("RGB", (page.panel.width, page.panel.height), NIGHT if page.panel.colour else BLACK)
    ground, ink = BANDS.get(page.line.signal, (AMBER, BLACK)) if page.panel.colour else (BLACK, WHITE)
    draw = _pencil(image, page.panel)
    draw.rectangle((page.band.left, page.band.top, page.band.right - 1, page.band.bottom - 1), fill=ground)
    mask = drawn(page.line.symbol, page.symbol.width)
    if not page.panel.colour:
        mask = mask.point(lambda value: 255 * (value > 127))
    image.paste(ink, (page.symbol.left, page.symbol.top), mask)
    for row in page.rows:
        draw.text(row.at, row.text, fill=row.colour if page.panel.colour else WHITE, font=_font(row.face, row.size), anchor="ls")
    return image


def _pencil(image: Image.Image, panel: Panel) -> ImageDraw.ImageDraw:
    draw = ImageDraw.Draw(image)
    draw.fontmode = "L" if panel.colour else "1"  # black and white: the font's own hints, no half tones
    return draw


def _palette(panel: Panel) -> Pixels:
    """Every step between the grounds and inks that ``picture`` uses, ``[colours, 3]``."""
    if not panel.colour:
        return np.array([BLACK, WHITE], dtype=np.uint8)
    pairs = dict.fromkeys([*BANDS.values(), (AMBER, BLACK), (NIGHT, WHITE), (NIGHT, MIST), (FOOT_GROUND, WHITE)])
    steps = np.linspace(0, 1, SHADES)[:, None]
    ramps = [np.array(ground) * (1 - steps) + np.array(ink) * steps for ground, ink in pairs]
    colours: Pixels = np.concatenate(ramps).round().astype(np.uint8)
    return colours


def _indexed(image: Image.Image, palette: Image.Image) -> Pixels:
    return np.asarray(image.quantize(palette=palette, dither=Image.Dither.NONE), dtype=np.uint8)


def _glyph(glyph: str, panel: Panel) -> Image.Image:
    """One letter of the foot, with the room that it takes in a line."""
    high = foot_px(panel)
    face, size = (BOLD, high * 7 // 10) if panel.colour else (REGULAR, 10)
    wide = round(_font(face, size).getlength(glyph)) + (glyph == "☎")
    image = Image.new("RGB", (wide, high), FOOT_GROUND if panel.colour else BLACK)
    _pencil(image, panel).text((0, high - high // 4), glyph, fill=WHITE, font=_font(face, size), anchor="ls")
    return image


def draw_all(panel: Panel) -> Pictures:
    """Raises HardwareError where the font is missing or words have no room."""
    colours = _palette(panel)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.tobytes())
    by_name = {line.name: [_indexed(picture(page), palette) for page in pages(panel, line)] for line in LINES}
    return Pictures(panel, colours, by_name, {glyph: _indexed(_glyph(glyph, panel), palette) for glyph in GLYPHS})


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]) if arguments else MADE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for panel in PANELS:
            draw_all(panel).save(folder)
    except QrgateError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
