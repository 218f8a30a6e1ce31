"""A code is held up and cannot be read: does light lie on it, or is it held wrongly? Pure: time is passed in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from device.clock import NS
from device.domain import Corners
from device.links import EyesState
from device.reader.chain import Look
from device.reader.frame import Box, Luma
from device.reader.optics.metering import WHITE

HELD_NS = NS
"""A good code is read within a few frames of being found; who has held one up for a second needs to be told something."""

LOOKS_MIN = 6
"""A single find may be a window with three squares in it."""

GAP_NS = 4 * NS // 10
"""A hand that sways is lost for some frames; one that is lost for longer has gone."""

PLACES_MAX = 8
FURNITURE_NS = 10 * NS
FORGOTTEN_NS = 60 * NS
"""What is found unread in one place for ten seconds is a torn poster, not a person's; what is not seen for a minute was taken away."""

CELLS = 6
CELLS_OF_GLARE = 2


@dataclass(slots=True)
class _Place:
    """Where something was found and not read. It is the same one within half of its own ``reach_px`` around its centre."""

    x: float
    y: float
    reach_px: float
    first_ns: int
    last_ns: int

    def is_at(self, centre: tuple[float, float]) -> bool:
        return abs(self.x - centre[0]) + abs(self.y - centre[1]) <= self.reach_px / 2


class Unread:
    """Follows what the chain found and could not read."""

    def __init__(self) -> None:
        self._places: list[_Place] = []
        self._begun_ns = self._last_ns = 0
        self._looks = 0
        self._glared = 0

    def look(self, luma: Luma, look: Look, now_ns: int, *, moved: bool) -> EyesState | None:
        """``UNREADABLE`` once a code was held up for a second and nothing was read; ``GLARE`` where light hides a part of it."""
        held = [corners for corners in look.unread if not self._is_furniture(corners, now_ns)]
        if look.readings:
            self._looks = 0
        elif held and moved:  # a hand moves; what is found in an unmoved scene belongs to it
            self._found(luma, held[0], now_ns)
        elif now_ns - self._last_ns > GAP_NS:
            self._looks = 0
        if self._looks < LOOKS_MIN or self._last_ns - self._begun_ns < HELD_NS:
            return None
        return EyesState.GLARE if 2 * self._glared > self._looks else EyesState.UNREADABLE

    def _found(self, luma: Luma, corners: Corners, now_ns: int) -> None:
        if self._looks == 0 or now_ns - self._last_ns > GAP_NS:
            self._begun_ns, self._looks, self._glared = now_ns, 0, 0
        self._last_ns = now_ns
        self._looks += 1
        self._glared += hidden_by_light(luma, corners)

    def _is_furniture(self, corners: Corners, now_ns: int) -> bool:
        """Remembers the place of ``corners`` too."""
        self._places = [place for place in self._places if now_ns - place.last_ns <= FORGOTTEN_NS]
        centre = corners.centre
        for place in self._places:
            if place.is_at(centre):
                place.last_ns = now_ns
                return now_ns - place.first_ns >= FURNITURE_NS
        (x, y), (corner_x, corner_y) = centre, corners.points[0]
        self._places.append(_Place(x, y, abs(x - corner_x) + abs(y - corner_y), now_ns, now_ns))
        del self._places[:-PLACES_MAX]
        return False


def hidden_by_light(luma: Luma, corners: Corners) -> bool:
    """Are parts of the code without any structure, since they are white to the end of the scale?

    Looked at is the middle of the symbol, half as wide and high, which lies within it however it is turned, in 6 x 6
    cells. White paper is as white; but no cell of 1.8 modules or more is likely to be white alone, and two are not.
    """
    box = _middle_of(corners, luma.shape)
    step_x, step_y = box.width // CELLS, box.height // CELLS
    if not step_x or not step_y:
        return False
    inside = Box(box.left, box.top, box.left + CELLS * step_x, box.top + CELLS * step_y).of(luma)
    darkest = inside.reshape(CELLS, step_y, CELLS, step_x).min(axis=(1, 3))
    return int(np.count_nonzero(darkest >= WHITE)) >= CELLS_OF_GLARE


def _middle_of(corners: Corners, shape: tuple[int, ...]) -> Box:
    xs, ys = zip(*corners.points, strict=True)
    x, y = corners.centre
    half_x, half_y = (max(xs) - min(xs)) / 4, (max(ys) - min(ys)) / 4
    height, width = shape
    left, top = min(max(int(x - half_x), 0), width), min(max(int(y - half_y), 0), height)
    return Box(left, top, max(min(int(x + half_x), width), left), max(min(int(y + half_y), height), top))
