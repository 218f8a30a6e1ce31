"""Tracks: one code followed from its appearing to its leaving. Pure: frames and times come in as values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from device.clock import NS
from device.domain import Track, TrackState
from device.reader.chain import Reading

TRACKS_MAX = 8
"""Codes followed at once. Nobody holds up more; a wall of stickers must not fill a packet."""

STATIC_NS = 10 * NS
"""A code in view for so long makes room for one that is new: eight posters must not hide the hand of who comes."""

ASIDE_MAX = 64
"""Codes that made room and are still there: remembered, so that they do not appear anew."""

SILENT_NS = 2 * NS
"""Over so long a gap between two looks nobody knows what was in view. A camera that was opened again begins with dark frames, and who
stood there all the time is not to be decided once more."""

MISSES_TO_LEAVE = 3
"""Looks that did not read the code: one hand before the lens, or one blurred frame, is no leaving."""


@dataclass(slots=True)
class _Followed:
    """One code: its track as *still there*, where and by which stage it was read last, and how many looks have missed it since.

    ``since_ns``: from when on it may have been away.
    """

    track: Track
    at: tuple[float, float]
    stage: str
    since_ns: int
    misses: int = 0


class Tracks:
    """The codes in view, known by their exact bytes and, where the same code is in view twice, by their places.

    ``boot`` is this reader's random name (8 hex digits), so that the ids of two readers never meet. ``refused``
    counts the looks at codes for which there was no room. A code that is new may wait one look for its place: then
    the one that has been there longest, for ten seconds at least, is put aside. It has *left* for whoever follows, and
    appears again only after it was really away.
    """

    def __init__(self, boot: str, left_after_s: float) -> None:
        self._boot = boot
        self._left_after_ns = round(left_after_s * 1e9)
        self._followed: list[_Followed] = []
        self._aside: list[_Followed] = []
        self._made = 0
        self.refused = 0

    @property
    def in_view(self) -> dict[bytes, str]:
        """Payload → the stage that read it last."""
        return {each.track.payload: each.stage for each in (*self._aside, *self._followed)}

    @property
    def missing(self) -> bool:
        """Was a code that is in view not read by the last look? Then the next look tells whether it has left."""
        return any(each.misses for each in self._followed)

    def view(self) -> tuple[Track, ...]:
        """The tracks in view, as *still there*."""
        return tuple(each.track for each in self._followed)

    def look(self, readings: Sequence[Reading], *, frame: int, frame_ns: int, decoded_ns: int) -> tuple[Track, ...]:
        """Take in what one decoded frame showed; returns every track in view, and those that left with this look.

        A track leaves when it was not read for ``left_after_s`` of frame time and by at least three looks; a silence of
        the camera counts for nothing. Its place is free for the next look, so that no answer holds more than ``TRACKS_MAX``.
        """
        room = TRACKS_MAX - len(self._followed)
        new = list(readings)
        taken = _taken(self._followed, new)
        self._see_aside(new, frame_ns)
        changed = [self._seen(each, taken.get(index), frame_ns) for index, each in enumerate(list(self._followed))]
        if new and not room:
            changed = self._make_room(changed, frame_ns)
        for reading in new:
            if room:
                room -= 1
                changed.append(self._appear(reading, frame, frame_ns, decoded_ns))
            else:
                self.refused += 1
        return tuple(changed)

    def end(self) -> tuple[Track, ...]:
        """No frame will come any more: every track leaves."""
        left = tuple(replace(each.track, state=TrackState.LEFT) for each in self._followed)
        self._followed.clear()
        return left

    def _see_aside(self, new: list[Reading], frame_ns: int) -> None:
        """What was put aside and is still there is not new; what was away for its time is forgotten."""
        taken = _taken(self._aside, new)
        for index, each in enumerate(list(self._aside)):
            if self._is_gone(each, taken.get(index), frame_ns):
                self._aside.remove(each)

    def _make_room(self, changed: list[Track], frame_ns: int) -> list[Track]:
        """Put the code aside that has been in view for longest, if that is long enough."""
        oldest = min(self._followed, key=lambda each: each.track.frame_ns, default=None)
        if oldest is None or frame_ns - oldest.track.frame_ns < STATIC_NS or len(self._aside) >= ASIDE_MAX:
            return changed
        self._followed.remove(oldest)
        self._aside.append(oldest)
        return [replace(each, state=TrackState.LEFT) if each.id == oldest.track.id else each for each in changed]

    def _seen(self, followed: _Followed, reading: Reading | None, frame_ns: int) -> Track:
        track = followed.track
        gone = self._is_gone(followed, reading, frame_ns)
        if reading is not None:
            # Built, not replace()d, which costs three times as much: this is done for every code in every look.
            followed.track = Track(track.id, TrackState.STILL, track.payload, track.frame, track.frame_ns, track.decoded_ns, frame_ns, track.stage)
            return followed.track
        if gone:
            self._followed.remove(followed)
            return replace(track, state=TrackState.LEFT)
        return track

    def _is_gone(self, followed: _Followed, reading: Reading | None, frame_ns: int) -> bool:
        if reading is not None:
            followed.misses, followed.stage, followed.at, followed.since_ns = 0, reading.stage, reading.corners.centre, frame_ns
            return False
        if not followed.misses and frame_ns - followed.since_ns >= SILENT_NS:
            followed.since_ns = frame_ns
        followed.misses += 1
        return followed.misses >= MISSES_TO_LEAVE and frame_ns - followed.since_ns >= self._left_after_ns

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
        self._followed.append(_Followed(replace(track, state=TrackState.STILL), reading.corners.centre, reading.stage, frame_ns))
        return track


def _taken(followed: Sequence[_Followed], readings: list[Reading]) -> dict[int, Reading]:
    """For each of ``followed``, by its index, the reading of its code; taken out of ``readings``.

    Where the same code is in view more than once, what is nearest belongs together: one hand may cover its code for a
    moment, and the other must not be taken for it.
    """
    pairs = [
        (_apart(each, reading), index, reading)
        for index, each in enumerate(followed)
        for reading in readings
        if reading.payload == each.track.payload
    ]
    taken: dict[int, Reading] = {}
    for _, index, reading in sorted(pairs, key=lambda pair: pair[0]):
        if index not in taken and any(reading is each for each in readings):
            taken[index] = reading
            readings[:] = [each for each in readings if each is not reading]
    return taken


def _apart(followed: _Followed, reading: Reading) -> float:
    (x, y), (a, b) = followed.at, reading.corners.centre
    return (x - a) ** 2 + (y - b) ** 2
