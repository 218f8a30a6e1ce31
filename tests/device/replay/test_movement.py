from __future__ import annotations

from device.clock import NS
from device.reader.change import STILL, Change
from device.reader.frame import Box
from device.replay.moment import Moment
from device.replay.movement import Movement
from tests.device.replay.defects import printed, shot

PICTURE = shot(printed()[0])
MOVED = Change(moved=True, where=Box(200, 100, 440, 380), noise=1.5)
FRAMES_PER_S = 10


def replayed(text: str) -> Movement:
    """A frame a letter, ten a second: ``.`` still, ``m`` moved, ``f`` a symbol found in movement, ``r`` a known code read."""
    movement = Movement()
    for index, letter in enumerate("." + text):
        moment = Moment(index, index, index * NS // FRAMES_PER_S)
        movement.see(moment, STILL if letter == "." else MOVED, PICTURE, found=letter in "fr")
        if letter == "r":
            movement.read()
    return movement


def long_ones(text: str) -> list[tuple[int, int]]:
    movement = replayed(text)
    movement.end()
    return [(stretch.first.index - 1, stretch.last.index - 1) for stretch in movement.missed]


def onset(text: str) -> int | None:
    moment = replayed(text).onset
    return None if moment is None else moment.index - 1


def test_movement_for_three_seconds_without_a_code_is_told() -> None:
    assert long_ones("..." + "m" * 31 + "......") == [(3, 33)]


def test_a_passer_by_is_not_told() -> None:
    assert long_ones("..." + "m" * 29 + "......") == []


def test_a_moment_of_rest_does_not_end_it_and_half_a_second_does() -> None:
    assert long_ones("m" * 20 + "..." + "m" * 20) == [(0, 42)]
    assert long_ones("m" * 20 + "......." + "m" * 20) == []


def test_movement_that_led_to_a_code_is_not_told() -> None:
    assert long_ones("m" * 50 + "f" + "m" * 10 + "......") == []


def test_the_onset_is_where_unbroken_movement_began() -> None:
    assert onset("..mmm") == 2
    assert onset("mm.......mm") == 9
    assert onset("mmm.......") is None


def test_the_next_persons_onset_is_after_the_last_read_of_the_one_before() -> None:
    assert onset("mmfrrrmm") == 6


def test_the_very_first_frame_is_no_movement() -> None:
    movement = Movement()
    movement.see(Moment(0, 0, 0), MOVED, PICTURE, found=False)
    movement.end()
    assert (movement.onset, movement.missed) == (None, [])
