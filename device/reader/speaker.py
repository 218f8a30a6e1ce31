"""What the reader says to the gate, over a link that may be gone for a while."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from device import links
from device.clock import NS, monotonic_ns
from device.domain import Track, TrackState
from device.errors import LinkError
from device.links import Link, ReaderState, View
from device.reader.tracks import TRACKS_MAX

STILL, LEFT = TrackState.STILL, TrackState.LEFT

HEARTBEAT_NS = NS // 2
STATE_NS = NS
LISTEN_NS = NS // 10
"""Nothing is ever said on this link but its end; asking the kernel at every frame would cost more than a track does."""
RETRY_MIN_NS = NS // 20
RETRY_MAX_NS = NS // 2
"""A gate that is back is told within half a second what is in view."""


class Speaker:
    """Sends views and states; connects again by itself, and then owes the whole view.

    Nothing is queued for a gate that is away: a view is whole, so the next one mends the loss of all before it.
    """

    def __init__(self, connect: Callable[[], Link], *, clock: Callable[[], int] = monotonic_ns) -> None:
        self._connect = connect
        self._clock = clock
        self._link: Link | None = None
        self._retry_ns = 0  # when
        self._pause_ns = RETRY_MIN_NS  # how long from then to the next
        self._left: tuple[Track, ...] = ()  # not told yet: the gate was slow
        self._owed = True
        self._view_ns = self._state_ns = self._listened_ns = 0
        self._state = ""

    @property
    def told(self) -> bool:
        """Does the gate have the last view?"""
        return self._link is not None and not self._owed

    def view(self, tracks: tuple[Track, ...]) -> None:
        """Say what is in view: at once if a track appeared or left, else when the heartbeat is due."""
        there = self._reach()
        for track in tracks:
            if track.state is not STILL:
                self._owed = True
                if track.state is LEFT:
                    self._left = (*self._left, track)[-TRACKS_MAX:]
        if there and (self._owed or self._clock() - self._view_ns >= HEARTBEAT_NS):
            # No more tracks than always fit a packet; those in view come first, and absence from a whole view says the rest.
            here = tuple(track for track in tracks if track.state is not LEFT)
            self._owed = not self._send(View((here + self._left)[:TRACKS_MAX]))
            if not self._owed:
                self._left, self._view_ns = (), self._clock()

    def due(self, mood: str) -> bool:
        """Is a state to be said: at once if it changed, else once a second?"""
        return self._reach() and (mood != self._state or self._clock() - self._state_ns >= STATE_NS)

    def state(self, state: ReaderState) -> None:
        """Say how the reader is, if that is due."""
        if self.due(state.state) and self._send(state):
            self._state, self._state_ns = state.state, self._clock()

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _reach(self) -> bool:
        """Is there a link to the gate? The gate says nothing on it; that it is gone is heard here first."""
        now_ns = self._clock()
        if self._link is not None and now_ns - self._listened_ns >= LISTEN_NS:
            self._listened_ns = now_ns
            try:
                self._link.receive()
            except LinkError:
                self.close()
        return self._link is not None or (now_ns >= self._retry_ns and self._reconnect(now_ns))

    def _reconnect(self, now_ns: int) -> bool:
        """Try to reach the gate; after that it knows nothing, so everything is owed."""
        try:
            self._link = self._connect()
        except LinkError:
            self._retry_ns = now_ns + self._pause_ns
            self._pause_ns = min(2 * self._pause_ns, RETRY_MAX_NS)
            return False
        self._pause_ns = RETRY_MIN_NS
        self._owed, self._left, self._state = True, (), ""
        return True

    def _send(self, message: View | ReaderState) -> bool:
        if self._link is None:
            return False
        try:
            return self._link.send(message)
        except LinkError:
            self.close()
            return False


def speaker_to(socket_path: Path) -> Speaker:
    return Speaker(lambda: links.connect(socket_path))
