"""Passes to print: pages of A4 with nine cards each, to be cut apart. A symbol is at least 5 cm wide, as people were told.

A page is drawn in black and white at 600 dots an inch, and a module is a whole number of dots: no printer has to guess
an edge. The file is a PDF of such pictures, so that it comes out the same everywhere; it must be printed at 100 %.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from device.errors import UsageError
from provisioning import files
from provisioning.authority import passes
from provisioning.authority.batch import Made, Progress, unseen

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

DPI = 600
PAGE_MM = (210, 297)
COLUMNS, ROWS = 3, 3
CARD_MM = (63, 92)  # 189 x 276 mm: every printer reaches that far
SYMBOL_MM = 50
"""Without its quiet zone: the least size of a personal code in print (Hanoi's information department, 23 September 2021)."""
FONTS = (("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"), ("arial.ttf", "arialbd.ttf"))
"""Fonts with all Vietnamese letters, which the one inside pillow lacks: of Debian, and of Windows and macOS."""

TITLE = "THẺ RA VÀO · GATE PASS"
FOOT = (
    "In đúng cỡ 100 %, cắt theo nét đứt. Mỗi mã là một chìa khoá: không chụp, không gửi cho người khác.",
    "Print at 100 %, cut along the dashes. Each code is a key: take no pictures of it, send it to nobody.",
)
TEXT_LINES = 3
"""Of the terms in each language; what is longer ends in dots, and the code has it all."""


@dataclass(frozen=True, slots=True)
class _Type:
    """One size of letters, and its lines' distance in dots."""

    font: FreeTypeFont
    line: int


def write_sheet(path: Path, made: Sequence[Made], progress: Progress = unseen) -> None:
    """Put a PDF of ``made`` at ``path``; only its owner may read it.

    Raises:
        UsageError: no package that draws, or no font with Vietnamese letters.
        StoreError: it cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / "sheet.pdf"
        for number, page in enumerate(pages(made)):  # one at a time: a page is 35 MB while it is drawn
            page.save(draft, format="PDF", resolution=DPI, append=number > 0, title=TITLE)
            progress("pages", number + 1, -(-len(made) // (COLUMNS * ROWS)))
        files.write(path, draft.read_bytes(), mode=files.PRIVATE)


def pages(made: Sequence[Made]) -> Iterator[Image]:
    """The pages as pictures of one bit a dot, 600 dots an inch."""
    try:
        from PIL import Image, ImageDraw  # noqa: PLC0415 - the other commands do without
    except ImportError:
        raise UsageError("this installation draws no sheets", hint="pip install 'qrgate[provision]'") from None
    title, text, small = _fonts()
    of = -(-len(made) // (COLUMNS * ROWS))
    for page in range(of):
        picture = Image.new("1", (_dots(PAGE_MM[0]), _dots(PAGE_MM[1])), 1)
        draw = ImageDraw.Draw(picture)
        left, top = (picture.width - COLUMNS * _dots(CARD_MM[0])) // 2, (picture.height - ROWS * _dots(CARD_MM[1])) // 2
        for place, each in enumerate(made[page * COLUMNS * ROWS : (page + 1) * COLUMNS * ROWS]):
            corner = left + place % COLUMNS * _dots(CARD_MM[0]), top + place // COLUMNS * _dots(CARD_MM[1])
            _draw_card(picture, draw, corner, each, (title, text))
        _draw_cuts(draw, left, top)
        foot = top + ROWS * _dots(CARD_MM[1]) + _dots(1)
        for row, words in enumerate(FOOT):
            draw.text((left, foot + row * small.line), f"{words}   {page + 1}/{of}" if row else words, font=small.font, fill=0)
        yield picture


def _draw_card(picture: Image, draw: ImageDraw, corner: tuple[int, int], made: Made, letters: tuple[_Type, _Type]) -> None:
    """From above: the symbol in its quiet zone, title and number, label, terms in both languages."""
    title, text = letters
    code = _symbol(made.text)
    left, top = corner
    picture.paste(code, (left + (_dots(CARD_MM[0]) - code.width) // 2, top))
    begin, end = left + _dots(3), left + _dots(CARD_MM[0]) - _dots(3)
    line = top + code.height
    draw.text((begin, line), TITLE, font=title.font, fill=0)
    draw.text((end, line), made.number, font=text.font, fill=0, anchor="ra")
    line += title.line
    if made.label:
        draw.text((begin, line), _fitted(made.label, title.font, end - begin), font=title.font, fill=0)
        line += title.line
    for words in (passes.described_vi(made.terms), passes.described(made.terms)):
        for row in _wrapped(words[:1].upper() + words[1:], text.font, end - begin):
            draw.text((begin, line), row, font=text.font, fill=0)
            line += text.line
        line += text.line // 4


def _symbol(text: str) -> Image:
    from PIL import Image  # noqa: PLC0415 - see pages()

    code = passes.symbol(text)
    modules = np.array([list(row) for row in code.matrix_iter(border=passes.QUIET_ZONE)], bool)
    dots = -(-_dots(SYMBOL_MM) // (len(modules) - 2 * passes.QUIET_ZONE))  # rounded up: never smaller than asked
    return Image.fromarray(np.kron(~modules, np.ones((dots, dots), bool)))


def _draw_cuts(draw: ImageDraw, left: int, top: int) -> None:
    dash, gap = _dots(2), _dots(2)
    right, bottom = left + COLUMNS * _dots(CARD_MM[0]), top + ROWS * _dots(CARD_MM[1])
    for column in range(COLUMNS + 1):
        x = left + column * _dots(CARD_MM[0])
        for y in range(top, bottom, dash + gap):
            draw.line((x, y, x, y + dash), fill=0, width=3)
    for row in range(ROWS + 1):
        y = top + row * _dots(CARD_MM[1])
        for x in range(left, right, dash + gap):
            draw.line((x, y, x + dash, y), fill=0, width=3)


# --- letters ---------------------------------------------------------------------------------------------------


def _fonts() -> tuple[_Type, _Type, _Type]:
    """Title, text and foot: 8, 7.5 and 6 points."""
    from PIL import ImageFont  # noqa: PLC0415 - see pages()

    for regular, bold in FONTS:
        try:
            title, text, foot = (ImageFont.truetype(name, int(points * DPI / 72)) for name, points in ((bold, 8), (regular, 7.5), (regular, 6)))
        except OSError:
            continue
        return _Type(title, _dots(4.2)), _Type(text, _dots(3.3)), _Type(foot, _dots(2.6))
    raise UsageError("no font with Vietnamese letters was found", hint="sudo apt install fonts-dejavu-core, or print the pictures of --out")


def _wrapped(words: str, font: FreeTypeFont, width: int) -> list[str]:
    """At most ``TEXT_LINES`` rows, none wider than ``width`` dots."""
    rows = [""]
    for word in words.split():
        longer = f"{rows[-1]} {word}".lstrip()
        if font.getlength(longer) <= width or not rows[-1]:
            rows[-1] = longer
        else:
            rows.append(word)
    if len(rows) > TEXT_LINES:
        rows[TEXT_LINES - 1 :] = [f"{rows[TEXT_LINES - 1]} …"]
    return [_fitted(row, font, width) for row in rows]


def _fitted(text: str, font: FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _dots(mm: float) -> int:
    return round(mm * DPI / 25.4)
