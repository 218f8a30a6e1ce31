from __future__ import annotations

import numpy as np

from device.reader.frame import Frame
from device.reader.recent import FRAMES_KEPT, Recent


def frame(number: int, released: list[int], shape: tuple[int, int] = (4, 4)) -> Frame:
    return Frame(np.zeros(shape, np.uint8), number, number, lambda: released.append(number))


def test_the_newest_frames_are_kept_and_each_older_one_is_released_once() -> None:
    recent, released = Recent(), list[int]()
    for number in range(FRAMES_KEPT + 3):
        recent.keep(frame(number, released))
    assert ([each.number for each in recent.frames], released) == (list(range(3, FRAMES_KEPT + 3)), [0, 1, 2])


def test_cleared_it_has_released_all_and_holds_none() -> None:
    recent, released = Recent(), list[int]()
    for number in range(3):
        recent.keep(frame(number, released))
    recent.clear()
    recent.clear()
    assert (len(recent.frames), released) == (0, [0, 1, 2])


def test_frames_of_another_size_push_out_those_before() -> None:
    recent, released = Recent(), list[int]()
    recent.keep(frame(0, released))
    recent.keep(frame(1, released, (8, 8)))
    assert ([each.number for each in recent.frames], released) == ([1], [0])


def test_no_pixel_is_copied() -> None:
    recent = Recent()
    shown = frame(0, [])
    recent.keep(shown)
    assert recent.frames[-1].luma is shown.luma
