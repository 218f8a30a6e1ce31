from __future__ import annotations

import numpy as np
import pytest

from device.errors import FrameError
from device.reader import read_still
from device.reader.frame import Luma
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, scene


@pytest.mark.parametrize("payload", [VIETNAMESE, RANDOM], ids=["Vietnamese", "random bytes"])
@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
def test_a_clean_code_is_read_to_the_byte(payload: bytes, inverted: bool) -> None:
    picture = scene(code(payload), width=640, height=480)
    assert [symbol.payload for symbol in read_still(~picture if inverted else picture)] == [payload]


def test_two_codes_in_one_picture_are_both_read() -> None:
    picture = scene(code(VIETNAMESE), code(RANDOM), width=640, height=480)
    assert {symbol.payload for symbol in read_still(picture)} == {VIETNAMESE, RANDOM}


def test_a_code_of_one_and_a_half_pixels_a_module_with_little_contrast_is_read() -> None:
    large = code(VIETNAMESE, scale=3).astype(np.uint16)
    height, width = (side // 2 * 2 for side in large.shape)
    small = (large[0:height:2, 0:width:2] + large[1:height:2, 0:width:2] + large[0:height:2, 1:width:2] + large[1:height:2, 1:width:2]) // 4
    dim = (100 + small // 8).astype(np.uint8)
    assert [symbol.payload for symbol in read_still(scene(dim, width=320, height=240))] == [VIETNAMESE]


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (3, 3)])
def test_a_picture_that_holds_nothing_gives_nothing(shape: tuple[int, int]) -> None:
    assert read_still(np.zeros(shape, np.uint8)) == []


@pytest.mark.parametrize(
    "picture", [np.zeros((0, 0), np.uint8), np.zeros((9, 9), float), np.zeros((9, 9, 3), np.uint8)], ids=["empty", "float", "RGB"]
)
def test_what_is_no_luma_is_refused(picture: Luma) -> None:
    with pytest.raises(FrameError):
        read_still(picture)


def test_noise_gives_nothing() -> None:
    assert read_still(np.random.default_rng(3).integers(0, 256, (240, 320), dtype=np.uint8)) == []
