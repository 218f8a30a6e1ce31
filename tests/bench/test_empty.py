from __future__ import annotations

import numpy as np
import pytest

from device.demo.lens import HEIGHT, WIDTH
from tests.bench import empty
from tests.bench.peers import zxing_defaults
from tests.bench.seeds import SCORING, TUNING


@pytest.mark.parametrize("name", empty.SCENES)
def test_an_empty_scene_is_the_same_again_for_the_same_seed(name: str) -> None:
    once, again = list(empty.frames(name, TUNING, 2)), list(empty.frames(name, TUNING, 2))
    assert [frame.tobytes() for frame in once] == [frame.tobytes() for frame in again]
    assert {(frame.shape, frame.dtype) for frame in once} == {((HEIGHT, WIDTH), np.dtype(np.uint8))}


@pytest.mark.parametrize("name", empty.SCENES)
def test_no_two_frames_of_a_scene_are_equal_and_none_holds_a_code(name: str) -> None:
    frames = list(empty.frames(name, TUNING, 6))
    assert len({frame.tobytes() for frame in frames}) == 6
    assert [zxing_defaults(frame) for frame in frames] == [frozenset()] * 6


def test_scoring_scenes_are_others_than_tuning_scenes() -> None:
    assert [name for name in empty.SCENES if np.array_equal(empty.scene(name, TUNING), empty.scene(name, SCORING))] == []


@pytest.mark.parametrize("name", empty.SCENES)
def test_the_noise_is_as_strong_as_the_sensor_says_and_not_the_same_twice(name: str) -> None:
    one, other = (frame[100:300, 100:300].astype(np.float64) for frame in empty.frames(name, TUNING, 2))
    lit = (one + other) / 2 > 4 * empty.SENSORS[name].sigma  # darker pixels lose half of their noise to black
    if name == "night":
        lit[:] = True
    jump = float(np.std((one - other)[lit])) / np.sqrt(2)
    assert 0.4 * empty.SENSORS[name].sigma < jump < 1.3 * empty.SENSORS[name].sigma
