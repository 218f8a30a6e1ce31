from __future__ import annotations

import numpy as np
import pytest

from device.reader.change import FIRST_FRAMES, STRIDE, ChangeDetector
from device.reader.frame import Luma
from tests.device.reader.pictures import VIETNAMESE, code, scene

HEIGHT, WIDTH = 720, 1280


def noisy(picture: Luma, sigma: float, rng: np.random.Generator) -> Luma:
    """``picture`` with fresh Gaussian noise where the detector looks."""
    frame = picture.copy()
    sample = picture[::STRIDE, ::STRIDE]
    frame[::STRIDE, ::STRIDE] = np.clip(np.rint(sample + rng.normal(0, sigma, sample.shape)), 0, 255)
    return frame


@pytest.mark.parametrize("sigma", [0, 1, 3, 8, 20])
def test_noise_is_no_change_and_a_small_code_is_one_at_every_level_of_noise(sigma: float) -> None:
    rng = np.random.default_rng(1)
    empty = scene()
    held_up = scene(code(VIETNAMESE, scale=2), at=(200, 300))  # 90 pixels of 720
    detector = ChangeDetector()
    quiet = [detector.changed(noisy(empty, sigma, rng)) for _ in range(60)]
    assert quiet == [True] * (1 + FIRST_FRAMES) + [False] * (59 - FIRST_FRAMES)
    assert [detector.changed(noisy(held_up, sigma, rng)) for _ in range(10)] == [True] * 10


def test_the_detector_becomes_quiet_again_when_the_noise_of_dusk_grows() -> None:
    rng = np.random.default_rng(2)
    detector = ChangeDetector()
    for _ in range(40):
        detector.changed(noisy(scene(), 3, rng))
    answers = [detector.changed(noisy(scene(), 12, rng)) for _ in range(600)]
    assert answers[0]
    assert not any(answers[-100:])


def test_a_shadow_that_moves_as_slowly_as_the_sun_is_followed() -> None:
    rng = np.random.default_rng(3)
    detector = ChangeDetector()
    darkening = [np.full((HEIGHT, WIDTH), 180 - frame // 10, np.uint8) for frame in range(400)]
    answers = [detector.changed(noisy(each, 2, rng)) for each in darkening]
    assert not any(answers[1 + FIRST_FRAMES :])


def test_a_person_who_stands_there_for_three_seconds_does_not_blind_the_detector() -> None:
    rng = np.random.default_rng(4)
    detector = ChangeDetector()
    for _ in range(40):
        detector.changed(noisy(scene(), 3, rng))
    person = scene()
    person[100:, 400:900] = 60
    held_up = person.copy()
    held_up[300:480, 500:680] = code(VIETNAMESE, scale=4)[:180, :180]
    for _ in range(90):
        detector.changed(noisy(person, 3, rng))
    assert detector.changed(noisy(held_up, 3, rng))


def test_another_frame_size_starts_afresh() -> None:
    detector = ChangeDetector()
    for _ in range(40):
        detector.changed(np.full((HEIGHT, WIDTH), 90, np.uint8))
    assert detector.changed(np.full((480, 640), 90, np.uint8))


def test_a_busy_lane_is_not_mistaken_for_noise() -> None:
    rng = np.random.default_rng(5)
    detector = ChangeDetector()
    for frame in range(300):
        lane = scene()
        lane[100:, (left := frame * 37 % 900) : left + 380] = 20 if frame % 2 else 230
        assert detector.changed(noisy(lane, 3, rng))
    assert 3 < detector._noise < 6  # half of the picture changes from frame to frame: the worst that a median bears


def test_the_scene_is_quiet_again_soon_after_a_person_has_gone() -> None:
    rng = np.random.default_rng(6)
    detector = ChangeDetector()
    person = scene()
    person[100:, 400:900] = 20
    answers = [detector.changed(noisy(each, 3, rng)) for each in [scene()] * 40 + [person] * 90 + [scene()] * 120]
    assert not any(answers[-10:])


def test_a_frame_that_is_shown_twice_says_nothing_about_noise() -> None:
    rng = np.random.default_rng(7)
    detector = ChangeDetector()
    for _ in range(60):
        frame = noisy(scene(), 3, rng)
        detector.changed(frame)
        detector.changed(frame)
    assert detector._noise == pytest.approx(3, rel=0.1)
