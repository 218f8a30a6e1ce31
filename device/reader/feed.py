"""The source's own thread: frames go from the source into the mailbox, as they come."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from device.errors import FrameError, HardwareError
from device.reader.frame import Frame
from device.reader.mailbox import Latest
from device.reader.sources import FrameSource

WAIT_S = 0.5
"""How long the source is asked to wait; so long may it take to stop."""

STOP_S = 10.0


class Feed:
    """Runs ``source`` (entered by the caller) in a thread while the ``with`` block lasts."""

    def __init__(self, source: FrameSource, *, frames_per_s: float) -> None:
        self._source = source
        self._wait_s = max(WAIT_S, 2 / frames_per_s)
        self._mailbox: Latest[Frame] = Latest(lambda frame: frame.release())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._pump, name="source", daemon=True)
        self._error: Exception | None = None
        self.frames = 0
        self.failures = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Raises HardwareError where the source hangs: its device cannot be closed then, and the process must end."""
        self._stopping.set()
        self._mailbox.close()
        self._thread.join(STOP_S)
        self._mailbox.discard()
        if self._thread.is_alive():
            raise HardwareError(f"the frame source hangs for {STOP_S:g} s", hint="unplug the camera; if that does not help, restart the machine")

    @property
    def dropped(self) -> int:
        """Frames that nobody had time for."""
        return self._mailbox.replaced + self._source.dropped

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame, or ``None`` when there was none within ``timeout_s``; the caller releases it."""
        return self._mailbox.take(timeout_s)

    def over(self) -> bool:
        """Has the source ended, and its last frame been taken?

        Raises:
            HardwareError: the source failed.
        """
        if self._thread.is_alive() or not self._mailbox.empty:
            return False
        if self._error is not None:
            raise self._error
        return True

    def _pump(self) -> None:
        try:
            while not self._stopping.is_set() and not self._source.ended:
                self._pass_on()
        except Exception as error:  # noqa: BLE001  carried to the thread that takes the frames: over() raises it
            self._error = error
        finally:
            self._mailbox.close()

    def _pass_on(self) -> None:
        try:
            frame = self._source.next(self._wait_s)
        except FrameError:
            self.failures += 1
            self._stopping.wait(1 / 1000)  # a camera that gives nothing but broken frames must not fill a processor
            return
        if frame is not None:
            self.frames += 1
            self._mailbox.put(frame)
