from __future__ import annotations

import numpy as np

from device.reader.frame import Box, Exposure, Frame
from device.reader.steady import FRAMES_TO_STAY, SteadyDetector
from tests.device.reader.views import grained, hall

RNG = np.random.default_rng(4)
HALL = hall(RNG)
BASE, DARKER = Exposure(700, 4.0), Exposure(700, 1.0)
DARK_HALL = (HALL // 4).astype(np.uint8)


def moved(detector: SteadyDetector, exposure: Exposure | None, frames: int) -> list[bool]:
    view = DARK_HALL if exposure == DARKER else HALL
    return [detector.see(Frame(grained(view, 2, RNG), 0, 0, exposure=exposure)).moved for _ in range(frames)]


def test_frames_of_a_bracket_count_as_moved_and_leave_the_learnt_scene_as_it_was() -> None:
    detector = SteadyDetector()
    moved(detector, BASE, 60)
    assert (moved(detector, DARKER, 3), moved(detector, BASE, 10)) == ([True] * 3, [False] * 10)


def test_an_exposure_that_stays_is_learnt_within_a_second() -> None:
    detector = SteadyDetector()
    moved(detector, BASE, 60)
    answers = moved(detector, DARKER, 60)
    assert (answers[:FRAMES_TO_STAY], answers[30:]) == ([True] * FRAMES_TO_STAY, [False] * 30)


def test_a_bracket_that_goes_on_for_long_is_still_no_new_scene() -> None:
    detector = SteadyDetector()
    moved(detector, BASE, 60)
    for _ in range(20):
        assert (moved(detector, DARKER, 3), moved(detector, BASE, 3)) == ([True] * 3, [False] * 3)


def test_what_the_sensor_rounds_is_the_same_exposure() -> None:
    detector = SteadyDetector()
    moved(detector, BASE, 60)
    assert moved(detector, Exposure(720, 3.95), 10) == [False] * 10


def test_a_camera_that_tells_no_exposure_is_watched_as_it_is() -> None:
    detector = SteadyDetector()
    moved(detector, None, 60)
    assert moved(detector, None, 10) == [False] * 10


def test_in_a_picture_of_another_size_nothing_is_known_of_what_moved_last() -> None:
    detector = SteadyDetector()
    moved(detector, BASE, 60)
    change = detector.see(Frame(HALL[:40, :60], 0, 0, exposure=DARKER))
    assert (change.moved, change.where) == (True, Box(0, 0, 60, 40))
