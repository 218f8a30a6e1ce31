from __future__ import annotations

import math

import pytest

from device.domain import Corners
from device.reader.frame import Box
from device.reader.outline import around, side_px, sides_px, tilt_deg

SQUARE = Corners(((10, 20), (110, 20), (110, 120), (10, 120)))


def test_sides_are_told_clockwise_from_the_top() -> None:
    assert sides_px(Corners(((0, 0), (30, 0), (30, 40), (0, 40)))) == (30, 40, 30, 40)
    assert side_px(SQUARE) == 100


@pytest.mark.parametrize("tilt", [0, 30, 60])
def test_a_symbol_turned_out_of_the_picture_is_as_tilted_as_it_looks_narrow(tilt: float) -> None:
    width = 100 * math.cos(math.radians(tilt))
    assert tilt_deg(Corners(((0, 0), (width, 0), (width, 100), (0, 100)))) == pytest.approx(tilt, abs=1)


def test_a_symbol_turned_within_the_picture_is_not_tilted() -> None:
    assert tilt_deg(Corners(((50, 0), (100, 50), (50, 100), (0, 50)))) == 0


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        (SQUARE, Box(4, 14, 116, 126)),
        (Corners(((-50, -50), (900, -50), (900, 900), (-50, 900))), Box(0, 0, 640, 480)),
        (Corners(((700, 500), (800, 500), (800, 600), (700, 600))), Box(637, 477, 640, 480)),
        (Corners(((0, 0), (0, 0), (0, 0), (0, 0))), Box(0, 0, 3, 3)),
    ],
)
def test_the_part_around_a_symbol_lies_in_the_picture_and_is_never_empty(corners: Corners, box: Box) -> None:
    assert around(corners, (480, 640)) == box
