from __future__ import annotations

import numpy as np
import pytest

from device.domain import Corners
from device.reader.chain import Look
from device.reader.change import STILL, Change
from device.reader.frame import Box, Frame
from device.reader.optics.bracket import LOOKS_A_BRACKET, ROUNDS_MAX, Bracket

CORNERS = Corners(((100.0, 60.0), (200.0, 60.0), (200.0, 160.0), (100.0, 160.0)))
UNREAD, NOTHING = Look((), (CORNERS,)), Look()
MOVED = Change(moved=True, where=Box(90, 50, 210, 170))


def factors(bracket: Bracket, look: Look, *, level: int, looks: int, change: Change = MOVED) -> list[float]:
    """The factors, without repeats, while what moves is ``level`` bright on a grey wall."""
    luma = np.full((240, 320), 110, np.uint8)
    luma[50:170, 90:210] = level
    seen: list[float] = []
    for number in range(looks):
        bracket.look(Frame(luma, number, 0), change, look)
        seen += [bracket.factor] if seen[-1:] != [bracket.factor] else []
    return seen


def calm() -> Bracket:
    """After a look at a still scene."""
    bracket = Bracket()
    bracket.look(Frame(np.full((240, 320), 110, np.uint8), 0, 0), STILL, NOTHING)
    return bracket


@pytest.mark.parametrize(
    ("look", "level", "order"),
    [
        pytest.param(UNREAD, 110, [1, 1 / 4, 4, 1 / 16, 16, 1], id="well exposed: both ways in turn"),
        pytest.param(UNREAD, 255, [1, 1 / 4, 1 / 16, 4, 16, 1], id="white: a screen, so darker first"),
        pytest.param(UNREAD, 10, [1, 4, 16, 1 / 4, 1 / 16, 1], id="black: paper in shade, so lighter first"),
        pytest.param(NOTHING, 255, [1, 1 / 4, 1 / 16, 4, 16, 1], id="too white to find a code in"),
        pytest.param(NOTHING, 10, [1, 4, 16, 1 / 4, 1 / 16, 1], id="too dark to find a code in"),
        pytest.param(NOTHING, 110, [1], id="somebody who passes without a code"),
    ],
)
def test_the_order_follows_what_the_picture_says(look: Look, level: int, order: list[float]) -> None:
    assert factors(calm(), look, level=level, looks=(9 if look is NOTHING else 3) + 5 * LOOKS_A_BRACKET) == order


def test_without_a_code_nothing_begins_before_the_scene_was_still_once() -> None:
    assert factors(Bracket(), NOTHING, level=10, looks=100) == [1]


def test_there_is_an_end_to_it_until_the_scene_was_still_or_something_was_read() -> None:
    bracket = calm()
    assert factors(bracket, UNREAD, level=110, looks=500).count(16) == ROUNDS_MAX
    bracket.end()
    assert factors(bracket, UNREAD, level=110, looks=500).count(16) == ROUNDS_MAX


def test_corners_outside_of_the_picture_do_no_harm() -> None:
    outside = Look((), (Corners(((-50.0, -50.0), (-10.0, -50.0), (-10.0, -10.0), (-50.0, -10.0))),))
    assert factors(calm(), outside, level=110, looks=20) == [1]
