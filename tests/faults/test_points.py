"""A point that nobody passes any more would make the kills there fewer, and nobody would see it."""

from __future__ import annotations

import pytest

from tests.faults.points import POINTS, Point, find


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_a_point_is_a_step_of_the_work_that_is_there(point: Point) -> None:
    holder, function = find(point)
    assert callable(getattr(holder, function))
