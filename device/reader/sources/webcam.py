"""A webcam, by V4L2 through PyAV."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.error import FFmpegError

from device.clock import NS
from device.errors import HardwareError
from device.reader.frame import Frame
from device.reader.sources.pace import REAL_PACE, Pace
from device.reader.sources.plane import luma_plane
from device.settings import Reader

POLL_S = 0.002
"""ffmpeg's own wait for a frame of a V4L2 device has no limit; so the device is made not to wait, and is asked again."""

OPEN_S = 5.0

HINT = "is it plugged in, free, and may the group video use it? `v4l2-ctl --list-formats-ext` lists its sizes"


class WebcamSource:
    """Frames of a V4L2 device, in a format that has luma by itself wherever the camera offers one."""

    def __init__(self, device: str, *, width: int, height: int, frames_per_s: float, pace: Pace = REAL_PACE) -> None:
        self._device = device
        self._options = {"video_size": f"{width}x{height}", "framerate": f"{frames_per_s:g}"}
        self._pace = pace
        self._number = 0
        self.ended = False
        self.dropped = 0

    def __enter__(self) -> Self:
        """Raises HardwareError where there is no such device, it does not give that size, or it stays silent."""
        self._container = _Opening(self._device, self._options).result(OPEN_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._container.close()

    def next(self, timeout_s: float) -> Frame | None:
        give_up_ns = self._pace.clock() + int(timeout_s * NS)
        while True:
            picture = self._try_next()
            now_ns = self._pace.clock()
            if picture is not None:
                number, self._number = self._number, self._number + 1
                return Frame(luma_plane(picture), number, _taken_ns(picture, now_ns))
            if now_ns >= give_up_ns:
                return None
            self._pace.sleep(POLL_S)

    def _try_next(self) -> av.VideoFrame | None:
        """A picture if the device has one by now."""
        try:
            # A generator that raised is finished, so each try has its own; the container keeps its place.
            packet = next(self._container.demux(video=0), None)
            if packet is None or not packet.size:
                raise HardwareError(f"the webcam {self._device} ended", hint="plug it in again; a longer cable or a hub may be too weak")
            pictures = packet.decode()
        except BlockingIOError:
            return None
        except FFmpegError as error:
            raise HardwareError(f"the webcam {self._device} broke off: {error.strerror}", hint="plug it in again") from None
        return pictures[-1] if pictures and isinstance(pictures[-1], av.VideoFrame) else None


class _Opening(threading.Thread):
    """Opens the device aside: ffmpeg waits for a first frame, for ever if the camera is silent."""

    def __init__(self, device: str, options: dict[str, str]) -> None:
        super().__init__(name="webcam-open", daemon=True)
        self._device, self._options = device, options
        self._container: InputContainer | None = None
        self._error = "it stays silent"

    def run(self) -> None:
        try:
            container = av.open(self._device, format="v4l2", options=self._options)
            do_not_wait(Path(self._device))
            self._container = container
        except (FFmpegError, OSError, ValueError) as error:
            self._error = getattr(error, "strerror", None) or str(error)

    def result(self, timeout_s: float) -> InputContainer:
        self.start()
        self.join(timeout_s)
        if self._container is None:
            raise HardwareError(f"no webcam at {self._device}: {self._error}", hint=HINT)
        return self._container


def do_not_wait(device: Path) -> None:
    """Every descriptor of this process that is ``device`` answers "not yet" instead of waiting (O_NONBLOCK)."""
    number = device.stat().st_rdev
    for each in Path("/proc/self/fd").iterdir():
        try:
            if os.fstat(int(each.name)).st_rdev == number:
                os.set_blocking(int(each.name), False)
        except OSError:
            continue  # closed since: the one that lists this folder is


def _taken_ns(picture: av.VideoFrame, now_ns: int) -> int:
    """The kernel stamps frames by the monotonic clock; a driver that does not is known by an impossible age."""
    if picture.pts is not None and picture.time_base is not None:
        stamp_ns = int(picture.pts * picture.time_base * NS)
        if 0 <= now_ns - stamp_ns < NS:
            return stamp_ns
    return now_ns


def open_webcam(settings: Reader) -> WebcamSource:
    if not settings.path:
        raise HardwareError("no webcam is named", hint='set reader.path to its device, such as "/dev/video0"')
    return WebcamSource(settings.path, width=settings.width, height=settings.height, frames_per_s=settings.frames_per_s)
