"""Buffers for the virtual camera, in place of picamera2's own, which come from /dev/dma_heap."""

from __future__ import annotations

import importlib
import mmap
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from device.reader.frame import Luma
from device.reader.sources.picamera2 import BUFFERS


class Sync:
    """A buffer while it is read: mapped all the time, as picamera2's own allocator does it on a Pi."""

    def __init__(self, buffers: Buffers, frame_buffer: Any, _write: bool) -> None:
        self._buffers, self._frame_buffer = buffers, frame_buffer

    def __enter__(self) -> mmap.mmap:
        return self._buffers.mapped_buffers[self._frame_buffer]

    def __exit__(self, *error: object) -> None:
        return


class Buffers:
    """An allocator: NV12 in memory files, one descriptor and two planes a buffer."""

    needs_sync = False

    def __init__(self) -> None:
        self.sync = Sync
        self.mapped_buffers: dict[Any, mmap.mmap] = {}
        self.held = 0  # buffers in completed requests that nobody released
        self._of_stream: dict[Any, list[Any]] = {}
        self._files: list[int] = []

    def allocate(self, libcamera_config: Iterable[Any], _use_case: str | None) -> None:
        self.close()
        for stream in libcamera_config:
            # libcamera's virtual camera says 4, whatever was asked for, and takes any number.
            self._of_stream[stream.stream] = [self._buffer(stream) for _ in range(max(stream.buffer_count, BUFFERS))]

    def _buffer(self, stream: Any) -> Any:
        libcamera = importlib.import_module("libcamera")
        file = os.memfd_create("frame", os.MFD_CLOEXEC)
        self._files.append(file)
        os.ftruncate(file, stream.frame_size)
        luma_size = stream.stride * stream.size.height
        planes = []
        for offset, length in ((0, luma_size), (luma_size, stream.frame_size - luma_size)):
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = file, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        self.mapped_buffers[buffer] = mmap.mmap(file, stream.frame_size)
        return buffer

    def buffers(self, stream: Any) -> list[Any]:
        return self._of_stream[stream]

    def acquire(self, _buffers: Mapping[Any, Any]) -> None:
        self.held += 1

    def release(self, _buffers: Mapping[Any, Any]) -> None:
        self.held -= 1

    def close(self) -> None:
        for file in self._files:
            os.close(file)
        self._of_stream, self._files, self.mapped_buffers = {}, [], {}  # a mapping ends with its last view

    def __del__(self) -> None:
        self.close()  # picamera2 only lets go of its allocator

    def owners(self, luma: Luma) -> int:
        """How many of these buffers does ``luma`` lie in?"""
        return sum(np.shares_memory(luma, np.frombuffer(mapped, np.uint8)) for mapped in self.mapped_buffers.values())
