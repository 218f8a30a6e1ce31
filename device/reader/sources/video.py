"""A video file, played at the pace of its own time stamps (PyAV)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.error import FFmpegError

from device.clock import NS
from device.errors import HardwareError
from device.reader.frame import Frame
from device.reader.sources.pace import REAL_PACE, Pace
from device.reader.sources.plane import luma_plane
from device.settings import Reader

HINT = "set reader.path to a video file that ffmpeg can play"
READ_TIMEOUT_S = 5.0


class VideoSource:
    """Each picture of the first video stream is one frame. With ``loop`` it begins again, numbers going on."""

    def __init__(self, path: Path, *, frames_per_s: float, loop: bool, pace: Pace = REAL_PACE) -> None:
        self._path = path
        self._interval_s = 1 / frames_per_s  # only for pictures without a time stamp
        self._loop = loop
        self._pace = pace
        self._number = 0
        self._started_ns = 0
        self._last_s = -self._interval_s
        self._waiting: tuple[av.VideoFrame, int] | None = None
        self.ended = False
        self.dropped = 0

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()

    def _open(self) -> None:
        try:
            self._container = av.open(str(self._path), timeout=READ_TIMEOUT_S)
        except (FFmpegError, OSError) as error:
            raise HardwareError(f"no video at {self._path}: {error.strerror}", hint=HINT) from None
        if not self._container.streams.video:
            self._container.close()
            raise HardwareError(f"no pictures in {self._path}", hint=HINT)
        self._pictures: Iterator[av.VideoFrame] = self._container.decode(video=0)
        self._started_ns = self._pace.clock()
        self._first_s: float | None = None

    def next(self, timeout_s: float) -> Frame | None:
        if self._waiting is None:
            picture = self._decode()
            if picture is None:
                return None
            self._waiting = picture, self._due_ns(picture)
        picture, due_ns = self._waiting
        if not self._pace.reach(due_ns, timeout_s):
            return None
        self._waiting = None
        number, self._number = self._number, self._number + 1
        return Frame(luma_plane(picture), number, due_ns)

    def _decode(self) -> av.VideoFrame | None:
        """The next picture; ``None`` at the end, which is the beginning when the video is looped."""
        if self.ended:
            return None
        try:
            for picture in self._pictures:
                return picture
        except FFmpegError as error:
            raise HardwareError(f"the video {self._path} is broken: {error.strerror}", hint=HINT) from None
        if self._loop and self._number:
            self._container.close()
            self._open()
        else:
            self.ended = True
        return None

    def _due_ns(self, picture: av.VideoFrame) -> int:
        at_s = picture.time if picture.pts is not None else self._last_s + self._interval_s
        self._last_s = at_s
        if self._first_s is None:
            self._first_s = at_s
        return self._started_ns + round((at_s - self._first_s) * NS)


def open_video(settings: Reader) -> VideoSource:
    return VideoSource(Path(settings.path), frames_per_s=settings.frames_per_s, loop=settings.loop)
