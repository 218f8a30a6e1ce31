from __future__ import annotations

import numpy as np
import pytest

from device.domain import Corners
from device.reader.frame import Box, Luma
from device.reader.outline import around
from device.replay.diagnosis import TOLD, Diagnosis, Measures, Reason, of_movement, of_symbol, typical
from tests.device.replay.defects import covered, defocused, lit, printed, shot, smeared

LIGHT, CORNERS = printed()
FAR, FAR_CORNERS = printed(module_px=2)
ASIDE, ASIDE_CORNERS = printed(module_px=9, tilt=0.45)
FLAWLESS = shot(LIGHT)


@pytest.mark.parametrize(
    ("picture", "corners", "way_px", "reason"),
    [
        pytest.param(shot(LIGHT * 0.15, noise=2), CORNERS, 0, Reason.TOO_DARK, id="night"),
        pytest.param(shot(LIGHT * 0.3, noise=14), CORNERS, 0, Reason.TOO_DARK, id="dusk, and its noise"),
        pytest.param(shot(LIGHT + 170), CORNERS, 0, Reason.TOO_BRIGHT, id="sun"),
        pytest.param(shot(lit(LIGHT, CORNERS, 45)), CORNERS, 0, Reason.GLARE, id="a lamp mirrored"),
        pytest.param(shot(LIGHT * 0.2 + 110), CORNERS, 0, Reason.LOW_CONTRAST, id="fog"),
        pytest.param(shot(FAR), FAR_CORNERS, 0, Reason.TOO_SMALL, id="far"),
        pytest.param(shot(smeared(LIGHT, 8)), CORNERS, 0, Reason.MOTION_BLUR, id="moved sideways"),
        pytest.param(shot(smeared(LIGHT, 9, diagonal=True)), CORNERS, 18, Reason.MOTION_BLUR, id="moved aslant, as its way tells"),
        pytest.param(shot(defocused(LIGHT, 4)), CORNERS, 0, Reason.OUT_OF_FOCUS, id="defocused"),
        pytest.param(shot(defocused(LIGHT, 4)), CORNERS, 2, Reason.OUT_OF_FOCUS, id="defocused, in a swaying hand"),
        pytest.param(shot(ASIDE), ASIDE_CORNERS, 0, Reason.TILTED, id="from aside"),
        pytest.param(shot(covered(LIGHT, CORNERS, 0.45)), CORNERS, 0, Reason.DAMAGED, id="under a thumb"),
        pytest.param(FLAWLESS, CORNERS, 0, Reason.DAMAGED, id="nothing to be seen"),
    ],
)
def test_each_defect_is_told_as_what_it_is(picture: Luma, corners: Corners, way_px: float, reason: Reason) -> None:
    assert of_symbol(picture, corners, way_px=way_px).reason is reason


def test_a_flawless_picture_has_no_cause_beyond_its_limit() -> None:
    told = of_symbol(FLAWLESS, CORNERS)
    assert (told.also, told.measures.module_px, told.measures.edge_px, told.measures.tilt_deg) == ((), 5.0, 1.0, 0.0)


def test_two_defects_are_both_told_the_worse_one_first() -> None:
    told = of_symbol(shot(defocused(LIGHT, 4) * 0.25, noise=0.5), CORNERS)
    assert (told.reason, told.also[:1]) == (Reason.OUT_OF_FOCUS, (Reason.TOO_DARK,))


@pytest.mark.parametrize(
    ("factor", "offset", "radius_px", "reason"),
    [(0.1, 0, 0, Reason.TOO_DARK), (0.3, 180, 0, Reason.TOO_BRIGHT), (1, 0, 5, Reason.OUT_OF_FOCUS), (1, 0, 0, Reason.NO_CODE)],
)
def test_movement_without_a_code_is_told_by_its_light_and_blur(factor: float, offset: float, radius_px: float, reason: Reason) -> None:
    assert of_movement(shot(defocused(LIGHT, radius_px) * factor + offset, noise=0.5), Box(100, 60, 540, 420)).reason is reason


def _found(reason: Reason, *also: Reason, white: float = 200) -> Diagnosis:
    return Diagnosis(reason, also, Measures(white, 20, 1))


def test_of_a_span_the_reason_met_most_often_is_told_with_what_was_beside_it_half_of_the_time() -> None:
    dark, motion = Reason.TOO_DARK, Reason.MOTION_BLUR
    span = [_found(motion, white=1), _found(dark, motion, white=2), _found(dark, white=3), _found(dark, Reason.TILTED, white=4)]
    assert typical(span) == _found(dark, motion, white=3)


@pytest.mark.parametrize(
    "points",
    [
        ((0, 0), (0, 0), (0, 0), (0, 0)),
        ((-50, -50), (900, -50), (900, 900), (-50, 900)),
        ((700, 500), (800, 500), (800, 600), (700, 600)),
        ((10, 10), (300, 300), (300, 10), (10, 300)),  # crossed over
        ((0, 0), (5, 0), (5, 5), (0, 5)),
    ],
)
def test_corners_that_make_no_sense_are_no_error(points: tuple[tuple[float, float], ...]) -> None:
    picture = FLAWLESS
    corners = Corners(points)  # type: ignore[arg-type]
    assert of_symbol(picture, corners).reason in TOLD
    box = around(corners, picture.shape)
    assert 0 <= box.left < box.right <= 640
    assert 0 <= box.top < box.bottom <= 480


def test_every_reason_has_words_and_advice() -> None:
    assert set(TOLD) == set(Reason)
    assert of_movement(np.zeros((480, 640), np.uint8), Box(0, 0, 8, 8)).reason is Reason.TOO_DARK
