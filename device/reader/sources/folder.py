"""A folder of pictures, shown in the order of their names at the pace asked for.

Each picture is one moment, as a camera would have seen it: the same code in the next picture is still the same presentation.
It has left only when three looks and ``left_after_s`` have passed without it: at 10 frames/s and 0.6 s, after six pictures that
do not show it. Whoever wants two presentations of one code puts that many empty pictures between them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from device.clock import NS
from device.errors import HardwareError
from device.reader.frame import Frame, Luma
from device.reader.sources.pace import REAL_PACE, Pace
from device.settings import Reader

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm"})


class FolderSource:
    """Each picture is one frame, of its own size. A broken one is a FrameError of ``read``, and the next one follows."""

    def __init__(self, folder: Path, read: Callable[[Path], Luma], *, frames_per_s: float, loop: bool, pace: Pace = REAL_PACE) -> None:
        self._folder = folder
        self._read = read
        self._interval_ns = round(NS / frames_per_s)
        self._loop = loop
        self._pace = pace
        self._pictures: list[Path] = []
        self._shown = 0
        self._due_ns = 0
        self.dropped = 0

    def __enter__(self) -> Self:
        """Raises HardwareError where there is no such folder, or no picture in it."""
        try:
            self._pictures = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
        except OSError as error:
            raise HardwareError(f"no pictures at {self._folder}: {error.strerror}", hint="set reader.path to a folder of pictures") from None
        if not self._pictures:
            raise HardwareError(f"no pictures in {self._folder}", hint=f"it needs files that end in {', '.join(sorted(SUFFIXES))}")
        self._due_ns = self._pace.clock()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    @property
    def ended(self) -> bool:
        return not self._loop and self._shown >= len(self._pictures)

    def next(self, timeout_s: float) -> Frame | None:
        if self.ended or not self._pace.reach(self._due_ns, timeout_s):
            return None
        number, taken_ns = self._shown, max(self._due_ns, self._pace.clock())
        self._shown += 1
        self._due_ns = taken_ns + self._interval_ns
        return Frame(self._read(self._pictures[number % len(self._pictures)]), number, taken_ns)


def open_folder(settings: Reader) -> FolderSource:
    """Raises ImportError where Pillow is not installed."""
    from device.reader.picture import read_luma  # noqa: PLC0415  Pillow is needed only where pictures are files

    return FolderSource(Path(settings.path), read_luma, frames_per_s=settings.frames_per_s, loop=settings.loop)
