"""Why was a code not read? Pure: from the pixels of one moment, and where the symbol stood in them.

Each cause has one measure and one limit. How far the measure is beyond its limit (1 = just there) makes causes comparable; the
one that is farthest beyond is told first. Within all limits a symbol that is still unread is damaged, or partly hidden.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from device.domain import Corners
from device.reader.edges import Edges, edges_of, spatial_noise
from device.reader.frame import Box, Luma
from device.reader.modules import levelled, module_px
from device.reader.outline import around, side_px, tilt_deg

PAPER_MIN = 60.0
"""Brightness of the lightest parts, of 255. Darker paper leaves a camera's noise no room below it."""
CONTRAST_TO_NOISE_MIN = 5.0
"""Black to white in standard deviations of noise: with 5, one module in 160 is on the wrong side of the middle."""
CONTRAST_MIN = 0.3
"""Black to white, as a share of the white: below it a third of the reads is lost (decoding.md section 5)."""
INK_MAX = 150.0
"""Brightness of the darkest parts, of 255: a black that is so light was drowned in light."""
WASHED_MAX = 1 / 16
"""Share of the symbol that is all white. The weakest error correction mends 7 % of a symbol's codewords (ISO/IEC 18004)."""
MODULE_MIN_PX = 3.0
"""Pixels a module: half of the codes of 3 to 4 are read, 14 % of those of 2 to 3 (decoding.md section 5)."""
GREY_MAX = 0.3
"""Share of the symbol that is neither dark nor light but in the middle third. It is what blur leaves between two modules, a third
of its width on each edge, whatever the size of modules. Measured on rendered codes of 2 to 8 pixels a module: defocus was read
up to 0.33 and never from 0.35 on, motion up to 0.36 and seldom beyond."""
BLUR_MAX_PX = 5.0
"""Width of an edge where no symbol was found: a code that is large enough to be missed at arm's length has modules of about that size."""
MODULE_BEYOND_BLUR = 0.8
"""Edges wider than this share of a module melt the stripes of a finder pattern together: its size is not to be believed then."""
TILT_MAX_DEG = 50.0
"""Seen from so far aside a symbol has 64 % of its width left."""
DIRECTED_MIN = 1.6
"""Edges so much wider in one direction are smeared by motion; a lens blurs both ways alike."""
WAY_MIN = 0.4
"""Share of the blur that the symbol travels from one frame to the next: a shutter is open for about half of a frame's time."""

NOISE_BEYOND = 1.28
"""The lightest tenth of the white modules lies so many standard deviations of noise above their mean; the blacks likewise."""

CELLS = 7
"""A symbol is looked at in 7 x 7 parts: the smallest has 3 modules a side in each, and hardly one without dark and light."""
CELL_CONTRAST = 0.25
"""A part with less of the symbol's own contrast shows nothing."""


class Reason(StrEnum):
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    GLARE = "glare"
    LOW_CONTRAST = "low_contrast"
    TOO_SMALL = "too_small"
    MOTION_BLUR = "motion_blur"
    OUT_OF_FOCUS = "out_of_focus"
    TILTED = "tilted"
    DAMAGED = "damaged"
    NO_CODE = "no_code"


TOLD: dict[Reason, tuple[str, str]] = {
    Reason.TOO_DARK: ("too dark", "add light before the lens, or let the shutter be open for longer"),
    Reason.TOO_BRIGHT: ("too bright", "shade the lens from the sun, or shorten the exposure"),
    Reason.GLARE: ("glare", "move the lamp that is mirrored, or tilt the resting place of the phone by 10 to 15 degrees"),
    Reason.LOW_CONTRAST: ("too little contrast", "clean the lens and its window; faded paper and dim screens look like this, too"),
    Reason.TOO_SMALL: ("too small", "let people hold it nearer, or fit a lens of longer focal length"),
    Reason.MOTION_BLUR: ("blurred by motion", "shorten the shutter, add light, or mark a place to rest the code"),
    Reason.OUT_OF_FOCUS: ("out of focus", "turn the lens by `qrgate focus`, with a code where people hold theirs"),
    Reason.TILTED: ("tilted too far", "turn the camera towards the hand, or mark how the code is held"),
    Reason.DAMAGED: ("damaged, or partly hidden", "look at the code: cracked glass, a finger, a crumpled or cut print"),
    Reason.NO_CODE: ("no code in sight", "somebody passed, or held up something without a QR code"),
}
"""In words, and what a technician can do about it."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured: brightness of 255, pixels, degrees; ``None`` where it could not be.

    ``washed`` and ``hidden`` are the shares of the symbol without any contrast, all light and all dark: glare, a finger or a missing piece.
    """

    white: float
    black: float
    noise: float
    edge_px: float | None = None
    module_px: float | None = None
    tilt_deg: float | None = None
    washed: float | None = None
    hidden: float | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """``also`` are the other causes beyond their limits, the worst first."""

    reason: Reason
    also: tuple[Reason, ...]
    measures: Measures


