from __future__ import annotations

import numpy as np
import pytest

from device.gate.outputs.symbols import DRAWINGS, FIELD, FINE, Pen, drawn
from device.turnstile.words import Symbol


@pytest.mark.parametrize("symbol", Symbol)
def test_a_symbol_fills_its_field_and_is_not_cut_off(symbol: Symbol) -> None:
    pen = Pen()
    DRAWINGS[symbol](pen)
    left, top, right, bottom = pen.image.getbbox() or (0, 0, 0, 0)
    whole = FIELD * FINE
    assert max(right - left, bottom - top) > whole * 0.7
    assert (left > 0, top > 0, right < whole, bottom < whole) == (True, True, True, True)


@pytest.mark.parametrize("side", [30, 90])
def test_every_two_symbols_differ_by_a_good_part_of_their_pixels(side: int) -> None:
    """Also in black and white, at the size of the smallest display."""
    inked = {symbol: np.asarray(drawn(symbol, side)) > 127 for symbol in Symbol}
    alike = [(one, other) for one in Symbol for other in Symbol if one < other and np.mean(inked[one] != inked[other]) < 0.08]
    assert alike == []
