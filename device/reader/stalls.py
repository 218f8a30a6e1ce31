"""When a camera has stalled, and when it is opened again. Pure: time is passed in.

libcamera may stop delivering after hours, without an error (picamera2 issues 1090, 1275 and 1392); most often a camera
that is closed and opened again delivers once more. Silence has three rungs:

    no frame for 2 s ─▶ NO_FRAMES, closed and opened again
    three times in a row, and no frame in between ─▶ CAMERA_FAULT: a person is needed, most often for a plug or a ribbon
    from then on it is tried at ever longer pauses, at most a minute: the one who reseats the plug sees it heal

One frame ends all of it.
"""

from __future__ import annotations

from device.clock import NS
from device.links import EyesState

SILENT_NS = 2 * NS

INTERVALS = 4
"""A camera that gives a frame a second is slow, and has not stalled."""

IN_A_ROW = 3

PAUSE_MAX_NS = 60 * NS


class Stalls:
    """Of one camera. Told by the thread that asks it for frames; ``eyes`` may be asked by another."""

    def __init__(self, now_ns: int, *, frames_per_s: float) -> None:
        self._limit_ns = max(SILENT_NS, round(INTERVALS * NS / frames_per_s))
        self._frame_ns = now_ns
        self._due_ns = now_ns + self._limit_ns
        self.in_a_row = 0
        """How often it was opened again since its last frame."""

    def frame(self, now_ns: int) -> None:
        """It gave a frame."""
        self._frame_ns, self._due_ns, self.in_a_row = now_ns, now_ns + self._limit_ns, 0

    def broke(self, now_ns: int) -> None:
        """It said that it cannot go on: there is nothing to wait for, unless it was opened again only just now."""
        if not self.in_a_row:
            self._due_ns = now_ns

    def due(self, now_ns: int) -> bool:
        """Is it to be closed and opened again now?"""
        return now_ns >= self._due_ns

    def begin(self) -> None:
        """It is about to be closed and opened again."""
        self.in_a_row += 1

    def done(self, now_ns: int) -> None:
        """It was opened again, or at least that was tried: how long a frame is waited for."""
        beyond = max(0, self.in_a_row - IN_A_ROW + 1)
        self._due_ns = now_ns + min(self._limit_ns << min(beyond, 8), max(PAUSE_MAX_NS, self._limit_ns))

    def eyes(self, now_ns: int) -> EyesState:
        """What the gate is to be told."""
        if self.in_a_row >= IN_A_ROW:
            return EyesState.CAMERA_FAULT
        if self.in_a_row or now_ns - self._frame_ns >= self._limit_ns:
            return EyesState.NO_FRAMES
        return EyesState.OK
