"""``qrgate run reader`` that is fed as fast as it reads: every picture of the recording, in order, none dropped.

A frame's time is that of a camera with 30 frames/s, so that tracks appear and leave as they would. With ``LEAK`` in the
environment, a decoder keeps what it is shown: the proof that the soak would notice.
"""

from __future__ import annotations

import os
import sys
import time
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from device.cli import main
from device.clock import NS, monotonic_ns
from device.reader import service
from device.reader.decoders import DECODERS, Sight, _Entry
from device.reader.decoders.zxing import open_zxing
from device.reader.feed import Feed
from device.reader.frame import Frame, Luma
from device.reader.sources import SOURCES
from device.reader.sources import _Entry as _SourceEntry
from device.reader.sources.recording import Recording
from device.settings import Reader, SourceKind

LEAK = "QRGATE_SOAK_LEAK_BYTES"
TURN_S = 0.0003
CAMERA_FRAMES_PER_S = 30

kept: list[bytes] = []


class PatientFeed(Feed):
    """Asks the source only when the last frame was taken."""

    def _pass_on(self) -> None:
        while not self._mailbox.empty and not self._stopping.is_set():
            time.sleep(TURN_S)
        super()._pass_on()


class Endless:
    """The recording again and again."""

    ended = False
    dropped = 0

    def __init__(self, folder: Path) -> None:
        self._recording = Recording.open(folder)
        self._numbers = count()
        self._started_ns = monotonic_ns()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    def next(self, timeout_s: float) -> Frame | None:  # noqa: ARG002  there always is one
        number, schedule = next(self._numbers), self._recording.schedule
        return Frame(self._recording.planes[schedule[number % len(schedule)]], number, self._started_ns + number * NS // CAMERA_FRAMES_PER_S)


class Leaking:
    def __init__(self, **kind: bool) -> None:
        self._decoder = open_zxing(**kind)

    def read(self, luma: Luma) -> Sight:
        kept.append(os.urandom(int(os.environ[LEAK])))
        return self._decoder.read(luma)


def open_endless(settings: Reader) -> Endless:
    return Endless(Path(settings.path))


def open_leaking(**kind: bool) -> Leaking:
    return Leaking(**kind)


if __name__ == "__main__":
    vars(service)["Feed"] = PatientFeed
    SOURCES[SourceKind.RECORDING] = _SourceEntry("tests.soak.reader:open_endless", "")
    if LEAK in os.environ:
        DECODERS["zxing"] = _Entry("tests.soak.reader:open_leaking", "")
    sys.exit(main())
