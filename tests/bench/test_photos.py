from __future__ import annotations

import itertools

import numpy as np

from tests.bench.photos import FRAMES, SWAY, _wrong, swayed
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, scene


def test_a_photograph_keeps_its_size_and_sways_by_one_pixel_a_frame() -> None:
    luma = np.random.default_rng(1).integers(0, 256, (61, 83), dtype=np.uint8)
    frames = list(swayed(luma, FRAMES))
    assert [frame.shape for frame in frames] == [luma.shape] * FRAMES
    assert np.array_equal(frames[0], luma)
    assert np.array_equal(frames[1][:-1], luma[1:])
    assert {max(abs(a - c), abs(b - d)) for (a, b), (c, d) in itertools.pairwise(SWAY)} == {1}


def test_a_further_code_that_both_libraries_read_is_not_wrong_and_a_made_up_one_is() -> None:
    luma = scene(code(VIETNAMESE))
    assert _wrong(frozenset({VIETNAMESE, RANDOM}), luma) == {RANDOM}
