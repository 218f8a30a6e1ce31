from __future__ import annotations

from itertools import pairwise

import pytest

from device.demo.plan import Shown, frames_of, plan_of
from device.demo.scenes import Held, Look, Presentation, presentations
from device.domain import Decision

ONE = Presentation("one", (b"KD1",), Look((Held.PHONE,), 0), 0.5, Decision.admitted(), gap_s=0.2)


def test_a_gap_an_approach_a_rest_and_a_leave_are_played_in_this_order() -> None:
    plan = plan_of([ONE])
    empty, shown = plan.scenes
    assert (range(5), range(5, 15)) == (empty.planes, shown.planes)
    assert plan.schedule[:14] == (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)
    assert (Shown(ONE, range(4, 14), range(7, 12)),) == plan.shown
    assert set(plan.schedule[14:]) <= set(empty.planes)


def test_a_long_hold_plays_few_planes_again_and_again() -> None:
    long = Presentation("long", (b"KD1",), Look((Held.PHONE,), 0), 2.5, Decision.admitted())
    plan = plan_of([long])
    assert frames_of(2.5) == len(plan.shown[0].frames)
    assert len(plan.scenes[0].planes) == 3 + 5 + 2


def test_no_frame_is_the_same_as_the_one_before(payloads: dict[str, bytes]) -> None:
    assert [pair for pair in pairwise(plan_of(presentations(payloads)).schedule) if pair[0] == pair[1]] == []


def test_every_plane_is_played(payloads: dict[str, bytes]) -> None:
    plan = plan_of(presentations(payloads))
    assert set(range(plan.planes)) == set(plan.schedule)


def test_a_time_too_short_to_rest_in_is_an_error() -> None:
    with pytest.raises(ValueError, match="too short"):
        plan_of([Presentation("flash", (b"KD1",), Look((Held.PHONE,), 0), 0.25, Decision.admitted())])
