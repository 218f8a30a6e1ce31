from __future__ import annotations

import numpy as np
import pytest

from tests.bench import bent_sheet as sheets
from tests.bench.bent_sheet import BENDS, Plane, bent_sheet
from tests.bench.flat_picture import SHEETS, laid_flat
from tests.bench.peers import zxing_defaults
from tests.bench.seeds import SCORING, TUNING


@pytest.mark.parametrize("bend", BENDS)
def test_a_sheet_is_the_same_again_and_no_two_are_alike(bend: str) -> None:
    once, again = bent_sheet(TUNING, 1, bend), bent_sheet(TUNING, 1, bend)
    assert (once.luma.tobytes(), once.payload, once.modules) == (again.luma.tobytes(), again.payload, again.modules)
    assert len({bent_sheet(base, number, bend).payload for base in (TUNING, SCORING) for number in range(5)}) == 10


def test_it_is_the_bend_that_makes_them_hard(monkeypatch: pytest.MonkeyPatch) -> None:
    def flat(x: Plane, y: Plane, _side: float, _rng: np.random.Generator) -> tuple[Plane, Plane, Plane]:
        return x, y, np.ones_like(x)

    hard = [bent_sheet(TUNING, number, "cloth") for number in range(8)]
    assert sum(sheet.payload in zxing_defaults(sheet.luma) for sheet in hard) <= 1
    monkeypatch.setitem(sheets.BENDS, "cloth", flat)
    assert all(sheet.payload in zxing_defaults(sheet.luma) for sheet in (bent_sheet(TUNING, number, "cloth") for number in range(8)))


def test_the_sheets_of_the_picture_in_readme_are_read_when_they_lie_flat() -> None:
    assert all(laid_flat(bent_sheet(TUNING, number, bend)).any() for bend, number in SHEETS)
