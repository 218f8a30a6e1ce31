"""The change detector behind a camera whose exposure changes: what became lighter by that has not moved."""

from __future__ import annotations

from device.reader.change import Change, ChangeDetector
from device.reader.frame import Exposure, Frame

NEAR = 1.1
FRAMES_TO_STAY = 15
"""An exposure that lasts for half a second is the new one; those of a bracket (``exposure.py``) last for three frames."""


class SteadyDetector:
    """Shows the detector frames of one exposure only.

    Frames of another one count as moved, with what moved last; so a bracket leaves the learnt scene as it was. When the
    other exposure stays, the scene is learnt anew: at the detector's own pace that would take up to ten seconds of looks
    at every frame.
    """

    def __init__(self) -> None:
        self._detector = ChangeDetector()
        self._exposure: Exposure | None = None
        self._other: Exposure | None = None
        self._frames = 0  # of the other exposure, one after the other
        self._last = Change(moved=True)
        self._shape: tuple[int, ...] = ()

    def see(self, frame: Frame) -> Change:
        """What is new in this frame."""
        if frame.luma.shape != self._shape:  # what moved last lies nowhere in a picture of another size
            self._shape, self._exposure, self._last = frame.luma.shape, None, Change(moved=True)
        if not _differ(frame.exposure, self._exposure):
            self._other = None
        elif self._stays(frame.exposure):
            self._detector, self._exposure, self._other = ChangeDetector(), None, None
        else:
            return Change(moved=True, where=self._last.where, noise=self._last.noise)
        self._exposure = self._exposure or frame.exposure
        change = self._detector.see(frame.luma)
        if change.moved:
            self._last = change
        return change

    def _stays(self, exposure: Exposure | None) -> bool:
        if self._other is None or _differ(exposure, self._other):
            self._other, self._frames = exposure, 0
        self._frames += 1
        return self._frames > FRAMES_TO_STAY


def _differ(one: Exposure | None, other: Exposure | None) -> bool:
    if one is None or other is None or one == other:
        return False
    return not 1 / NEAR < one.shutter_us * one.gain / (other.shutter_us * other.gain) < NEAR
