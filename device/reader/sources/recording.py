"""A recording, played by the clock: frame i is shown from ``started_ns`` + i / frames_per_s on.

A folder with ``recording.json`` {"version": 1, "width", "height", "frames_per_s", "schedule": [plane number of
each played frame]} and ``planes.u8``, planes of height x width bytes, memory-mapped. A reader that was killed and
comes back goes on where a camera would be by now.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from device.clock import NS
from device.errors import HardwareError
from device.reader.frame import Frame, luma_of
from device.reader.sources.pace import REAL_PACE, Pace
from device.settings import Reader

HINT = "`qrgate demo` makes a recording; give its folder as reader.path"
SIDE_MAX = 8192
FRAMES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording on disk, checked. ``planes`` is n x height x width, read-only, mapped from the file."""

    planes: NDArray[np.uint8]
    schedule: tuple[int, ...]
    frames_per_s: float

    @classmethod
    def open(cls, folder: Path) -> Recording:
        """Raises HardwareError where the folder is missing or not as the format says."""
        try:
            head: Any = json.loads((folder / "recording.json").read_bytes())
            width, height, frames_per_s, schedule = _checked(head)
            planes_file = folder / "planes.u8"
            number, rest = divmod(planes_file.stat().st_size, width * height)
            if rest or number <= max(schedule):
                raise ValueError("planes.u8 does not hold the planes of the schedule")  # noqa: TRY301
            planes = np.memmap(planes_file, np.uint8, mode="r", shape=(number, height, width))
        except OSError as error:
            raise HardwareError(f"no recording at {folder}: {error.strerror}", hint=HINT) from None
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise HardwareError(f"the recording at {folder} is broken: {error!r}", hint=HINT) from None
        return cls(planes.view(np.ndarray), schedule, frames_per_s)


def _checked(head: Any) -> tuple[int, int, float, tuple[int, ...]]:
    """Raises ValueError, TypeError or KeyError: the caller says where."""
    width, height, frames_per_s, schedule = head["width"], head["height"], head["frames_per_s"], head["schedule"]
    if head["version"] != 1:
        raise ValueError("not version 1")
    if not all(type(side) is int and 1 <= side <= SIDE_MAX for side in (width, height)):
        raise ValueError("width or height out of range")
    if type(frames_per_s) not in (int, float) or not 0.1 <= frames_per_s <= 1000:
        raise ValueError("frames_per_s out of range")
    if not 1 <= len(schedule) <= FRAMES_MAX or not all(type(plane) is int and plane >= 0 for plane in schedule):
        raise ValueError("schedule")
    return width, height, float(frames_per_s), tuple(schedule)


class RecordingSource:
    """Plays one recording; a frame is a view of the file, and its ``taken_ns`` the moment it was due."""

    def __init__(self, folder: Path, *, started_ns: int, loop: bool, pace: Pace = REAL_PACE) -> None:
        self._recording = Recording.open(folder)
        self._started_ns = started_ns
        self._loop = loop
        self._pace = pace
        self._next = -1  # until the first frame is asked for
        self.dropped = 0

    def __enter__(self) -> Self:
        self._started_ns = self._started_ns or self._pace.clock()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    @property
    def ended(self) -> bool:
        return not self._loop and max(self._next, self._current()) >= len(self._recording.schedule)

    def next(self, timeout_s: float) -> Frame | None:
        if self.ended:
            return None
        current = max(self._current(), 0)
        if self._next < 0:
            self._next = current  # a camera shows what is, not what was
        if not self._pace.reach(self._due_ns(self._next), timeout_s):
            return None
        due = max(self._current(), self._next)
        if due >= len(self._recording.schedule) and not self._loop:
            return None
        self.dropped += due - self._next
        self._next = due + 1
        number = due % len(self._recording.schedule)
        planes = self._recording.planes
        luma = luma_of(planes[self._recording.schedule[number]], width=planes.shape[2], height=planes.shape[1])
        return Frame(luma, number, self._due_ns(due))

    def _current(self) -> int:
        """Index of the frame that a camera would show now; negative before the start."""
        return int((self._pace.clock() - self._started_ns) * self._recording.frames_per_s // NS)

    def _due_ns(self, index: int) -> int:
        """The first nanosecond at which ``index`` is the current frame."""
        return self._started_ns - int(-index * NS // self._recording.frames_per_s)


def open_recording(settings: Reader) -> RecordingSource:
    return RecordingSource(Path(settings.path), started_ns=settings.started_ns, loop=settings.loop)
