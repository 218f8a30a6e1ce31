"""Every drawing is what its board file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.technician.wiring import draw
from tests.hardware.test_boards import BOARDS, ROOT

DRAWINGS = ROOT / "hardware" / "drawings"
AGAIN = "draw again: qrgate-provision wiring hardware/boards/*.toml --all hardware/drawings"


def test_every_board_has_a_drawing_and_no_drawing_lacks_its_board() -> None:
    assert sorted(path.stem for path in DRAWINGS.iterdir()) == [path.stem for path in BOARDS]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_drawing_is_what_its_board_file_says(board: Path) -> None:
    assert (DRAWINGS / f"{board.stem}.svg").read_text(encoding="utf-8") == draw(board), AGAIN
