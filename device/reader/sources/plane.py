"""The luma plane of a frame that PyAV decoded; PyAV itself is not needed for that."""

from __future__ import annotations

from typing import Any

import numpy as np

from device.reader.frame import Luma, luma_of, luma_of_bytes

PACKED_LUMA_FIRST = frozenset({"yuyv422", "yvyu422"})
"""Webcam formats in which every second byte is luma, beginning with the first."""


def luma_plane(frame: Any) -> Luma:
    """The luma of ``frame``: a view where the format has a plane for it, else a copy; it keeps the frame alive.

    Raises:
        FrameError: the frame is empty or shorter than it says.
    """
    width, height, name = frame.width, frame.height, frame.format.name
    if name in PACKED_LUMA_FIRST:
        plane = frame.planes[0]
        rows = luma_of_bytes(memoryview(plane), width=2 * width, height=height, stride=plane.line_size)
        return luma_of(np.ascontiguousarray(rows[:, ::2]), width=width, height=height)
    if not (name.startswith(("yuv4", "yuvj4", "nv", "gray")) and frame.format.components[0].bits == 8):
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    return luma_of_bytes(memoryview(plane), width=width, height=height, stride=plane.line_size)
