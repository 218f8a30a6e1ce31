from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.reader.change import FIRST_FRAMES, ROWS, STILL, ChangeDetector
from device.reader.frame import Box, Luma
from tests.device.reader.pictures import VIETNAMESE, code, scene

HEIGHT, WIDTH = 720, 1280


def noisy(picture: Luma, sigma: float, rng: np.random.Generator) -> Luma:
    """``picture`` with fresh Gaussian noise in the rows where the detector looks."""
    frame = picture.copy()
    sample = picture[ROWS // 2 :: ROWS]
    frame[ROWS // 2 :: ROWS] = np.clip(np.rint(sample + rng.normal(0, sigma, sample.shape)), 0, 255)
    return frame


def moved(detector: ChangeDetector, pictures: Iterable[Luma], sigma: float, rng: np.random.Generator) -> list[bool]:
    return [detector.see(noisy(each, sigma, rng)).moved for each in pictures]


@pytest.mark.parametrize("sigma", [0, 1, 3, 8, 20])
def test_noise_is_no_change_and_a_small_code_is_one_at_every_level_of_noise(sigma: float) -> None:
    rng = np.random.default_rng(1)
    held_up = scene(code(VIETNAMESE, scale=2), at=(200, 300))  # 90 pixels of 720
    detector = ChangeDetector()
    assert moved(detector, [scene()] * 60, sigma, rng) == [True] + [False] * 59
    assert moved(detector, [held_up] * 10, sigma, rng) == [True] * 10


@pytest.mark.parametrize("sigma", [0, 3, 8])
def test_a_hand_that_is_there_before_the_first_frame_is_noticed_from_the_second_on(sigma: float) -> None:
    rng = np.random.default_rng(13)
    swaying = [scene(code(VIETNAMESE, scale=4), at=(200, 300 + px)) for px in (0, 2, 4, 5, 4, 2, 0, -2, -4, -5, -4, -2)]
    assert moved(ChangeDetector(), swaying, sigma, rng) == [True] * len(swaying)


def test_where_is_the_part_of_the_picture_that_differs() -> None:
    rng = np.random.default_rng(8)
    detector = ChangeDetector()
    held_up = scene()
    held_up[320:480, 640:896] = 20
    moved(detector, [scene()] * 40, 3, rng)
    changes = [detector.see(noisy(held_up, 3, rng)) for _ in range(3)]
    assert [change.where for change in changes] == [Box(640 - 16, 320 - 16, 896 + 16, 480 + 16)] * 3  # in tiles of 32, half a tile around


def test_a_contrast_below_the_noise_is_noticed_at_dusk() -> None:
    """Paper before a wall at dusk: 35 steps of brightness, in noise of 24 steps a pixel."""
    rng = np.random.default_rng(9)
    detector = ChangeDetector()
    wall = np.full((HEIGHT, WIDTH), 45, np.uint8)
    paper = wall.copy()
    paper[200:500, 400:700] = 80
    assert not any(moved(detector, [wall] * 60, 24, rng)[1:])
    assert moved(detector, [paper] * 10, 24, rng)[1:] == [True] * 9  # averaged over the last frames: the first may be too little


def test_the_detector_becomes_quiet_again_when_the_noise_of_dusk_grows() -> None:
    rng = np.random.default_rng(2)
    detector = ChangeDetector()
    moved(detector, [scene()] * 40, 3, rng)
    answers = moved(detector, [scene()] * 700, 12, rng)
    assert answers[1]
    assert not any(answers[-100:])


def test_the_detector_becomes_keen_again_when_the_noise_goes() -> None:
    rng = np.random.default_rng(10)
    detector = ChangeDetector()
    faint = scene()
    faint[200:400, 300:500] += 6
    moved(detector, [scene()] * 60, 20, rng)
    assert not detector.see(noisy(faint, 2, rng)).moved
    moved(detector, [scene()] * 400, 2, rng)
    assert moved(detector, [faint] * 5, 2, rng)[2:] == [True] * 3


def test_a_screen_that_flickers_in_a_corner_is_learnt_and_a_code_elsewhere_is_still_seen() -> None:
    rng = np.random.default_rng(11)
    detector = ChangeDetector()
    lit = [scene(), scene()]
    lit[1][:160, :160] = 140
    held_up = [scene(code(VIETNAMESE, scale=2), at=(400, 700)) for _ in range(2)]
    held_up[1][:160, :160] = 140
    flicker = [lit[int(bit)] for bit in rng.integers(0, 2, 1500)]
    assert not any(moved(detector, flicker, 3, rng)[-100:])
    assert all(moved(detector, [held_up[int(bit)] for bit in rng.integers(0, 2, 10)], 3, rng))


def test_a_shadow_that_moves_as_slowly_as_the_sun_is_followed() -> None:
    rng = np.random.default_rng(3)
    detector = ChangeDetector()
    darkening = [np.full((HEIGHT, WIDTH), 180 - frame // 10, np.uint8) for frame in range(400)]
    assert not any(moved(detector, darkening, 2, rng)[1:])


def test_a_person_who_stands_there_for_ten_seconds_does_not_blind_the_detector() -> None:
    rng = np.random.default_rng(4)
    detector = ChangeDetector()
    moved(detector, [scene()] * 40, 3, rng)
    person = scene()
    person[100:, 400:900] = 60
    held_up = person.copy()
    held_up[300:480, 500:680] = code(VIETNAMESE, scale=4)[:180, :180]
    moved(detector, [person] * 300, 3, rng)
    assert moved(detector, [held_up] * 3, 3, rng) == [True] * 3


def test_another_frame_size_starts_afresh() -> None:
    detector = ChangeDetector()
    for _ in range(40):
        detector.see(np.full((HEIGHT, WIDTH), 90, np.uint8))
    assert detector.see(np.full((480, 640), 90, np.uint8)).moved


@pytest.mark.parametrize("shape", [(1, 1), (15, 1280), (720, 5)])
def test_a_picture_too_small_to_be_sampled_always_counts_as_moved(shape: tuple[int, int]) -> None:
    detector = ChangeDetector()
    changes = [detector.see(np.zeros(shape, np.uint8)) for _ in range(20)]
    assert [(change.moved, change.where) for change in changes] == [(True, Box(0, 0, shape[1], shape[0]))] * 20


def test_padded_rows_and_odd_sizes_are_seen() -> None:
    detector = ChangeDetector()
    plane = np.full((487, 700), 90, np.uint8)
    luma = plane[:485, :643]
    answers = [detector.see(luma) for _ in range(20)]
    assert answers[-1] == STILL
    plane[100:200, 100:200] = 200
    assert detector.see(luma).moved


def test_a_busy_lane_is_not_mistaken_for_noise() -> None:
    rng = np.random.default_rng(5)
    detector = ChangeDetector()
    moved(detector, [scene()] * 40, 3, rng)
    noise = []
    for frame in range(300):
        lane = scene()
        lane[100:, (left := frame * 37 % 900) : left + 380] = 20 if frame % 2 else 230
        change = detector.see(noisy(lane, 3, rng))
        assert change.moved
        noise.append(change.noise)
    assert max(noise) < 8  # half of the picture changes from frame to frame, for ten seconds


def test_the_scene_is_quiet_again_soon_after_a_person_has_gone() -> None:
    rng = np.random.default_rng(6)
    detector = ChangeDetector()
    person = scene()
    person[100:, 400:900] = 20
    assert not any(moved(detector, [scene()] * 40 + [person] * 90 + [scene()] * 120, 3, rng)[-10:])


def test_a_lamp_that_was_switched_on_at_the_start_hides_no_code_for_long() -> None:
    rng = np.random.default_rng(12)
    detector = ChangeDetector()
    moved(detector, [np.full_like(scene(), 16), *[scene()] * 300], 3, rng)
    assert moved(detector, [scene(code(VIETNAMESE, scale=2), at=(400, 700))] * 3, 3, rng)[1:] == [True] * 2


@pytest.mark.parametrize("sigma", [4, 12, 25])
def test_the_noise_of_one_pixel_is_told_while_something_moves(sigma: float) -> None:
    rng = np.random.default_rng(7)
    detector = ChangeDetector()
    held_up = scene(code(VIETNAMESE, scale=4), at=(200, 300))
    moved(detector, [scene()] * 200, sigma, rng)
    changes = [detector.see(noisy(held_up, sigma, rng)) for _ in range(5)]
    assert changes[-1].noise == pytest.approx(sigma, rel=0.2)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(0, 200), st.integers(0, 300), st.integers(0, 8), st.sampled_from([0, 3, 40, 255]), st.integers(0, 2**16))
def test_whatever_the_size_and_the_picture_what_moved_lies_within_it(height: int, width: int, padding: int, contrast: int, seed: int) -> None:
    rng, detector = np.random.default_rng(seed), ChangeDetector()
    for _ in range(FIRST_FRAMES + 4):
        luma = rng.integers(0, contrast + 1, (height, width + padding), np.uint8)[:, padding:]
        change = detector.see(luma)
        assert change.where is None or (change.where.grown(0, luma.shape) == change.where and change.moved)
