from __future__ import annotations

import pytest

from device.demo.motion import approach, leave, rest, to_and_fro


@pytest.mark.parametrize(("hurried", "frames"), [(False, 3), (True, 4)])
def test_an_approach_takes_a_few_frames_and_each_of_them_is_smeared_beyond_reading(hurried: bool, frames: int) -> None:
    moments = approach((240.0, 500.0), hurried=hurried)
    assert frames == len(moments)
    assert min(max(map(abs, moment.smear_px)) for moment in moments) > 12  # two modules of the code and more


def test_leaving_takes_two_frames_away_from_the_resting_place() -> None:
    near, far = leave((240.0, 500.0))
    assert near.offset_px < far.offset_px
    assert near.smear_px > (60.0, 120.0)


def test_a_resting_hand_sways_by_some_pixels() -> None:
    places = [moment.offset_px for moment in rest(5)]
    assert len(set(places)) == 5
    assert max(abs(part) for place in places for part in place) <= 4.0
    assert {moment.absence for moment in rest(5)} == {0.0}


def test_places_are_played_to_and_fro_and_none_twice_running() -> None:
    assert to_and_fro(3, 8) == [0, 1, 2, 1, 0, 1, 2, 1]
    assert to_and_fro(2, 3) == [0, 1, 0]
