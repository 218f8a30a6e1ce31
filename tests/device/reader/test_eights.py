from __future__ import annotations

import numpy as np

from device.reader.eights import pairs, total


def test_eight_pixels_at_a_time_add_up_exactly() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (90, 1280), dtype=np.uint8)
    pixels[0] = 255
    words = pixels.copy().view(np.uint64)
    assert np.array_equal(total(pairs(words, np.empty_like(words))), pixels.reshape(90, 160, 8).sum(axis=2))


def test_sixteen_rows_of_pairs_add_up_without_running_over() -> None:
    words = np.full((16, 160), 2**64 - 1, np.uint64)  # white
    rows = pairs(words, np.empty_like(words)).sum(axis=0)
    assert set(total(rows).tolist()) == {16 * 8 * 255}
