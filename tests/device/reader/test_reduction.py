from __future__ import annotations

import numpy as np
import pytest

from device.reader.reduction import Reducer


@pytest.mark.parametrize(("height", "width"), [(2, 2), (3, 5), (480, 640), (719, 1279), (720, 1280), (1, 1), (0, 0), (2, 1)])
def test_each_pixel_is_the_rounded_mean_of_four(height: int, width: int) -> None:
    luma = np.random.default_rng(5).integers(0, 256, (height, width), dtype=np.uint8)
    even = luma[: height // 2 * 2, : width // 2 * 2].astype(int)
    expected = (even[0::2, 0::2] + even[0::2, 1::2] + even[1::2, 0::2] + even[1::2, 1::2] + 2) // 4
    assert np.array_equal(Reducer().half(luma), expected)


def test_black_and_white_stay_what_they_are() -> None:
    for value in (0, 255):
        assert np.unique(Reducer().half(np.full((720, 1280), value, np.uint8))).tolist() == [value]


@pytest.mark.parametrize("padding", [1, 32])
def test_padded_rows_are_halved_as_they_are(padding: int) -> None:
    plane = np.random.default_rng(6).integers(0, 256, (48, 64 + padding), dtype=np.uint8)
    assert np.array_equal(Reducer().half(plane[:, :64]), Reducer().half(plane[:, :64].copy()))


def test_a_reducer_gives_a_new_picture_each_time() -> None:
    reducer = Reducer()
    first = reducer.half(np.full((4, 4), 10, np.uint8))
    reducer.half(np.full((4, 4), 90, np.uint8))
    assert first.tolist() == [[10, 10], [10, 10]]


def test_a_part_is_halved_in_place_whatever_was_halved_before() -> None:
    picture = np.random.default_rng(7).integers(0, 256, (48, 64), dtype=np.uint8)
    reducer, plane = Reducer(), np.zeros((24, 32), np.uint8)
    reducer.half(picture[:20, :20])
    assert reducer.half(picture[10:40, 4:60], plane[5:20, 2:30]).base is plane
    assert np.array_equal(plane[5:20, 2:30], Reducer().half(picture)[5:20, 2:30])
    plane[5:20, 2:30] = 0
    assert not plane.any()
