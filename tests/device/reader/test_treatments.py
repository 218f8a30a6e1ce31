from __future__ import annotations

import numpy as np
import pytest

from device.reader import treatments
from device.reader.still import PLAN

ALL = sorted({treatment.__name__ for _, treatment in PLAN})


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (31, 40)])
def test_a_treatment_gives_bytes_of_the_right_shape_whatever_the_size(name: str, shape: tuple[int, int]) -> None:
    treated = getattr(treatments, name)(np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8))
    height, width = shape
    expected = {"half": (height // 2, width // 2), "doubled": (2 * height, 2 * width)}.get(name, shape)
    assert (treated.shape, treated.dtype) == (expected, np.uint8)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"stretched"}))
@pytest.mark.parametrize("value", [0, 255])
def test_black_stays_black_and_white_stays_white(name: str, value: int) -> None:
    treated = getattr(treatments, name)(np.full((8, 8), value, np.uint8))
    assert np.unique(treated).tolist() == [value]


def test_enlarging_lies_between_the_neighbours() -> None:
    assert treatments.doubled(np.array([[0, 80]], np.uint8)).tolist() == [[0, 20, 60, 80]] * 2


def test_stretching_uses_the_whole_range() -> None:
    dim = np.tile(np.arange(100, 120, dtype=np.uint8), (20, 1))
    assert (int(treatments.stretched(dim).min()), int(treatments.stretched(dim).max())) == (0, 255)
