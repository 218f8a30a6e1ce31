"""The picture in README of what laying flat does: three sheets as a camera sees them, and below each its symbol laid flat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from device.reader.decoders import Unreadable, open_decoder
from device.reader.flattening import flattened
from device.reader.frame import Luma
from tests.bench.bent_sheet import Sheet, bent_sheet
from tests.bench.seeds import TUNING

SHEETS = (("cloth", 6), ("creases", 1), ("cup", 4))
SIDE_PX, GAP_PX, GREYS = 260, 12, 32


def write(path: Path) -> None:
    height, width = 2 * SIDE_PX + 3 * GAP_PX, len(SHEETS) * (SIDE_PX + GAP_PX) + GAP_PX
    page = Image.new("L", (width, height), 255)
    for column, (bend, number) in enumerate(SHEETS):
        sheet = bent_sheet(TUNING, number, bend)
        for row, luma in enumerate((sheet.luma, laid_flat(sheet))):
            shown = Image.fromarray(luma).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
            page.paste(shown, (GAP_PX + column * (SIDE_PX + GAP_PX), GAP_PX + row * (SIDE_PX + GAP_PX)))
    page.quantize(GREYS).save(path, optimize=True)


def laid_flat(sheet: Sheet) -> Luma:
    """The first flat picture of its symbol that is read; black where none is."""
    decoder = open_decoder("zxing", thorough=False)
    for guess in guesses(sheet):
        for flat in flattened(sheet.luma, guess, rounds=2):
            if sheet.payload in {symbol.payload for symbol in decoder.read(flat.luma).symbols}:
                return flat.luma
    return np.zeros((SIDE_PX, SIDE_PX), np.uint8)


def guesses(sheet: Sheet) -> list[Unreadable]:
    """Where a decoder takes the symbol's corners to be, thorough or not."""
    sights = [open_decoder("zxing", thorough=thorough, one_threshold=one).read(sheet.luma) for thorough in (True, False) for one in (True, False)]
    found = [guess for sight in sights for guess in sight.unread if guess.modules == sheet.modules]
    return found + [Unreadable(symbol.corners, sheet.modules) for sight in sights for symbol in sight.symbols]
