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

HEARTBEAT_NS = NS // 2
STATE_NS = NS
LISTEN_NS = NS // 10
"""Nothing is ever said on this link but its end; asking the kernel at every frame would cost more than a track does."""
RETRY_MIN_NS = NS // 20
RETRY_MAX_NS = NS // 2
"""A gate that is back is told within half a second what is in view."""


class Speaker:
    """Sends views and states; connects again by itself, and then sends the whole view first.

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
        now_ns = self._clock()
        if now_ns - self._listened_ns >= LISTEN_NS:
            self._listen()
            self._listened_ns = now_ns
        left = tuple(track for track in tracks if track.state is TrackState.LEFT)
        here = tuple(track for track in tracks if track.state is not TrackState.LEFT)
        self._left = (self._left + left)[-TRACKS_MAX:]
        self._owed |= len(left) > 0 or any(track.state is TrackState.APPEARED for track in here)
        if self._link is None and not self._reconnect():
            return
        if self._owed or self._clock() - self._view_ns >= HEARTBEAT_NS:
            # No more tracks than always fit a packet; those in view come first, and absence from a whole view says the rest.
            self._owed = not self._send(View((here + self._left)[:TRACKS_MAX]))
            if not self._owed:
                self._left, self._view_ns = (), self._clock()

    def state(self, state: ReaderState) -> None:
        """Say how the reader is: at once if that changed, else once a second."""
        if self._link is None or (state.state == self._state and self._clock() - self._state_ns < STATE_NS):
            return
        if self._send(state):
            self._state, self._state_ns = state.state, self._clock()

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _reconnect(self) -> bool:
        """Try to reach the gate, not too often; after that it knows nothing, so everything is owed."""
        now_ns = self._clock()
        if now_ns < self._retry_ns:
            return False
        try:
            self._link = self._connect()
        except LinkError:
            self._retry_ns = now_ns + self._pause_ns
            self._pause_ns = min(2 * self._pause_ns, RETRY_MAX_NS)
            return False
        self._pause_ns = RETRY_MIN_NS
        self._owed, self._left, self._state = True, (), ""
        return True

    def _listen(self) -> None:
        """The gate says nothing on this link; that it is gone is heard here first."""
        if self._link is not None:
            try:
                self._link.receive()
            except LinkError:
                self.close()

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
