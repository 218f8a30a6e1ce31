"""The reader's loop: newest frame → has anything changed? → decoder chain → tracks → the gate."""

from __future__ import annotations

import threading
from collections.abc import Callable

from device.clock import NS, monotonic_ns
from device.domain import Track
from device.links import EyesState, ReaderState
from device.notify import ALIVE, notify
from device.reader.chain import Chain
from device.reader.change import ChangeDetector
from device.reader.feed import Feed
from device.reader.frame import Frame
from device.reader.speaker import Speaker
from device.reader.tracks import Tracks

FRAMES_A_LOOK = 10
"""A look is due at every tenth frame at the latest, so that a change detector that is wrong delays but never prevents."""

WAIT_S = 0.1
"""How long the loop waits for a frame before it minds its heartbeats and whether it is to stop."""

SILENCE_NS = 2 * NS
ALIVE_NS = NS
FAREWELL_S = 1.0


class Loop:
    """Owns no device: everything it uses is handed in. One thread."""

    def __init__(
        self,
        feed: Feed,
        chain: Chain,
        tracks: Tracks,
        speaker: Speaker,
        *,
        clock: Callable[[], int] = monotonic_ns,
        alive: Callable[[str], None] = notify,
    ) -> None:
        self._feed = feed
        self._chain = chain
        self._tracks = tracks
        self._speaker = speaker
        self._clock = clock
        self._alive = alive
        self._detector = ChangeDetector()
        self._unlooked = FRAMES_A_LOOK
        self._frame_ns = clock()  # when the last frame came
        self._alive_ns = 0
        self._looks = 0

    def run(self, stopping: threading.Event) -> None:
        """Until ``stopping`` is set or the source ends.

        Raises:
            HardwareError: the source failed.
        """
        while not stopping.is_set():
            frame = self._feed.take(WAIT_S)
            if frame is not None:
                self.step(frame)
            elif self._feed.over():
                self._end(stopping)
                return
            else:
                self._speak(self._tracks.view(), self._mood())

    def step(self, frame: Frame) -> None:
        """One frame, from the mailbox to the gate. The frame is released as soon as its pixels were read."""
        self._frame_ns = self._clock()
        try:
            tracks = self._look(frame)
        finally:
            frame.release()
        self._speak(tracks, EyesState.OK)
        if self._frame_ns - self._alive_ns >= ALIVE_NS:
            # Only from here: a camera that gives no frames must not keep the watchdog quiet.
            self._alive(ALIVE)
            self._alive_ns = self._frame_ns

    def _look(self, frame: Frame) -> tuple[Track, ...]:
        changed = self._detector.changed(frame.luma)
        self._unlooked += 1
        if not changed and self._unlooked < FRAMES_A_LOOK:
            return self._tracks.view()
        self._unlooked = 0
        self._looks += 1
        readings = self._chain.read(frame.luma, moving=changed, in_view=self._tracks.in_view)
        return self._tracks.look(readings, frame=frame.number, frame_ns=frame.taken_ns, decoded_ns=self._clock())

    def _speak(self, tracks: tuple[Track, ...], mood: EyesState) -> None:
        if self._looks:  # an empty view before the first look would say that whatever the former reader saw has left
            self._speaker.view(tracks)
        if self._speaker.due(mood):  # asked first: counting costs more than not speaking
            self._speaker.state(self._state(mood))

    def _mood(self) -> EyesState:
        return EyesState.NO_FRAMES if self._clock() - self._frame_ns >= SILENCE_NS else EyesState.OK

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