def of_symbol(luma: Luma, corners: Corners, *, noise: float | None = None, way_px: float = 0.0) -> Diagnosis:
    """Why the symbol at ``corners`` of ``luma`` was not read.

    ``noise`` is the standard deviation of one pixel, estimated where not given; ``way_px`` is how far the symbol moved since the frame before.
    """
    region = around(corners, luma.shape)
    level = levelled(luma, corners)
    white, black = _white_and_black(level)
    deviation = noise or spatial_noise(luma)
    washed, hidden = _blank(level, white, black)
    edges = edges_of(region.of(luma), noise=deviation)
    edge_px = _widest(edges)
    module = module_px(luma, corners)
    if module and edge_px and edge_px > MODULE_BEYOND_BLUR * module:
        module = None
    measures = Measures(white, black, round(deviation, 2), _rounded(edge_px), _rounded(module), round(tilt_deg(corners), 1), washed, hidden)
    moved = _smeared(edges) or way_px > WAY_MIN * (edge_px or math.inf)
    beyond = {
        **_light(white, black, deviation),
        Reason.GLARE: washed / WASHED_MAX if black < INK_MAX else 0.0,
        Reason.TOO_SMALL: MODULE_MIN_PX / (module or side_px(corners) / 21),
        Reason.MOTION_BLUR if moved else Reason.OUT_OF_FOCUS: _grey(level) / GREY_MAX,
        Reason.TILTED: tilt_deg(corners) / TILT_MAX_DEG,
    }
    return _judged(beyond, measures, otherwise=Reason.DAMAGED)


def of_movement(luma: Luma, where: Box, *, noise: float | None = None) -> Diagnosis:
    """Why no code was found in ``where``, in which something moves. Contrast tells nothing there: a coat may be plain."""
    region = where.of(luma)
    white, black = _white_and_black(region)
    deviation = noise or (spatial_noise(region) if min(region.shape) > 2 else 0.0)
    edges = edges_of(region, noise=deviation)
    edge_px = _widest(edges)
    blurred = Reason.MOTION_BLUR if _smeared(edges) else Reason.OUT_OF_FOCUS
    beyond = {Reason.TOO_DARK: PAPER_MIN / max(white, 1.0), Reason.TOO_BRIGHT: black / INK_MAX, blurred: (edge_px or 0.0) / BLUR_MAX_PX}
    return _judged(beyond, Measures(white, black, round(deviation, 2), _rounded(edge_px)), otherwise=Reason.NO_CODE)


def typical(diagnoses: Sequence[Diagnosis]) -> Diagnosis:
    """Of a span of moments: the reason met most often (the earlier one if two are), by the moment in its middle."""
    counted = Counter(each.reason for each in diagnoses)
    reason = counted.most_common(1)[0][0]
    those = [each for each in diagnoses if each.reason is reason]
    seen = Counter(other for each in diagnoses for other in (each.reason, *each.also) if other is not reason)
    return Diagnosis(reason, tuple(other for other, times in seen.most_common() if 2 * times >= len(diagnoses)), those[len(those) // 2].measures)


# --- measures --------------------------------------------------------------------------------------------------


def _white_and_black(luma: Luma) -> tuple[float, float]:
    black, white = np.percentile(luma, (5, 95))
    return float(white), float(black)


def _light(white: float, black: float, noise: float) -> dict[Reason, float]:
    contrast = max(white - black - 2 * NOISE_BEYOND * noise, 1.0)
    return {
        Reason.TOO_DARK: max(PAPER_MIN / max(white, 1.0), CONTRAST_TO_NOISE_MIN * noise / contrast),
        Reason.TOO_BRIGHT: black / INK_MAX,
        Reason.LOW_CONTRAST: CONTRAST_MIN * white / contrast if black < INK_MAX else 0.0,
    }


def _blank(level: Luma, white: float, black: float) -> tuple[float, float]:
    """Shares of the symbol's parts without contrast: all light, and all dark."""
    cells = _cells(level, CELLS)
    low, high = np.percentile(cells, (10, 90), axis=1)
    blank = high - low < CELL_CONTRAST * max(white - black, 1.0)
    light = (low + high) / 2 > (white + black) / 2
    return round(float(np.mean(blank & light)), 3), round(float(np.mean(blank & ~light)), 3)


def _grey(level: Luma) -> float:
    """Each quarter of a side by its own black and white, so that a shadow is no blur; the median of all sixteen."""
    cells = _cells(level, 4)
    low, high = np.percentile(cells, (5, 95), axis=1, keepdims=True)
    tone = (cells - low) / np.maximum(high - low, 1.0)
    return float(np.median(np.mean((tone > 1 / 3) & (tone < 2 / 3), axis=1)))


def _cells(level: Luma, number: int) -> Luma:
    """``number`` x ``number`` equal parts of the symbol without its margin, one a row."""
    rim = level.shape[0] // 16
    inner = level[rim:-rim, rim:-rim]
    side = inner.shape[0] // number
    return inner[: side * number, : side * number].reshape(number, side, number, side).swapaxes(1, 2).reshape(number**2, side**2)


def _widest(edges: Edges) -> float | None:
    """Of both directions: a hand that moves sideways leaves the edges along its way sharp."""
    return max((each for each in (edges.across_px, edges.down_px) if each is not None), default=None)


def _smeared(edges: Edges) -> bool:
    across_px, down_px = edges.across_px, edges.down_px
    return across_px is not None and down_px is not None and max(across_px, down_px) >= DIRECTED_MIN * min(across_px, down_px)


def _judged(beyond: dict[Reason, float], measures: Measures, *, otherwise: Reason) -> Diagnosis:
    worst = [reason for reason, by in sorted(beyond.items(), key=lambda each: -each[1]) if by >= 1]
    return Diagnosis(worst[0] if worst else otherwise, tuple(worst[1:]), measures)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
