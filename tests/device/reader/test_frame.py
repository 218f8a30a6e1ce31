from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from device.errors import FrameError
from device.reader.frame import Box, luma_of, luma_of_bytes


@pytest.mark.parametrize(
    ("pixels", "what"),
    [
        pytest.param(np.empty((0, 0), np.uint8), "a frame of zero bytes", id="zero bytes"),
        pytest.param(np.zeros((4, 6), np.uint16), "a frame of uint16 in 2 dimensions, not of one byte a pixel", id="two bytes a pixel"),
        pytest.param(np.zeros((4, 6, 3), np.uint8), "a frame of uint8 in 3 dimensions, not of one byte a pixel", id="colours"),
        pytest.param(np.zeros((3, 6), np.uint8), "a frame of 6x3 pixels, 6x4 were promised", id="rows missing"),
        pytest.param(np.zeros((4, 5), np.uint8), "a frame of 5x4 pixels, 6x4 were promised", id="columns missing"),
    ],
)
def test_a_frame_that_is_not_what_was_promised_is_refused_with_a_hint(pixels: NDArray[Any], what: str) -> None:
    with pytest.raises(FrameError) as raised:
        luma_of(pixels, width=6, height=4)
    assert raised.value.what == what
    assert raised.value.hint


@pytest.mark.parametrize("row_bytes", [0, 3, -3])
def test_rows_that_share_bytes_are_laid_out_one_after_another(row_bytes: int) -> None:
    """A decoder in C goes by what it takes for the distance of two rows: it must not leave the picture."""
    flat = np.arange(40, dtype=np.uint8)[16:]
    pixels = np.lib.stride_tricks.as_strided(flat, (4, 6), (row_bytes, 1), writeable=False)
    luma = luma_of(pixels, width=6, height=4)
    assert (luma.strides, luma.tolist()) == ((6, 1), pixels.tolist())


def test_row_padding_is_left_out_without_a_copy() -> None:
    pixels = np.arange(32, dtype=np.uint8).reshape(4, 8)
    luma = luma_of(pixels, width=6, height=4)
    assert luma.tolist() == pixels[:, :6].tolist()
    assert np.shares_memory(luma, pixels)


@pytest.mark.parametrize("length", [0, 29])
def test_a_buffer_that_broke_off_is_refused(length: int) -> None:
    with pytest.raises(FrameError):
        luma_of_bytes(bytes(length), width=6, height=4, stride=8)


@pytest.mark.parametrize("length", [30, 32, 48], ids=["last row without padding", "luma only", "with chroma behind"])
def test_the_luma_plane_of_a_buffer_is_a_view(length: int) -> None:
    buffer = np.arange(length, dtype=np.uint8)
    luma = luma_of_bytes(buffer, width=6, height=4, stride=8)
    assert luma.tolist() == [list(range(row * 8, row * 8 + 6)) for row in range(4)]
    assert np.shares_memory(luma, buffer)


@pytest.mark.parametrize(
    ("box", "grown"),
    [
        (Box(10, 20, 30, 40), Box(5, 15, 35, 45)),
        (Box(0, 1, 100, 50), Box(0, 0, 100, 50)),
        (Box(200, 5, 210, 10), Box(195, 0, 195, 15)),
        (Box(-30, -30, -20, -20), Box(0, 0, 0, 0)),
    ],
)
def test_a_grown_box_lies_in_the_picture_or_is_empty(box: Box, grown: Box) -> None:
    assert box.grown(5, (50, 100)) == grown
