from __future__ import annotations

import av
import numpy as np
import pytest

from device.reader.sources.plane import luma_plane

LUMA = np.random.default_rng(9).integers(16, 236, (6, 10), dtype=np.uint8)


def planar(pixel_format: str, more_rows: int) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.vstack([LUMA, np.full((more_rows, 10), 128, np.uint8)]), format=pixel_format)


def packed() -> av.VideoFrame:
    pixels = np.full((6, 10, 2), 128, np.uint8)
    pixels[:, :, 0] = LUMA
    return av.VideoFrame.from_ndarray(pixels, format="yuyv422")


@pytest.mark.parametrize(
    "frame", [planar("yuv420p", 3), planar("yuvj420p", 3), planar("nv12", 3), planar("gray", 0), packed()], ids=lambda frame: frame.format.name
)
def test_the_luma_of_a_camera_format_is_exact(frame: av.VideoFrame) -> None:
    assert luma_plane(frame).tolist() == LUMA.tolist()


def test_a_format_without_luma_is_turned_grey() -> None:
    grey = np.repeat(np.array([[0, 255], [255, 0]], np.uint8)[:, :, None], 3, axis=2)
    assert luma_plane(av.VideoFrame.from_ndarray(grey, format="rgb24")).tolist() == [[0, 255], [255, 0]]
