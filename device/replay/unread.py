"""Symbols that were found and not read, from look to look: one span each, until it is read after all or is gone."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from device.domain import Corners
from device.reader.frame import Luma
from device.reader.outline import side_px, tilt_deg
from device.replay.diagnosis import Diagnosis, of_symbol, typical
from device.replay.findings import Missed
from device.replay.moment import Moment, same_place

GAP_S = 0.6
"""A symbol not found for so long is another one when it comes again: as long as the reader waits before a code has left."""

SIGHTINGS_MIN = 3
"""Decoders now and then take a tiled wall or a plaid shirt for a symbol, in one frame and not in the next."""

DIAGNOSED_MAX = 60
"""Moments of a span that are looked into, at a few ms each: two seconds at 30 frames/s tell what a minute would."""

WAY_SIGHTINGS = 5
"""The way of a symbol is taken over so many: its corners jump by a few pixels where it cannot be read."""
SAME_SIZE = 0.85

Crop = Callable[[Luma, Corners], str | None]
"""Makes a thumbnail."""


@dataclass(slots=True)
class Span:
    first: Moment
    looks_before: int
    last: Moment
    corners: Corners
    sightings: int = 0
    diagnoses: list[Diagnosis] = field(default_factory=list)
    thumbnail: str | None = None
    sharpest_px: float = math.inf
    trail: deque[tuple[Moment, Corners]] = field(default_factory=lambda: deque(maxlen=WAY_SIGHTINGS))

    def way_px(self, moment: Moment, corners: Corners) -> float:
        """How far the symbol came a frame, of late. Only symbols of one size are compared: a decoder may take a part for the whole."""
        self.trail.append((moment, corners))
        side = side_px(corners)
        then, there = next((each for each in self.trail if SAME_SIZE <= side_px(each[1]) / side <= 1 / SAME_SIZE), self.trail[-1])
        return math.dist(corners.centre, there.centre) / max(moment.index - then.index, 1)


class Unread:
    """``missed`` grows as spans end without a read."""

    def __init__(self, crop: Crop) -> None:
        self._crop = crop
        self._open: list[Span] = []
        self.missed: list[tuple[Span, Diagnosis]] = []

    def see(self, moment: Moment, unread: Sequence[Corners], luma: Luma, *, looks_before: int, noise: float | None) -> None:
        """Take in where symbols were found and not read by one look, without those that belong to a code that is known."""
        self._close(moment)
        for corners in _distinct(unread):
            span = self._at(corners)
            if span is None:
                span = Span(moment, looks_before, moment, corners)
                self._open.append(span)
            self._grow(span, moment, corners, luma, noise)

    def claim(self, corners: Corners) -> Span | None:
        """A code was read there: the span that led to it, which is none of its own any more."""
        span = self._at(corners)
        if span is not None:
            self._open.remove(span)
        return span

    def end(self) -> None:
        self._close(None)

    def _at(self, corners: Corners) -> Span | None:
        return next((span for span in self._open if same_place(span.corners, corners)), None)

    def _grow(self, span: Span, moment: Moment, corners: Corners, luma: Luma, noise: float | None) -> None:
        way_px = span.way_px(moment, corners)
        if len(span.diagnoses) < DIAGNOSED_MAX:
            found = of_symbol(luma, corners, noise=noise, way_px=way_px)
            span.diagnoses.append(found)
            if (found.measures.edge_px or math.inf) < span.sharpest_px:
                span.sharpest_px, span.thumbnail = found.measures.edge_px or math.inf, self._crop(luma, corners)
        span.last, span.corners = moment, corners
        span.sightings += 1

    def _close(self, now: Moment | None) -> None:
        for span in list(self._open):
            if now is None or now.since_s(span.last) > GAP_S:
                self._open.remove(span)
                if span.sightings >= SIGHTINGS_MIN:
                    self.missed.append((span, typical(span.diagnoses)))


def _distinct(unread: Sequence[Corners]) -> list[Corners]:
    """Each symbol once. Two stages find the same one, and a decoder tries several outlines of it: the largest upright one is the likeliest."""
    kept: list[Corners] = []
    for corners in sorted(unread, key=lambda each: -side_px(each) * math.cos(math.radians(tilt_deg(each)))):
        if not any(same_place(corners, each) for each in kept):
            kept.append(corners)
    return kept


def missed_of(span: Span, why: Diagnosis, start: Moment) -> Missed:
    return Missed(
        found=True,
        from_s=round(span.first.since_s(start), 3),
        to_s=round(span.last.since_s(start), 3),
        first_frame=span.first.number,
        last_frame=span.last.number,
        looks=span.sightings,
        why=why,
        thumbnail=span.thumbnail,
    )
