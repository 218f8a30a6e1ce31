"""The short form of ``make soak``, and the proof that it would notice a leak."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak import growth
from tests.soak.trial import reading, watch

WIDTH, HEIGHT = 640, 480
FOR_S, EVERY_S = 6.0, 0.25

FRAMES_MIN = 100
GROWTH_MAX_BYTES_A_FRAME = 2000.0
"""Bound of the short form: the warm-up is not over after some seconds. One picture in a hundred and fifty that is kept is more."""

LEAK_BYTES = 8192


@pytest.mark.parametrize("leak_bytes", [0, LEAK_BYTES])
def test_the_reader_does_not_grow_and_one_that_leaks_two_pages_a_frame_is_found(tmp_path: Path, leak_bytes: int) -> None:
    with reading(tmp_path, width=WIDTH, height=HEIGHT, leak_bytes=leak_bytes) as (process, ear):
        samples = watch(process, ear, for_s=FOR_S / 2 if leak_bytes else FOR_S, every_s=EVERY_S, progress=lambda _: None)
        stages = set(ear.stages)
    after = growth.warmed_up(samples)
    frames = after[-1].done - after[0].done
    grown = (after[-1].pss_kib - after[0].pss_kib) * 1024 / frames
    assert frames > FRAMES_MIN
    assert ({each.threads for each in after}, {each.descriptors for each in after}) == ({after[0].threads}, {after[0].descriptors})
    assert stages
    assert (grown > GROWTH_MAX_BYTES_A_FRAME) == bool(leak_bytes), f"{grown:.0f} bytes a frame over {frames} frames"
