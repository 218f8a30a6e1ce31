from __future__ import annotations

import numpy as np
import pytest

from device.domain import Corners
from device.reader.rectification import straightened

SQUARE = Corners(((40, 30), (80, 30), (80, 70), (40, 70)))
PICTURE = np.random.default_rng(5).integers(0, 256, (120, 160), dtype=np.uint8)


def test_a_square_of_the_same_size_is_cut_out_as_it_is() -> None:
    straight = straightened(PICTURE, SQUARE, side_px=40, margin=0.25)
    assert straight is not None
    assert straight.luma.tolist() == PICTURE[20:80, 30:90].tolist()


def test_corners_come_back_to_the_pixels_of_the_picture() -> None:
    askew = Corners(((40, 30), (90, 38), (80, 75), (33, 68)))
    straight = straightened(PICTURE, askew, side_px=100, margin=0.2)
    assert straight is not None
    back = straight.in_picture(Corners(((20, 20), (120, 20), (120, 120), (20, 120))))
    assert np.allclose(back.points, askew.points)


def test_a_quarter_turn_turns_the_picture() -> None:
    straight = straightened(PICTURE, SQUARE, side_px=40, margin=0, turn_deg=90)
    assert straight is not None
    assert np.abs(straight.luma.astype(int) - np.rot90(PICTURE[30:70, 40:80]).astype(int)).max() <= 1


def test_what_is_beyond_the_picture_looks_like_its_edge() -> None:
    straight = straightened(PICTURE, Corners(((-40, -40), (0, -40), (0, 0), (-40, 0))), side_px=20, margin=0)
    assert straight is not None
    assert np.unique(straight.luma).tolist() == [PICTURE[0, 0]]


def test_a_large_symbol_is_averaged_before_it_is_drawn_small() -> None:
    stripes = np.tile(np.array([[0, 255]], np.uint8), (400, 200))
    straight = straightened(stripes, Corners(((0, 0), (400, 0), (400, 400), (0, 400))), side_px=50, margin=0)
    assert straight is not None
    assert np.unique(straight.luma).tolist() == [128]


@pytest.mark.parametrize(
    "points",
    [
        ((9, 9), (9, 9), (9, 9), (9, 9)),
        ((0, 0), (50, 0), (100, 0), (150, 0)),
        ((0, 0), (50, 50), (50, 0), (0, 50)),
        ((0, 0), (8, 0), (8, 8), (0, 8)),
    ],
    ids=["a point", "a line", "crossed", "too small"],
)
def test_what_is_no_square_seen_askew_is_left(points: tuple[tuple[float, float], ...]) -> None:
    first, second, third, fourth = points
    assert straightened(PICTURE, Corners((first, second, third, fourth)), side_px=40, margin=0.2) is None


def test_corners_far_beyond_a_small_picture_are_drawn_from_what_there_is() -> None:
    far = 1e7
    straight = straightened(np.full((9, 9), 7, np.uint8), Corners(((0, 0), (far, 0), (far, far), (0, far))), side_px=20, margin=0)
    assert straight is not None
    assert np.array_equal(straight.luma, np.full((20, 20), 7, np.uint8))
