"""Stretches in which something moved: when did it begin before a code, and where did it lead to no code at all?"""

from __future__ import annotations

from dataclasses import dataclass, field

from device.reader.change import Change
from device.reader.frame import Luma
from device.replay.diagnosis import Diagnosis, of_movement, typical
from device.replay.findings import Missed
from device.replay.moment import Moment

GAP_S = 0.5
"""A hand at rest is learnt as part of the scene within a moment; after so long without any movement it is over."""

LONG_S = 3.0
"""Whoever stands before the lens for so long wanted something of it; a passer-by is gone by then."""

FRAMES_A_DIAGNOSIS = 5
DIAGNOSED_MAX = 60


@dataclass(slots=True)
class Stretch:
    first: Moment
    last: Moment
    frames: int = 0
    diagnoses: list[Diagnosis] = field(default_factory=list)


class Movement:
    """``onset`` is when the movement of now began, or since a code was last read in it. ``missed`` are the long ones without any code."""

    def __init__(self) -> None:
        self._stretch: Stretch | None = None
        self._onset: Moment | None = None
        self._active: Moment | None = None
        self.missed: list[Stretch] = []

    @property
    def onset(self) -> Moment | None:
        return self._onset

    def see(self, moment: Moment, change: Change, luma: Luma, *, found: bool) -> None:
        """Take in one frame; ``found`` says that it shows a symbol, read or not."""
        moved = change.moved and moment.index > 0  # of the very first frame the detector knows nothing
        if moved or found:
            self._onset = self._onset or moment
            self._active = moment
        elif self._active and moment.since_s(self._active) > GAP_S:
            self._onset = self._active = None
        if found:
            self._stretch = None  # it led to a code
        elif moved:
            self._grow(moment, change, luma)
        elif self._stretch and moment.since_s(self._stretch.last) > GAP_S:
            self.end()

    def read(self) -> None:
        """A code that is known was read: what moves from now on is the next person."""
        self._onset = None

    def end(self) -> None:
        stretch, self._stretch = self._stretch, None
        if stretch and stretch.last.since_s(stretch.first) >= LONG_S:
            self.missed.append(stretch)

    def _grow(self, moment: Moment, change: Change, luma: Luma) -> None:
        stretch = self._stretch = self._stretch or Stretch(moment, moment)
        if change.where and stretch.frames % FRAMES_A_DIAGNOSIS == 0 and len(stretch.diagnoses) < DIAGNOSED_MAX:
            stretch.diagnoses.append(of_movement(luma, change.where, noise=change.noise))
        stretch.last = moment
        stretch.frames += 1


def missed_of(stretch: Stretch, start: Moment) -> Missed:
    return Missed(
        found=False,
        from_s=round(stretch.first.since_s(start), 3),
        to_s=round(stretch.last.since_s(start), 3),
        first_frame=stretch.first.number,
        last_frame=stretch.last.number,
        looks=0,
        why=typical(stretch.diagnoses),
    )
