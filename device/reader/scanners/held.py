"""Tracks of a scan module, which never sees a code leave: it sends a text, and sends it again while the code is held.

Pure: times come in as values.
"""

from __future__ import annotations

from dataclasses import replace

from device.domain import Track, TrackState

MEMORY_MAX = 8
"""Texts that are remembered beside the one in view. Nobody holds up more by turns."""


class Held:
    """At most one code is in view: the one whose text came last.

    * Its text again within ``left_after_s``: still there.
    * Another text: the earlier code has left at once, so that nobody waits for the next person's turn.
    * Nothing for ``left_after_s``: it has left. Time in which the module was away does not count (``resume``).
    * A text that was in view less than ``left_after_s`` ago is no new track: two codes held side by side come by turns, and
      each of them is one presentation, not one a turn. It must stay away for ``left_after_s`` first.

    ``boot`` is this reader's random name (8 hex digits), as in ``Tracks``.
    """

    def __init__(self, boot: str, stage: str, left_after_s: float) -> None:
        self._boot = boot
        self._stage = stage
        self._left_after_ns = round(left_after_s * 1e9)
        self._track: Track | None = None  # as *still there*
        self._seen_ns: dict[bytes, int] = {}  # payload → when its text came last; the oldest first
        self._resumed_ns = 0
        self._made = 0

    def view(self) -> tuple[Track, ...]:
        """The track in view, as *still there*."""
        return (self._track,) if self._track else ()

    def read(self, payload: bytes, *, at_ns: int) -> tuple[Track, ...]:
        """A text has come. The track in view, and the one that left with it."""
        left = self._expire(at_ns)
        known = payload in self._seen_ns
        self._seen_ns.pop(payload, None)
        self._seen_ns[payload] = at_ns
        track = self._track
        if track is not None and track.payload == payload:
            self._track = replace(track, last_seen_ns=at_ns)
            return (self._track,)
        if known:
            return (*self.view(), *left)
        if track is not None:
            left = (*left, self._leave(track))
        if len(self._seen_ns) > MEMORY_MAX:
            del self._seen_ns[next(iter(self._seen_ns))]
        return (self._appear(payload, at_ns), *left)

    def tick(self, now_ns: int) -> tuple[Track, ...]:
        """Time has passed. The track in view, or the one that left."""
        left = self._expire(now_ns)
        return (*self.view(), *left)

    def resume(self, now_ns: int) -> None:
        """The module was away until now: what it did not send meanwhile says nothing."""
        self._resumed_ns = now_ns

    def _expire(self, now_ns: int) -> tuple[Track, ...]:
        """Forget what was not seen for too long; the track that left with it."""
        self._seen_ns = {payload: at_ns for payload, at_ns in self._seen_ns.items() if not self._gone(at_ns, now_ns)}
        if self._track is not None and self._gone(self._track.last_seen_ns, now_ns):
            return (self._leave(self._track),)
        return ()

    def _gone(self, seen_ns: int, now_ns: int) -> bool:
        return now_ns - max(seen_ns, self._resumed_ns) >= self._left_after_ns

    def _leave(self, track: Track) -> Track:
        self._track = None
        return replace(track, state=TrackState.LEFT)

    def _appear(self, payload: bytes, at_ns: int) -> Track:
        self._made += 1
        track = Track(
            id=f"{self._boot}-{self._made}",
            state=TrackState.APPEARED,
            payload=payload,
            frame=self._made,
            frame_ns=at_ns,
            decoded_ns=at_ns,
            last_seen_ns=at_ns,
            stage=self._stage,
        )
        self._track = replace(track, state=TrackState.STILL)
        return track
