"""Frame sources, one file a kind. A new one is one file and one line in ``SOURCES``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from device.errors import HardwareError
from device.reader.frame import Frame
from device.settings import Reader, SourceKind


class FrameSource(Protocol):
    """Where frames come from; a context manager that owns its device. Used by one thread.

    A camera that fell silent is left and entered again; its frame numbers go on.
    ``ended`` says that no frame will ever come again (a finite source). ``dropped`` counts the frames that the
    source had to pass over, since nobody asked for them in time.
    """

    @property
    def ended(self) -> bool: ...

    @property
    def dropped(self) -> int: ...

    def __enter__(self) -> Self:
        """Open the device. Raises HardwareError, with what to do about it."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def next(self, timeout_s: float) -> Frame | None:
        """The next frame, or ``None`` when there was none within ``timeout_s``; each frame is to be released once.

        Raises:
            FrameError: this one frame is not usable; the source goes on.
            HardwareError: the source is broken.
        """


@dataclass(frozen=True, slots=True)
class _Entry:
    factory: str  # "module:function", resolved only when it is chosen; function(settings) -> FrameSource
    install: str


SOURCES: dict[SourceKind, _Entry] = {
    SourceKind.PICAMERA2: _Entry("device.reader.sources.picamera2:open_picamera2", "on Raspberry Pi OS: apt install python3-picamera2"),
    SourceKind.WEBCAM: _Entry("device.reader.sources.webcam:open_webcam", "pip install av"),
    SourceKind.VIDEO: _Entry("device.reader.sources.video:open_video", "pip install av"),
    SourceKind.FOLDER: _Entry("device.reader.sources.folder:open_folder", "pip install pillow"),
    SourceKind.RECORDING: _Entry("device.reader.sources.recording:open_recording", "pip install numpy"),
}


def open_source(settings: Reader) -> FrameSource:
    """The source that the settings name, not yet entered.

    Raises:
        HardwareError: its library is not installed, or it gives no frames, as a scan module.
    """
    entry = SOURCES.get(settings.source)
    if entry is None:
        raise HardwareError(f"reader.source {settings.source} gives no pictures", hint="this needs a camera, a video or pictures")
    module, _, function = entry.factory.partition(":")
    try:
        make: Callable[[Reader], FrameSource] = getattr(importlib.import_module(module), function)
        return make(settings)
    except ImportError as error:
        raise HardwareError(f"the frame source {settings.source} cannot be loaded: {error}", hint=entry.install) from None
