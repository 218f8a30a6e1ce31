"""Fusion: one picture from the last few frames, aligned and averaged. What noise hides in each of them, it shows.

At dusk it is the sensor's noise that defeats a decoder: averaging n aligned frames takes it down by √n, and buys what no
treatment of a single frame can (decoding.md section 11). A hand sways, so frames are aligned on the part of the picture
that moved: aligned on the whole, the wall would be sharp and the code smeared.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from device.reader.frame import Box, Luma

FRAMES = 6
"""How many frames count: a hand turns and tilts as well as it sways, which no shift undoes, so older ones fade away."""

PATCH = 128
"""Pixels of the half-size picture, each way, that tell how the hand moved: about a code. Two transforms of 128 x 128 take 0.1 ms."""

FINEST = 0.15
"""Periods a pixel of the patch: what is finer is noise more than code, and is left out (modules of 2 pixels have 0.25 at most)."""

LIKENESS_MIN = 10.0
"""Standard deviations by which the best alignment stands out from all others. Pictures that have nothing in common reach 5, the same code
in noise four times its contrast 33."""

MARGIN_PX = 32
"""What moved is known to a tile of the change detector only; more of it may show in the next frame."""

INSIDE_PART = 0.85
"""So much of where the code may be now has to be in what was averaged so far, or the average begins anew."""

CUT_PERCENT = 1
"""The darkest and the lightest hundredth become black and white: a picture at dusk uses a third of the scale, or less."""

_Plane: TypeAlias = NDArray[np.float32]


class Fusion:
    """An average that goes with the hand. ``count`` frames are in it."""

    def __init__(self) -> None:
        rise = np.hanning(PATCH)
        self._window = np.outer(rise, rise).astype(np.float32)  # no edges: they would align with themselves
        frequency = np.hypot(np.fft.fftfreq(PATCH)[:, None], np.fft.rfftfreq(PATCH)[None, :])
        self._coarse = np.exp(-((frequency / FINEST) ** 2))
        self._average: _Plane = np.empty((0, 0), np.float32)
        self._shape: tuple[int, ...] = (0, 0)  # of the frames
        self.box = Box(0, 0, 0, 0)
        self.count = 0

    def clear(self) -> None:
        """The next frame begins anew."""
        self.count = 0

    def add(self, luma: Luma, where: Box) -> None:
        """Take in the next frame, in which something moved ``where``; ``box`` is then where the hand is now."""
        alike = self.count and self._shape == luma.shape and _mostly_inside(where, self.box)
        moved = self._moved(luma, where) if alike else None
        if moved is None or not self._follow(*moved):
            self._begin(luma, where)
            return
        self.count += 1
        part = np.subtract(self.box.of(luma), self._average, dtype=np.float32)
        part *= 1 / min(self.count, FRAMES)
        self._average += part

    def _begin(self, luma: Luma, where: Box) -> None:
        self._shape, self.box, self.count = luma.shape, where.grown(MARGIN_PX, luma.shape), 1
        self._average = self.box.of(luma).astype(np.float32)

    def _follow(self, down: int, right: int) -> bool:
        """Move the box with the hand; what leaves the picture is cut off. False where next to nothing would be left of it."""
        moved = Box(self.box.left + right, self.box.top + down, self.box.right + right, self.box.bottom + down)
        inside = moved.grown(0, self._shape)
        if min(inside.width, inside.height) < MARGIN_PX:
            return False
        self.box = inside
        self._average = Box(self.box.left - moved.left, self.box.top - moved.top, self.box.right - moved.left, self.box.bottom - moved.top).of(
            self._average
        )
        return True

    def picture(self) -> Luma:
        """The average as a picture of the size of ``box``, stretched over the whole scale."""
        low, high = np.percentile(self._average[::4, ::4], (CUT_PERCENT, 100 - CUT_PERCENT))
        scale = 255 / max(float(high - low), 1.0)
        stretched = self._average * scale
        stretched -= low * scale
        return np.clip(stretched, 0, 255, out=stretched).astype(np.uint8)

    def _moved(self, luma: Luma, where: Box) -> tuple[int, int] | None:
        """Pixels down and right that the hand moved since the last frame; ``None`` where it is another."""
        top = _start((where.top + where.bottom) // 2 - self.box.top, self.box.height)
        left = _start((where.left + where.right) // 2 - self.box.left, self.box.width)
        before, now = (self._spectrum(part[top : top + 2 * PATCH, left : left + 2 * PATCH]) for part in (self._average, self.box.of(luma)))
        cross = before.conj() * now
        cross *= self._coarse / np.maximum(np.abs(cross), 1e-9)  # phase correlation: every period counts alike
        likeness = np.fft.irfft2(cross, s=(PATCH, PATCH))
        best = int(np.argmax(likeness))
        if likeness.flat[best] < LIKENESS_MIN * float(likeness.std()):
            return None
        row, column = divmod(best, PATCH)
        return _pixels(likeness[:, column], row), _pixels(likeness[row], column)

    def _spectrum(self, patch: Luma | _Plane) -> NDArray[np.complex128]:
        """Of ``patch`` at half size."""
        height, width = patch.shape[0] // 2, patch.shape[1] // 2
        rows = np.add(patch[0 : 2 * height : 2], patch[1 : 2 * height : 2], dtype=np.float32)
        half = rows[:, 0 : 2 * width : 2] + rows[:, 1 : 2 * width : 2]
        half -= half.mean()
        half *= self._window[:height, :width]
        return np.fft.rfft2(half, s=(PATCH, PATCH))


def _start(middle: int, length: int) -> int:
    """Where a patch about ``middle`` begins, inside of ``length``."""
    return min(max(middle - PATCH, 0), max(length - 2 * PATCH, 0))


def _pixels(likeness: NDArray[np.float64], best: int) -> int:
    """How far ``best`` is from no shift, to the pixel of the full picture: a parabola through it and its neighbours has its top in between."""
    before, top, after = (float(likeness[(best + step) % PATCH]) for step in (-1, 0, 1))
    bend = before - 2 * top + after
    exact = best + ((before - after) / (2 * bend) if bend else 0.0)
    return round(2 * (exact if best < PATCH // 2 else exact - PATCH))


def _mostly_inside(where: Box, box: Box) -> bool:
    wide = min(box.right, where.right) - max(box.left, where.left)
    high = min(box.bottom, where.bottom) - max(box.top, where.top)
    return wide > 0 and high > 0 and wide * high >= INSIDE_PART * where.area
