from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.bench import empty, passing
from tests.bench.peers import zxing_defaults
from tests.bench.seeds import TUNING


@pytest.mark.parametrize("name", empty.SCENES)
def test_people_pass_in_every_frame_after_the_empty_scene_and_show_no_code(name: str) -> None:
    count = 12
    frames = list(passing.frames(name, TUNING, count))
    assert len(frames) == len({frame.tobytes() for frame in frames}) == passing.EMPTY_BEFORE + count
    moved = [float(np.mean(np.abs(one.astype(np.int16) - other))) for one, other in itertools.pairwise(frames)]
    still = moved[: passing.EMPTY_BEFORE - 1]
    assert min(moved[passing.EMPTY_BEFORE :]) > 1.1 * max(still)
    assert [zxing_defaults(frame) for frame in frames[passing.EMPTY_BEFORE :: 3]] == [frozenset()] * 4


def test_the_same_seed_gives_the_same_people() -> None:
    once, again = passing.frames("plain", TUNING, 2), passing.frames("plain", TUNING, 2)
    assert [frame.tobytes() for frame in once] == [frame.tobytes() for frame in again]
