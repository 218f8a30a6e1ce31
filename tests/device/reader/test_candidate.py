from __future__ import annotations

import numpy as np
import pytest

from device.reader.candidate import Candidate, candidate
from device.reader.frame import Box, Luma
from device.reader.reduction import Reducer
from tests.device.reader.pictures import VIETNAMESE, code, scene

WHOLE = Box(0, 0, 1280, 720)


def holds(box: Box, inner: Box) -> bool:
    return box.joined(inner) == box


@pytest.mark.parametrize("sigma", [0, 5, 15])
@pytest.mark.parametrize(("scale", "at"), [(2, (300, 500)), (4, (40, 60)), (5, (400, 900))])
def test_the_code_is_found_in_what_moved_whatever_the_noise(sigma: float, scale: int, at: tuple[int, int]) -> None:
    symbol = code(VIETNAMESE, scale=scale)
    picture = scene(symbol, at=at)
    picture = np.clip(picture + np.random.default_rng(1).normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)
    found = candidate(Reducer().half(picture), WHOLE).box
    quiet_zone = 4 * scale
    y, x = at
    assert holds(found, Box(x + quiet_zone, y + quiet_zone, x + symbol.shape[1] - quiet_zone, y + symbol.shape[0] - quiet_zone))
    assert found.area < WHOLE.area / 4


def test_it_is_sought_only_where_something_moved() -> None:
    picture = scene(code(VIETNAMESE, scale=5), code(b"999", scale=5), at=(100, 100))
    where = Box(0, 0, 400, 500)
    assert holds(where.grown(32, picture.shape), candidate(Reducer().half(picture), where).box)


def test_a_small_place_is_taken_as_it_is() -> None:
    assert candidate(Reducer().half(scene()), Box(10, 10, 90, 90)) == Candidate(Box(10, 10, 90, 90), 0.0)


@pytest.mark.parametrize("luma", [np.zeros((720, 1280), np.uint8), np.random.default_rng(2).integers(0, 256, (720, 1280), dtype=np.uint8)])
def test_where_nothing_stands_out_something_inside_the_picture_is_named(luma: Luma) -> None:
    assert holds(WHOLE, candidate(Reducer().half(luma), WHOLE).box)


def test_a_code_is_promising_and_a_wall_with_a_person_is_not() -> None:
    person = scene()
    person[100:, 400:900] = 60
    promising = [candidate(Reducer().half(each), WHOLE).promising for each in (scene(code(VIETNAMESE, scale=4)), person)]
    assert promising == [True, False]
