"""The last few frames, kept in the camera's own buffers: the second chance looks back at them when it averages."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from device.reader.frame import Frame

FRAMES_KEPT = 6
"""Averaging six frames takes away 60 % of the noise; a swaying hand is still the same hand 0.2 s later."""


class Recent:
    """At most ``FRAMES_KEPT`` frames of one size, oldest first. Owns them: each is released when it falls out. No pixel is copied."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()

    @property
    def frames(self) -> Sequence[Frame]:
        return self._frames

    def keep(self, frame: Frame) -> None:
        """Take over ``frame``."""
        if self._frames and self._frames[-1].luma.shape != frame.luma.shape:
            self.clear()
        self._frames.append(frame)
        while len(self._frames) > FRAMES_KEPT:
            self._frames.popleft().release()

    def clear(self) -> None:
        """Release all of them: nothing moves any more, or the camera is to be closed."""
        while self._frames:
            self._frames.popleft().release()
