"""Tracks: one code followed from its appearing to its leaving. Pure: frames and times come in as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from device.domain import Track, TrackState
from device.reader.chain import Reading

TRACKS_MAX = 8
"""Codes followed at once. Nobody holds up more; a wall of stickers must not fill a packet."""

MISSES_TO_LEAVE = 3
"""Looks that did not read the code: one hand before the lens, or one blurred frame, is no leaving."""


class Tracks:
    """The codes in view, known by their exact bytes.

    ``boot`` is this reader's random name (8 hex digits), so that the ids of two readers never meet. ``refused``
    counts the looks at codes for which there was no room: the oldest tracks stay.
    """

    def __init__(self, boot: str, left_after_s: float) -> None:
        self._boot = boot
        self._left_after_ns = round(left_after_s * 1e9)
        self._tracks: dict[bytes, Track] = {}  # as *still there*
        self._stages: dict[bytes, str] = {}
        self._misses: dict[bytes, int] = {}
        self._made = 0
        self.refused = 0

    @property
    def in_view(self) -> dict[bytes, str]:
        """Payload → the stage that read it last."""
        return dict(self._stages)

    def view(self) -> tuple[Track, ...]:
        """The tracks in view, as *still there*."""
        return tuple(self._tracks.values())

    def look(self, readings: Iterable[Reading], *, frame: int, frame_ns: int, decoded_ns: int) -> tuple[Track, ...]:
        """Take in what one decoded frame showed; returns every track in view, and those that left with this look.

        A track leaves when it was not read for ``left_after_s`` of frame time and by at least three looks. Its
        place is free for the next look, so that no answer holds more than ``TRACKS_MAX``.
        """
        room = TRACKS_MAX - len(self._tracks)
        read = {reading.payload: reading for reading in readings}
        changed = [self._seen(track, read.pop(payload, None), frame_ns) for payload, track in list(self._tracks.items())]
        for reading in read.values():
            if room:
                room -= 1
                changed.append(self._appear(reading, frame, frame_ns, decoded_ns))
            else:
                self.refused += 1
        return tuple(changed)

    def end(self) -> tuple[Track, ...]:
        """No frame will come any more: every track leaves."""
        left = tuple(replace(track, state=TrackState.LEFT) for track in self._tracks.values())
        for track in left:
            self._forget(track.payload)
        return left

    def _seen(self, track: Track, reading: Reading | None, frame_ns: int) -> Track:
        payload = track.payload
        if reading is not None:
            self._misses[payload], self._stages[payload] = 0, reading.stage
            # Built, not replace()d, which costs three times as much: this is done for every code in every look.
            still = Track(track.id, TrackState.STILL, payload, track.frame, track.frame_ns, track.decoded_ns, frame_ns, track.stage)
            self._tracks[payload] = still
            return still
        self._misses[payload] += 1
        if self._misses[payload] >= MISSES_TO_LEAVE and frame_ns - track.last_seen_ns >= self._left_after_ns:
            self._forget(payload)
            return replace(track, state=TrackState.LEFT)
        return track

    def _appear(self, reading: Reading, frame: int, frame_ns: int, decoded_ns: int) -> Track:
        self._made += 1
        track = Track(
            id=f"{self._boot}-{self._made}",
            state=TrackState.APPEARED,
            payload=reading.payload,
            frame=frame,
            frame_ns=frame_ns,
            decoded_ns=decoded_ns,
            last_seen_ns=frame_ns,
            stage=reading.stage,
        )
        self._tracks[track.payload] = replace(track, state=TrackState.STILL)
        self._misses[track.payload], self._stages[track.payload] = 0, reading.stage
        return track

    def _forget(self, payload: bytes) -> None:
        del self._tracks[payload], self._misses[payload], self._stages[payload]
