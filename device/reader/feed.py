"""The source's own thread: it opens the source, puts its frames into the mailbox as they come, mends and closes it.

No other thread ever calls into the source, so a library that hangs holds up this thread alone. The loop, which turns
ten times a second, asks ``over()`` and hears of it: then the process ends, and launcher or systemd starts a new one.

    call          may take            then
    open          ``OPEN_S``          HardwareError; ``END_S`` later the process is ended by its fuse
    next frame    wait + ``HANG_S``   the same (cameras only: a large picture takes as long as it takes)
    close         ``HANG_S``          the same
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Self

from device.clock import NS, monotonic_ns
from device.errors import FrameError, HardwareError
from device.links import EyesState
from device.reader.frame import Frame
from device.reader.fuse import fuse, light
from device.reader.mailbox import Latest
from device.reader.sources import FrameSource
from device.reader.stalls import Stalls

log = logging.getLogger("qrgate.reader")

WAIT_S = 0.5
"""How long the source is asked to wait; so long may it take to stop."""

OPEN_S = 30.0
"""On a small Pi, picamera2 and libcamera take some seconds; systemd allows a start 60 s."""

HANG_S = 10.0
END_S = 5.0
STOP_S = 10.0

GIVE_BACK_S = 5.0
"""A look at a frame is over long before that."""


class Feed:
    """Runs ``source`` (not entered yet) in a thread while the ``with`` block lasts.

    ``mends``: it is a camera, so silence is a stall: it is closed and opened again (``stalls.py``). A file only shows
    what is due, and whoever opened a video again would begin it anew.
    """

    def __init__(self, source: FrameSource, *, frames_per_s: float, mends: bool = False, clock: Callable[[], int] = monotonic_ns) -> None:
        self.mends = mends
        self._source = source
        self._wait_s = max(WAIT_S, 2 / frames_per_s)
        self._clock = clock
        self._stalls = Stalls(clock(), frames_per_s=frames_per_s)
        self._mailbox: Latest[Frame] = Latest(lambda frame: frame.release())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="source", daemon=True)
        self._ready = threading.Event()  # opened, or failed
        self._opened = self._entered = self._sound = False
        # What the thread does, until when it may, and how long that is; one value, for the other thread.
        self._doing: tuple[str, int, float] = ("", 0, 0)
        self._lent = 0
        self._given_back = threading.Condition()
        self._error: Exception | None = None
        self.frames = 0
        self.failures = 0

    def __enter__(self) -> Self:
        """Raises HardwareError where the source cannot be opened, or takes too long for that."""
        self._thread.start()
        if not self._ready.wait(OPEN_S):
            raise HardwareError(f"the frame source hangs: it opens for more than {OPEN_S:g} s", hint="unplug the camera and plug it in again")
        if self._error is not None and not self._opened:
            raise self._error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Raises HardwareError where the source hangs: its device cannot be closed then, and the process must end."""
        self._stopping.set()
        self._mailbox.close()
        self._mailbox.discard()
        if self._hang() is None:
            self._thread.join(STOP_S)
        if self._thread.is_alive() and error is None:
            raise HardwareError(f"the frame source hangs for {STOP_S:g} s", hint="unplug the camera; if that does not help, restart the machine")

    @property
    def dropped(self) -> int:
        """Frames that nobody had time for."""
        return self._mailbox.replaced + self._source.dropped

    def take(self, timeout_s: float) -> Frame | None:
        """The newest frame, or ``None`` when there was none within ``timeout_s``; the caller releases it.

        Whoever keeps frames gives them back when ``eyes()`` is not OK: a camera is closed only when it has all of them.
        """
        return self._mailbox.take(timeout_s)

    def over(self) -> bool:
        """Has the source ended, and its last frame been taken?

        Raises:
            HardwareError: the source failed, or hangs.
        """
        if (hang := self._hang()) is not None:
            if self.mends:
                light(END_S)
            raise hang
        if self._thread.is_alive() or not self._mailbox.empty:
            return False
        if self._error is not None:
            raise self._error
        return True

    def eyes(self) -> EyesState:
        """OK, NO_FRAMES or CAMERA_FAULT."""
        return self._stalls.eyes(self._clock())

    def _hang(self) -> HardwareError | None:
        doing, until_ns, allowed_s = self._doing
        if not until_ns or self._clock() < until_ns:
            return None
        return HardwareError(f"the frame source hangs: it {doing} for more than {allowed_s:g} s", hint="the reader starts again; see its log")

    # --- in the source's thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._open()
            self._stalls.frame(self._clock())  # its time counts from here
            self._opened = True
            self._ready.set()
            while not self._stopping.is_set() and not self._source.ended:
                self._turn()
        except Exception as error:  # noqa: BLE001  carried to the thread that takes the frames: over() raises it
            self._error = error
        finally:
            self._mailbox.close()
            self._close_finally()
            self._ready.set()

    def _turn(self) -> None:
        if self.mends and self._stalls.due(self._clock()):
            self._mend()
        elif self._sound:
            self._pass_on()
        else:
            self._stopping.wait(self._wait_s)  # until it is to be opened again

    def _pass_on(self) -> None:
        try:
            with self._at_most(self._wait_s + HANG_S, "owes a frame") if self.mends else nullcontext():
                frame = self._source.next(self._wait_s)
        except FrameError:
            self.failures += 1
            self._stopping.wait(1 / 1000)  # a camera that gives nothing but broken frames must not fill a processor
            return
        except HardwareError as error:
            if not self.mends:
                raise
            log.error("%s", error)
            self._sound = False
            self._stalls.broke(self._clock())
            return
        if frame is not None:
            self._stalls.frame(self._clock())
            self.frames += 1
            self._mailbox.put(self._lend(frame))

    def _lend(self, frame: Frame) -> Frame:
        """``frame``, known to be out until it is released."""
        with self._given_back:
            self._lent += 1

        def release() -> None:
            frame.release()
            with self._given_back:
                self._lent -= 1
                self._given_back.notify_all()

        return replace(frame, release=release)

    def _mend(self) -> None:
        """Close the camera and open it again; where that fails, it is tried again when it is due."""
        self._stalls.begin()
        log.warning("no frame comes: the camera is closed and opened again (time %d in a row)", self._stalls.in_a_row)
        self._mailbox.discard()
        self._await_frames()
        try:
            self._close()
        except HardwareError as error:
            log.error("%s", error)
        try:
            if not self._stopping.is_set():
                self._open()
        except HardwareError as error:
            log.error("%s", error)
        self._stalls.done(self._clock())

    def _await_frames(self) -> None:
        """Raises HardwareError where frames stay out: closing unmaps their memory while somebody may read it, which ends in a crash."""
        with self._given_back:
            if not self._given_back.wait_for(lambda: self._lent == 0, GIVE_BACK_S):
                raise HardwareError(f"{self._lent} frames were not given back for {GIVE_BACK_S:g} s", hint="the reader starts again; report this")

    def _open(self) -> None:
        with self._at_most(OPEN_S, "opens"), self._fused(OPEN_S):
            self._source.__enter__()
        self._entered = self._sound = True

    def _close(self) -> None:
        if self._entered:
            self._entered = self._sound = False
            with self._at_most(HANG_S, "closes"), self._fused(HANG_S):
                self._source.__exit__(None, None, None)

    def _close_finally(self) -> None:
        try:
            self._close()
        except Exception as error:  # noqa: BLE001  as above
            self._error = self._error or error

    @contextmanager
    def _at_most(self, seconds: float, doing: str) -> Iterator[None]:
        """Let ``over()`` know when the block takes longer."""
        self._doing = (doing, self._clock() + round(seconds * NS), seconds)
        try:
            yield
        finally:
            self._doing = ("", 0, 0)

    @contextmanager
    def _fused(self, seconds: float) -> Iterator[None]:
        with fuse(seconds + END_S) if self.mends else nullcontext():
            yield
