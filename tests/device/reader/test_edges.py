from __future__ import annotations

import math

import numpy as np
import pytest

from device.reader.edges import WIDTH_MAX_PX, Edges, edges_of, noise_between, spatial_noise
from tests.device.replay.defects import defocused, printed, shot, smeared

CODE = printed(module_px=6)[0]
RADII_PX = (0.0, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)


def _width(radius_px: float, *, light: float = 1.0, noise: float = 0.5) -> float:
    pictures = [shot(defocused(CODE, radius_px) * light, noise=noise, seed=seed) for seed in (1, 2)]
    return edges_of(pictures[0], noise=min(spatial_noise(pictures[0]), noise_between(*pictures))).px or math.inf


@pytest.mark.parametrize("noise", [0.5, 3, 6, 10])
@pytest.mark.parametrize("light", [0.35, 1.0])
def test_edges_grow_with_defocus_whatever_light_and_noise(light: float, noise: float) -> None:
    widths = [_width(radius_px, light=light, noise=noise) for radius_px in RADII_PX]
    assert widths == sorted(widths)
    assert widths[0] < widths[3] < widths[5]


def test_noise_is_never_taken_for_sharpness() -> None:
    for radius_px in RADII_PX[1:]:
        clean = _width(radius_px)
        assert [noise for noise in (2, 5, 10) if _width(radius_px, noise=noise) < 0.97 * clean] == []


def test_exposure_does_not_change_the_width() -> None:
    widths = [_width(1.5, light=light, noise=1) for light in (0.3, 0.6, 1.0)]
    assert max(widths) < 1.08 * min(widths)


@pytest.mark.parametrize("radius_px", [1.0, 1.5, 2.0])
def test_the_width_is_in_pixels(radius_px: float) -> None:
    step = np.full((200, 400), 40.0)
    step[:, 150:250] = 200
    width = edges_of(shot(defocused(step, radius_px), noise=0.5)).across_px
    assert width == pytest.approx(2 * np.sqrt(np.pi) * radius_px, rel=0.15)


def test_motion_widens_the_edges_across_its_way_only() -> None:
    edges = edges_of(shot(smeared(CODE, 6), noise=1))
    assert edges.across_px is not None
    assert edges.down_px is not None
    assert edges.across_px > 2.5 * edges.down_px


@pytest.mark.parametrize("noise", [0.0, 1.5, 12.0])
def test_a_wall_has_no_edges_however_noisy(noise: float) -> None:
    assert edges_of(shot(np.full((120, 160), 110.0), noise=noise)) == Edges(None, None, None)


@pytest.mark.parametrize("shape", [(0, 0), (4, 400), (400, 4), (16, 16)])
def test_a_picture_too_small_to_be_measured_is_no_error(shape: tuple[int, int]) -> None:
    assert edges_of(np.zeros(shape, np.uint8)) == Edges(None, None, None)


@pytest.mark.parametrize("noise", [1.0, 4.0, 10.0])
def test_noise_is_found_in_a_picture_full_of_modules_and_between_two(noise: float) -> None:
    one, other = (shot(CODE * 0.7 + 40, noise=noise, seed=seed) for seed in (1, 2))
    assert spatial_noise(one) == pytest.approx(noise, rel=0.15)
    assert noise_between(one, other) == pytest.approx(noise, rel=0.1)


def test_movement_between_two_pictures_does_not_hide_their_noise() -> None:
    one, other = shot(CODE, noise=4, seed=1), shot(np.roll(CODE, 3, 1), noise=4, seed=2)
    assert 4 * 0.9 < noise_between(one, other) < 3 * 4


def test_the_widest_that_is_told_is_bounded() -> None:
    assert (edges_of(shot(defocused(CODE, 20), noise=0.1)).px or 0) <= WIDTH_MAX_PX
