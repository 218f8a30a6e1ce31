"""Codes held up, each from when something moved before it to when it left: the reader's tracks, with how they were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from device.domain import Corners, Track, TrackState
from device.reader.chain import Look, Reading
from device.reader.frame import Luma
from device.reader.modules import module_px
from device.reader.tracks import TRACKS_MAX
from device.replay.findings import Presentation
from device.replay.kinds import kind_of
from device.replay.moment import Moment, same_place
from device.replay.unread import Span

GAP_S = 0.6
"""A symbol that is found on and on in the place of a code, without a gap so long, is that code, though it can no longer be read."""


@dataclass(slots=True)
class Held:
    """One track, as it grows."""

    payload: bytes = field(repr=False)
    seen: Moment
    found: Moment
    looks_before: int
    read: Moment
    stage: str
    place: Corners
    last: Moment
    sighted: Moment | None = None  # last, read or not
    looks: int = 0
    stages: Counter[str] = field(default_factory=Counter)
    left: Moment | None = None
    module_px: float | None = None
    thumbnail: str | None = None


class Presentations:
    def __init__(self) -> None:
        self._open: dict[str, Held] = {}
        self._codes: dict[bytes, int] = {}
        self._all: list[Held] = []

    def appear(self, track: Track, moment: Moment, reading: Reading, luma: Luma, *, onset: Moment | None, span: Span | None, looks: int) -> Held:
        """A track begins with ``reading`` in this frame; ``span`` is how its symbol was found before, ``looks`` those up to this one."""
        found = span.first if span else moment
        seen = min((onset or found, found), key=lambda each: each.index)
        held = Held(track.payload, seen, found, span.looks_before if span else looks - 1, moment, reading.stage, reading.corners, moment)
        held.module_px = module_px(luma, reading.corners)
        self._codes.setdefault(track.payload, len(self._codes) + 1)
        self._open[track.id] = held
        self._all.append(held)
        return held

    def read(self, moment: Moment, look: Look, *, looks: int) -> None:
        """Count what one look read of the codes in view."""
        for held in self._open.values():
            mine = [reading for reading in look.readings if reading.payload == held.payload]
            if mine:
                nearest = next((reading for reading in mine if same_place(reading.corners, held.place)), mine[0])
                held.place, held.last, held.sighted, held.looks = nearest.corners, moment, moment, looks
                held.stages[nearest.stage] += 1

    def leave(self, track_id: str, moment: Moment) -> None:
        held = self._open.pop(track_id, None)
        if held is not None:
            held.left = moment

    def owns(self, corners: Corners, moment: Moment) -> bool:
        """Is an unread symbol at ``corners`` one that is known, in a frame that did not let itself be read?

        For a moment after a code has left, its hand may still be there; who stays longer is somebody else, whose code was missed.
        """
        for held in (*self._open.values(), *self._all[-TRACKS_MAX:]):
            if held.sighted and moment.since_s(held.sighted) <= GAP_S and same_place(corners, held.place):
                if held.left is None:
                    held.sighted = moment
                return True
        return False

    def is_known(self, track: Track) -> bool:
        return track.id in self._open

    def all(self, start: Moment) -> tuple[Presentation, ...]:
        return tuple(self._told(held, start) for held in self._all)

    def _told(self, held: Held, start: Moment) -> Presentation:
        return Presentation(
            code=self._codes[held.payload],
            kind=kind_of(held.payload),
            bytes=len(held.payload),
            seen_s=round(held.seen.since_s(start), 3),
            found_s=round(held.found.since_s(start), 3),
            read_s=round(held.read.since_s(start), 3),
            read_frame=held.read.number,
            waited_s=round(held.read.since_s(held.seen), 3),
            stage=held.stage,
            stages=dict(held.stages),
            frames=held.last.index - held.found.index + 1,
            looks=held.looks - held.looks_before,
            reads=held.stages.total(),
            last_read_s=round(held.last.since_s(start), 3),
            left_s=round(held.left.since_s(start), 3) if held.left else None,
            module_px=round(held.module_px, 2) if held.module_px else None,
            thumbnail=held.thumbnail,
        )


def appeared(tracks: Sequence[Track]) -> list[Track]:
    return [track for track in tracks if track.state is TrackState.APPEARED]


def left(tracks: Sequence[Track]) -> list[Track]:
    return [track for track in tracks if track.state is TrackState.LEFT]
