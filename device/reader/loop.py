"""The reader's loop: newest frame → has anything changed? → decoder chain → tracks → the gate."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from device.clock import NS, monotonic_ns
from device.domain import Track
from device.links import EyesState, ReaderState
from device.notify import ALIVE, notify
from device.reader.chain import Chain, Look
from device.reader.change import Change
from device.reader.feed import Feed
from device.reader.frame import Frame
from device.reader.optics.exposure import HandExposure
from device.reader.optics.optics import Optics
from device.reader.recent import Recent
from device.reader.speaker import Speaker
from device.reader.steady import SteadyDetector
from device.reader.tracks import Tracks

FRAMES_A_LOOK = 10
"""A look is due at every tenth frame at the latest, so that a change detector that is wrong delays but never prevents."""

WAIT_S = 0.1
"""How long the loop waits for a frame before it minds its heartbeats and whether it is to stop."""

ALIVE_NS = NS
FAREWELL_S = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the loop made of one frame, for whoever watches it work (``qrgate replay``, the benchmark).

    ``look`` is ``None`` where the frame was passed over, since nothing had changed. ``frame`` is valid while it is told.
    """

    frame: Frame
    change: Change
    look: Look | None
    tracks: tuple[Track, ...]
    eyes: EyesState


class Loop:
    """Owns no device: everything it uses is handed in. One thread."""

    def __init__(  # noqa: PLR0913  it owns nothing, so all is handed in
        self,
        feed: Feed,
        chain: Chain,
        tracks: Tracks,
        speaker: Speaker,
        *,
        clock: Callable[[], int] = monotonic_ns,
        alive: Callable[[str], None] = notify,
        observe: Callable[[Seen], None] | None = None,
        optics: Optics | None = None,
        exposure: HandExposure | None = None,
    ) -> None:
        """``exposure`` sets the camera's, where it can be set."""
        self._feed = feed
        self._chain = chain
        self._tracks = tracks
        self._speaker = speaker
        self._clock = clock
        self._alive = alive
        self._observe = observe
        self._optics = optics or Optics()
        self._exposure = exposure
        self._recent = Recent()
        self._detector = SteadyDetector()
        self._unlooked = FRAMES_A_LOOK
        self._frame_ns = clock()  # when the last frame came
        self._alive_ns = 0
        self._looks = 0

    def run(self, stopping: threading.Event) -> None:
        """Until ``stopping`` is set or the source ends.

        Raises:
            HardwareError: the source failed.
        """
        try:
            while not stopping.is_set():
                frame = self._feed.take(WAIT_S)
                if frame is not None:
                    self.step(frame)
                elif self._feed.over():
                    self._end(stopping)
                    return
                else:
                    self._wait()
        finally:
            self._recent.clear()

    def step(self, frame: Frame) -> None:
        """One frame, from the mailbox to the gate. It is released when nothing looks back at it any more."""
        self._frame_ns = self._clock()
        self._recent.keep(frame)
        tracks = self._see(frame)
        self._speak(tracks, self._optics.state)
        self._beat(self._frame_ns)

    def _wait(self) -> None:
        """No frame came for a moment, or for long."""
        eyes = self._feed.eyes()
        if eyes is not EyesState.OK:
            self._recent.clear()  # the camera may be closed, and its buffers with it
        if self._looks or eyes is not EyesState.OK:  # a reader that may yet crash at its first frame is not back
            self._speak(self._tracks.view(), self._optics.state if eyes is EyesState.OK else eyes)  # blind wins over badly seeing
        if self._feed.mends:
            self._beat(self._clock())

    def _beat(self, now_ns: int) -> None:
        """Tell the watchdog: at each frame, and while a silent camera is in the hands of the feed.

        Two that mend one camera would disturb each other: the watchdog would end the process amid the third opening, and its
        successor would know nothing of a fault. So silence belongs to the feed, which acts within 2 s and whose every
        call has a limit, beyond which ``over()`` raises and the process ends. The watchdog has what is left: this
        thread, a decoder that does not return, a library that holds the interpreter. A silent file is nobody's: not told.
        """
        if now_ns - self._alive_ns >= ALIVE_NS:
            self._alive(ALIVE)
            self._alive_ns = now_ns

    def _see(self, frame: Frame) -> tuple[Track, ...]:
        look = None
        try:
            change = self._detector.see(frame)
            self._optics.frame(frame)
            self._unlooked += 1
            if change.moved or self._tracks.missing or self._unlooked >= FRAMES_A_LOOK:
                look = self._look(frame, change)
                tracks = self._tracks.look(look.readings, frame=frame.number, frame_ns=frame.taken_ns, decoded_ns=self._clock())
            else:
                tracks = self._tracks.view()
            if self._observe:
                self._observe(Seen(frame, change, look, tracks, self._optics.state))
        except BaseException:
            self._recent.clear()
            raise
        if not change.moved:
            self._recent.clear()
        return tracks

    def _look(self, frame: Frame, change: Change) -> Look:
        self._unlooked = 0
        self._looks += 1
        look = self._chain.read(frame, change, in_view=self._tracks.in_view, recent=self._recent.frames)
        self._optics.look(frame, change, look, self._clock())
        if self._exposure:
            self._exposure.look(frame, change, look)
        return look

    def _speak(self, tracks: tuple[Track, ...], mood: EyesState) -> None:
        if self._looks:  # an empty view before the first look would say that whatever the former reader saw has left
            self._speaker.view(tracks)
        if self._speaker.due(mood):  # asked first: counting costs more than not speaking
            self._speaker.state(self._state(mood))

    def _state(self, mood: EyesState) -> ReaderState:
        failures = self._feed.failures + self._chain.failures + self._tracks.refused
        return ReaderState(mood, self._feed.frames, self._feed.dropped, self._looks, failures)

    def _end(self, stopping: threading.Event) -> None:
        """The source has ended: every track leaves, and the gate is told so if it can be reached soon."""
        tracks = self._tracks.end()
        give_up_ns = self._clock() + int(FAREWELL_S * NS)
        self._speak(tracks, EyesState.ENDED)
        while not self._speaker.told and self._clock() < give_up_ns and not stopping.wait(WAIT_S / 10):
            self._speak((), EyesState.ENDED)
