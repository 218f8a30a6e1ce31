"""What is replayed: a video, a folder of pictures in the order they were taken, or a recording. Shown without waiting, none dropped."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from device.clock import NS
from device.errors import HardwareError, UsageError
from device.reader.sources import SOURCES, FrameSource
from device.reader.sources.folder import SUFFIXES, FolderSource
from device.reader.sources.pace import Pace
from device.reader.sources.recording import Recording, RecordingSource
from device.settings import SourceKind

FRAMES_PER_S = 10.0
"""For pictures in a folder, which do not say when they were taken."""

PATIENCE_S = 86_400.0
"""The longest pause between two frames that is jumped over at once."""


class JumpingClock:
    """Time that passes only when somebody waits for it: then all at once."""

    def __init__(self) -> None:
        self.now_ns = NS  # 0 means "not given" to a recording

    def __call__(self) -> int:
        return self.now_ns

    def sleep(self, seconds: float) -> None:
        self.now_ns += round(seconds * NS)

    @property
    def pace(self) -> Pace:
        return Pace(self, self.sleep)


@dataclass(frozen=True, slots=True)
class Material:
    """``frames`` is how many there will be, as far as that is known beforehand."""

    name: str
    kind: SourceKind
    source: FrameSource
    clock: JumpingClock
    frames: int | None


def is_recording(path: Path) -> bool:
    return (path / "recording.json").is_file()


def is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in SUFFIXES


def open_material(path: Path, *, frames_per_s: float | None = None) -> Material:
    """The frames at ``path``, not yet entered; ``frames_per_s`` is for a folder of pictures only.

    Raises:
        UsageError: there is nothing at ``path``, or it keeps its own time.
        HardwareError: it cannot be read, or a library for it is not installed.
    """
    if not path.exists():
        raise UsageError(f"there is nothing at {path}", hint="give a video, a folder of pictures, or the folder of a recording")
    clock = JumpingClock()
    if path.is_dir() and not is_recording(path):
        return _folder(path, frames_per_s or FRAMES_PER_S, clock)
    if frames_per_s is not None:
        raise UsageError(f"{path.name} has its own time stamps", hint="--fps is for a folder of pictures")
    if path.is_dir():
        recording = RecordingSource(path, started_ns=clock(), loop=False, pace=clock.pace)
        return Material(path.resolve().name, SourceKind.RECORDING, recording, clock, len(Recording.open(path).schedule))
    return _video(path, clock)


def _folder(path: Path, frames_per_s: float, clock: JumpingClock) -> Material:
    try:
        from device.reader.picture import read_luma  # noqa: PLC0415  Pillow is no part of what a gate needs
    except ImportError as error:
        raise _missing(SourceKind.FOLDER, error) from None
    source = FolderSource(path, read_luma, frames_per_s=frames_per_s, loop=False, pace=clock.pace)
    frames = sum(is_picture(each) for each in path.iterdir())
    if not frames:
        raise UsageError(f"no pictures in {path}", hint=f"it needs files that end in {', '.join(sorted(SUFFIXES))}, or recording.json")
    return Material(path.resolve().name, SourceKind.FOLDER, source, clock, frames)


def _video(path: Path, clock: JumpingClock) -> Material:
    try:
        from device.reader.sources.video import VideoSource  # noqa: PLC0415  PyAV is no part of what a gate needs
    except ImportError as error:
        raise _missing(SourceKind.VIDEO, error) from None
    return Material(path.name, SourceKind.VIDEO, VideoSource(path, frames_per_s=30, loop=False, pace=clock.pace), clock, None)


def _missing(kind: SourceKind, error: ImportError) -> HardwareError:
    return HardwareError(f"the frame source {kind} cannot be loaded: {error}", hint=SOURCES[kind].install)
