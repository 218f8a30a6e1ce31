from __future__ import annotations

import numpy as np
import pytest

from device.clock import NS
from device.reader.frame import Frame
from device.reader.optics.metering import Detail
from device.reader.optics.usual import PEOPLE_S, SOFT, Moving, Pace, Usual

NO_BENDS = np.zeros((0, 0), np.float32)


def detail(sharpness: float | None) -> Detail:
    return Detail(sharpness, 5, NO_BENDS)


def learnt(*hours: tuple[float, float | None]) -> Usual:
    """After so many hours of each sharpness, measured once a second."""
    usual = Usual()
    for duration, sharpness in hours:
        for _ in range(round(duration * 3600)):
            usual.learn(detail(sharpness), NS, flat=sharpness is None)
    return usual


def test_a_scene_is_known_after_a_minute_and_blank_if_there_is_mostly_nothing_to_see() -> None:
    assert [learnt((minutes / 60, 0.5)).blank for minutes in (0.5, 1, 10)] == [True, False, False]
    assert learnt((0.1, None)).blank


def test_the_best_sharpness_is_that_of_a_minute_and_not_of_a_moment() -> None:
    assert learnt((0.1, 0.3), (1 / 3600, 1.0)).best == pytest.approx(0.3, abs=0.02)


def test_the_best_sharpness_fades_over_hours() -> None:
    assert learnt((0.1, 0.6), (6, 0.1)).best == pytest.approx(0.6 / np.e, rel=0.05)


def test_nothing_was_ever_sharp_is_known_after_people_came_by_and_ends_with_one_sharp_look() -> None:
    moving = Moving()
    said = []
    for sharpness in [SOFT / 2] * PEOPLE_S + [None, 0.5]:
        moving.learn(detail(sharpness))
        said.append(moving.never_sharp)
    assert said == [False] * (PEOPLE_S - 1) + [True, True, False]


def test_the_pace_is_a_mean_that_one_late_frame_does_not_change() -> None:
    pace = Pace(NS / 30, NS / 30)
    for number in range(100):
        pace.see(Frame(np.zeros((8, 8), np.uint8), number, number * NS // 30 + (NS // 15 if number == 50 else 0)))
        assert not pace.below(0.8)
