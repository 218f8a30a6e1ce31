from __future__ import annotations

import math

import numpy as np
import pytest

from device.reader.frame import Luma
from device.reader.optics.metering import Light, detail_of, light_of
from tests.device.reader.pictures import VIETNAMESE, code, scene
from tests.device.reader.views import blurred, grained


def test_light_is_told_by_its_percentiles_and_by_the_share_that_has_no_value() -> None:
    luma = np.full((720, 1280), 100, np.uint8)
    luma[:180] = 255
    luma[540:] = 20
    light = light_of(luma)
    assert (light.low, light.median, light.high) == (20, 100, 255)
    assert [light.mean, 100 * light.white] == pytest.approx([(255 + 200 + 20) / 4, 25], abs=2)


@pytest.mark.parametrize("shape", [(8, 8), (9, 13), (8, 30_000), (30_000, 8), (120, 160), (481, 641), (1200, 1600)])
def test_any_size_of_picture_can_be_measured(shape: tuple[int, int]) -> None:
    luma = np.full(shape, 77, np.uint8)
    assert (light_of(luma), detail_of(luma).sharpness) == (Light(77, 77, 77, 77.0, 0.0), None)


def test_sharpness_falls_with_blur_as_the_edge_of_a_blurred_step_does() -> None:
    doors = np.where(np.arange(1280) // 160 % 2, 60, 180)[None, :].repeat(96, axis=0).astype(np.uint8)
    sharp = [detail_of(blurred(doors, sigma)).sharpness for sigma in (0, 2, 4, 8)]
    assert sharp == [pytest.approx(part, rel=0.25) for part in (1, 0.2, 0.1, 0.05)]


def contrasts() -> list[Luma]:
    picture = blurred(scene(code(VIETNAMESE, scale=8), code(VIETNAMESE, scale=8)), 2).astype(np.float32)
    return [np.asarray(60 + picture * part, np.float32).astype(np.uint8) for part in (0.3, 0.5, 0.7)]


def test_sharpness_does_not_depend_on_contrast() -> None:
    found = [detail_of(picture).sharpness for picture in contrasts()]
    assert found == pytest.approx([found[0]] * 3, rel=0.15)


@pytest.mark.parametrize("sigma", [0, 3, 9])
def test_relief_is_that_of_the_scene_and_not_of_its_noise(sigma: float) -> None:
    rng = np.random.default_rng(2)
    stripes = np.where(np.arange(1280) // 64 % 2, 18, 14)[None, :].repeat(720, axis=0).astype(np.uint8)
    slope = np.linspace(40, 120, 1280)[None, :].repeat(720, axis=0).astype(np.uint8)
    reliefs = [detail_of(grained(view, sigma, rng)).relief(detail_of(grained(view, sigma, rng))) for view in (stripes, slope)]
    assert reliefs == pytest.approx([4, 0], abs=0.7)


def test_pictures_of_two_sizes_have_nothing_in_common() -> None:
    assert detail_of(np.zeros((480, 640), np.uint8)).relief(detail_of(np.zeros((720, 1280), np.uint8))) == math.inf


@pytest.mark.parametrize("sigma", [1, 3, 8, 20])
def test_noise_alone_has_no_edges_and_is_measured(sigma: float) -> None:
    detail = detail_of(grained(np.full((720, 1280), 128, np.uint8), sigma, np.random.default_rng(1)))
    assert detail.sharpness is None
    assert detail.noise == pytest.approx(3.3 * sigma, rel=0.2)
