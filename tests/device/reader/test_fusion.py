from __future__ import annotations

import numpy as np
import pytest

from device.reader.decoders import open_decoder
from device.reader.frame import Box, Luma
from device.reader.fusion import FRAMES, Fusion
from device.reader.treatments import smoothed
from tests.device.reader.pictures import VIETNAMESE, code

SYMBOL = code(VIETNAMESE, scale=6)
SIDE = SYMBOL.shape[0]


def dusk(at: tuple[int, int], sigma: float, rng: np.random.Generator) -> Luma:
    """The code before a dim wall, 35 % of daylight, with the noise of high gain."""
    picture = np.full((720, 1280), 45.0)
    y, x = at
    picture[y : y + SIDE, x : x + SIDE] = 10 + SYMBOL * 0.27
    return np.asarray(np.clip(picture + rng.normal(0, sigma, picture.shape), 0, 255), np.uint8)


def swaying(count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """A hand's places, 3 pixels a frame."""
    steps = np.cumsum(rng.integers(-3, 4, (count, 2)), axis=0)
    return [(300 + int(y), 500 + int(x)) for y, x in steps]


def where(at: tuple[int, int]) -> Box:
    """What a change detector would say: the code to a tile of 32 pixels."""
    y, x = at
    return Box(x // 32 * 32, y // 32 * 32, (x + SIDE) // 32 * 32 + 32, (y + SIDE) // 32 * 32 + 32)


def test_what_no_frame_shows_to_the_decoder_the_average_of_them_does() -> None:
    rng = np.random.default_rng(1)
    decoder, fusion = open_decoder("zxing", thorough=True), Fusion()
    single, fused = [], []
    for at in swaying(24, rng):
        frame = dusk(at, 60, rng)
        fusion.add(frame, where(at))
        single.append(bool(decoder.read(smoothed(where(at).of(frame))).symbols))
        fused.append([symbol.payload for symbol in decoder.read(smoothed(fusion.picture())).symbols] == [VIETNAMESE])
    assert (sum(single), sum(fused) >= 12) == (0, True)


@pytest.mark.parametrize("sigma", [2, 24])
def test_the_box_goes_with_the_hand_to_the_pixel(sigma: float) -> None:
    rng = np.random.default_rng(2)
    fusion, offsets = Fusion(), []
    for at in swaying(20, rng):
        fusion.add(dusk(at, sigma, rng), where(at))
        offsets.append((at[0] - fusion.box.top, at[1] - fusion.box.left))
        if fusion.count == 1:
            offsets = offsets[-1:]
    assert fusion.count > FRAMES
    assert np.ptp(offsets, axis=0).max() <= 2


def test_another_hand_elsewhere_begins_anew() -> None:
    rng = np.random.default_rng(3)
    fusion = Fusion()
    for at in [(100, 100)] * 5 + [(400, 900)]:
        fusion.add(dusk(at, 10, rng), where(at))
    assert (fusion.count, fusion.box.joined(where((400, 900)))) == (1, fusion.box)


def test_something_unlike_at_the_same_place_begins_anew() -> None:
    rng = np.random.default_rng(4)
    fusion = Fusion()
    for _ in range(5):
        fusion.add(dusk((300, 500), 10, rng), where((300, 500)))
    fusion.add(rng.integers(0, 256, (720, 1280), dtype=np.uint8), where((300, 500)))
    assert fusion.count == 1


def test_a_hand_at_the_edge_of_the_picture_is_followed_and_what_left_is_cut_off() -> None:
    rng = np.random.default_rng(5)
    fusion = Fusion()
    for step in range(10):
        at = (720 - SIDE - 10 + step, 1280 - SIDE - 20 + 2 * step)
        fusion.add(dusk(at, 10, rng), where(at).grown(0, (720, 1280)))
    assert (fusion.count, fusion.picture().shape) == (10, (fusion.box.height, fusion.box.width))


@pytest.mark.parametrize("luma", [np.zeros((200, 300), np.uint8), np.full((200, 300), 255, np.uint8)])
def test_a_picture_without_any_detail_does_no_harm(luma: Luma) -> None:
    fusion = Fusion()
    for _ in range(3):
        fusion.add(luma, Box(10, 10, 60, 40))
    assert fusion.picture().shape == (fusion.box.height, fusion.box.width)


def test_a_picture_of_another_size_begins_anew() -> None:
    fusion = Fusion()
    for luma in (np.zeros((200, 300), np.uint8), np.zeros((60, 80), np.uint8)):
        fusion.add(luma, Box(10, 10, 60, 40))
    assert (fusion.count, fusion.picture().shape) == (1, (60, 80))


def test_whatever_the_pictures_show_the_average_stays_within_them() -> None:
    rng = np.random.default_rng(6)
    for _ in range(60):
        fusion, shape = Fusion(), (0, 0)
        for step in range(8):
            if step % 4 == 0:
                shape = (int(rng.integers(20, 300)), int(rng.integers(20, 300)))
            luma = np.zeros(shape, np.uint8)
            y, x = int(rng.integers(shape[0])), int(rng.integers(shape[1]))
            luma[max(y - 4, 0) : y + 4, max(x - 4, 0) : x + 4] = 255  # a lamp that jumps
            luma[:: int(rng.integers(4, 30))] = 128
            fusion.add(luma, Box(0, 0, shape[1], shape[0]) if step % 2 else Box(shape[1] // 2, 0, shape[1], 16))
            assert fusion.box.grown(0, shape) == fusion.box
            assert fusion.picture().shape == (fusion.box.height, fusion.box.width)
