"""The reader's loop on a scan module: texts → tracks → the gate. A module that is pulled out or falls silent is waited for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from device.clock import NS, monotonic_ns
from device.domain import Track
from device.errors import ScannerError
from device.links import EyesState, ReaderState
from device.notify import ALIVE, READY, notify
from device.reader.scanners.held import Held
from device.reader.scanners.session import Counts, Session
from device.reader.speaker import Speaker

log = logging.getLogger("qrgate.reader")

WAIT_S = 0.1
RETRY_MIN_NS, RETRY_MAX_NS = NS // 5, 2 * NS
"""A USB adaptor is back 0.6 to 1.5 s after it was plugged in (measured); a stale name may stand there before."""
ALIVE_NS = NS


class ScanLoop:
    """Owns the session with the module, which it opens and opens again. One thread."""

    def __init__(
        self,
        open_session: Callable[[Counts], Session],
        held: Held,
        speaker: Speaker,
        *,
        quiet_s: float,
        clock: Callable[[], int] = monotonic_ns,
        alive: Callable[[str], None] = notify,
    ) -> None:
        """``quiet_s``: so long a module may send nothing while a code is held before it (``scanner.left_after_s``)."""
        self._open = open_session
        self._held = held
        self._speaker = speaker
        self._quiet_ns = round(quiet_s * NS)
        self._clock = clock
        self._alive = alive
        self._counts = Counts()
        self._session: Session | None = None
        self._working = False  # as of the last step
        self._since_ns: int | None = None  # when the module worked first
        self._retry_ns = 0  # when
        self._pause_ns = RETRY_MIN_NS  # how long from then to the next
        self._alive_ns = 0

    def run(self, stopping: threading.Event) -> None:
        """Until ``stopping`` is set.

        Raises:
            HardwareError: the module does not take a setting; or at the start it is not there, or does not answer.
        """
        try:
            while not stopping.is_set():
                if not self.step():
                    stopping.wait(WAIT_S)
        finally:
            if self._session is not None:
                self._session.close()

    def step(self) -> bool:
        """One turn: what the module sent goes to the gate. ``False`` where there is no module to wait at.

        Raises:
            HardwareError: as ``run``.
        """
        try:
            texts = self._texts()
        except ScannerError as error:
            if self._since_ns is None:
                raise
            self._lose(error)
            texts = []
        for payload in texts:
            self._speak(self._held.read(payload, at_ns=self._clock()))
        self._mind()
        return self._session is not None

    def _texts(self) -> list[bytes]:
        if self._session is None:
            if self._clock() < self._retry_ns:
                return []
            self._session = self._open(self._counts)
        texts = self._session.step()
        if self._session.ready and not self._working:
            self._regain()
        return texts

    def _regain(self) -> None:
        now_ns = self._clock()
        self._working, self._pause_ns = True, RETRY_MIN_NS
        self._held.resume(now_ns)
        if self._since_ns is None:
            self._since_ns = now_ns
            self._alive(READY)
        else:
            log.info("the scan module is back")

    def _lose(self, error: ScannerError) -> None:
        if self._working:
            log.warning("%s; it is tried again", error.what)
        if self._session is not None:
            self._session.close()
            self._session = None
        self._working = False
        self._retry_ns = self._clock() + self._pause_ns
        self._pause_ns = min(2 * self._pause_ns, RETRY_MAX_NS)

    def _mind(self) -> None:
        """What is due whether or not a text came: leaving, heartbeats, the watchdog."""
        if self._since_ns is None:
            return
        now_ns = self._clock()
        self._speak(self._held.tick(now_ns) if self._working else self._held.view())
        mood = EyesState.OK if self._working else EyesState.NO_FRAMES
        if self._speaker.due(mood):
            counts = self._counts
            self._speaker.state(ReaderState(mood, counts.texts, counts.unheard, counts.answers, counts.failures))
        if (self._session is None or self._session.well) and now_ns - self._alive_ns >= ALIVE_NS:
            # While the module answers, and while this loop looks for one that is gone, which no restart would bring back sooner: each of its
            # steps has a limit. One that owes an answer is given up after three, or is the watchdog's.
            self._alive(ALIVE)
            self._alive_ns = now_ns

    def _speak(self, tracks: tuple[Track, ...]) -> None:
        """Say what is in view. Nothing is said of an empty view before a code that is held would have been sent again: it
        would tell the gate that what the former reader saw has left.
        """
        assert self._since_ns is not None  # noqa: S101
        if tracks or self._counts.texts or self._clock() - self._since_ns >= self._quiet_ns:
            self._speaker.view(tracks)
