from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from device.domain import Corners
from device.reader.decoders import open_decoder
from device.reader.frame import Luma
from device.reader.modules import module_px
from tests.device.reader.pictures import VIETNAMESE, code, scene
from tests.device.replay.defects import defocused, printed, shot


@pytest.mark.parametrize("name", ["zxing", "zbar"])
@pytest.mark.parametrize("scale", [2, 3, 4, 6, 9])
@pytest.mark.parametrize("payload", [b"a", VIETNAMESE, VIETNAMESE * 4], ids=["small", "card", "dense"])
def test_pixels_a_module_are_told_from_the_corners_a_decoder_gives(name: str, scale: int, payload: bytes) -> None:
    picture = scene(code(payload, scale=scale), width=1280, height=900)
    (symbol,) = open_decoder(name, thorough=True).read(picture).symbols
    assert module_px(picture, symbol.corners) == pytest.approx(scale, rel=0.07)


@pytest.mark.parametrize("turn_deg", [7, 45, 90, 200])
def test_a_turned_code_has_the_same_modules(turn_deg: float) -> None:
    turned = np.asarray(
        Image.fromarray(scene(code(VIETNAMESE, scale=5), width=640, height=480)).rotate(turn_deg, Image.Resampling.BICUBIC, fillcolor=128)
    )
    (symbol,) = open_decoder("zxing", thorough=True).read(turned).symbols
    assert module_px(turned, symbol.corners) == pytest.approx(5, rel=0.07)


@pytest.mark.parametrize("light", [1.0, 0.2])
def test_light_on_dark_and_little_light_make_no_difference(light: float) -> None:
    picture, corners = printed(module_px=5)
    for each in (picture * light, 255 * light - picture * light):
        assert module_px(shot(each, noise=2), corners) == pytest.approx(5, rel=0.07)


def test_what_is_too_blurred_or_no_symbol_is_not_measured() -> None:
    picture, corners = printed(module_px=3)
    wall: Luma = np.full((480, 640), 128, np.uint8)
    assert module_px(shot(defocused(picture, 3)), corners) is None
    assert module_px(wall, corners) is None
    assert module_px(wall, Corners(((5, 5), (5, 5), (5, 5), (5, 5)))) is None
