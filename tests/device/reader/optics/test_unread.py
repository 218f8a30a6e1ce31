from __future__ import annotations

import numpy as np
import pytest

from device.clock import NS
from device.domain import Corners
from device.reader.chain import Look, Reading
from device.reader.frame import Luma
from device.reader.optics.unread import FURNITURE_NS, Unread, hidden_by_light
from tests.device.reader.pictures import VIETNAMESE, code, scene

PICTURE = scene(code(VIETNAMESE, scale=4), width=640, height=480, at=(100, 200))
SIDE = code(VIETNAMESE, scale=4).shape[0]
NOTHING = Look()
FRAME_NS = NS // 30


def at(x: float, y: float, side: float = SIDE) -> Corners:
    return Corners(((x, y), (x + side, y), (x + side, y + side), (x, y + side)))


def found(x: float = 200, y: float = 100) -> Look:
    return Look((), (at(x, y),))


READ = Look((Reading(b"999", at(200, 100), "zxing-half"),), ())


class Watch:
    def __init__(self, luma: Luma = PICTURE) -> None:
        self.luma = luma
        self.now_ns = 1_000 * NS
        self.unread = Unread()

    def sees(self, look: Look, frames: int = 1, *, moved: bool = True) -> list[str]:
        """What was said, without repeats."""
        said: list[str] = []
        for _ in range(frames):
            self.now_ns += FRAME_NS
            word = str(self.unread.look(self.luma, look, self.now_ns, moved=moved) or "-")
            said += [word] if said[-1:] != [word] else []
        return said


def test_a_code_is_unreadable_after_a_second_and_no_sooner() -> None:
    watch = Watch()
    assert (watch.sees(found(), 30), watch.sees(found(), 2)) == (["-"], ["-", "unreadable"])


def test_it_is_over_when_anything_is_read() -> None:
    watch = Watch()
    assert (watch.sees(found(), 40), watch.sees(READ), watch.sees(found(), 20)) == (["-", "unreadable"], ["-"], ["-"])


def test_it_holds_over_frames_in_which_the_code_is_not_found_and_ends_when_the_hand_has_gone() -> None:
    watch = Watch()
    watch.sees(found(), 40)
    said = [word for _ in range(10) for word in watch.sees(NOTHING, 3) + watch.sees(found(), 1)]
    assert set(said) == {"unreadable"}
    assert watch.sees(NOTHING, 30) == ["unreadable", "-"]


def test_finds_here_and_there_are_not_a_code_that_is_held_up() -> None:
    watch = Watch()
    assert [word for _ in range(20) for word in watch.sees(found()) + watch.sees(NOTHING, 14)] == ["-"] * 40


def test_what_is_found_in_an_unmoved_scene_is_nobodys() -> None:
    assert Watch().sees(found(), 100, moved=False) == ["-"]


def test_a_torn_poster_that_hangs_there_for_ten_seconds_is_furniture_and_a_code_elsewhere_is_not() -> None:
    watch = Watch()
    watch.sees(found(), FURNITURE_NS // FRAME_NS, moved=False)
    assert watch.sees(found(), 60) == ["-"]
    assert watch.sees(Look((), (at(200, 100), at(400, 250))), 60) == ["-", "unreadable"]


def test_places_are_forgotten_and_never_more_than_a_few() -> None:
    watch = Watch()
    for number in range(100):
        watch.sees(found(number * 1_000))
    assert len(watch.unread._places) == 8
    watch.now_ns += 61 * NS
    watch.sees(found())
    assert len(watch.unread._places) == 1


def glare(luma: Luma, radius: int) -> Luma:
    y, x = np.mgrid[: luma.shape[0], : luma.shape[1]]
    shown = luma.copy()
    shown[(x - 200 - SIDE / 2) ** 2 + (y - 100 - SIDE / 2) ** 2 < radius**2] = 255
    return shown


def test_light_over_the_code_is_glare() -> None:
    watch = Watch(glare(PICTURE, 40))
    assert watch.sees(found(), 60) == ["-", "glare"]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("length", [10, 100, 1_000])
def test_white_paper_is_not_taken_for_light(length: int, turned: bool) -> None:
    symbol = code(b"9" * length, scale=3)
    side = symbol.shape[0] - 24
    luma = scene(symbol, width=800, height=800, at=(38, 38))
    corners = at(50, 50, side)
    if turned:  # the same box as a symbol that stands on its corner
        (a, b, c, d), half = corners.points, side / 2
        corners = Corners(((a[0] + half, a[1]), (b[0], b[1] + half), (c[0] - half, c[1]), (d[0], d[1] - half)))
    assert not hidden_by_light(luma, corners)


@pytest.mark.parametrize("corners", [at(-500, -500), at(630, 470), at(10, 10, 3), at(-50, -50, 2000)], ids=["outside", "at the edge", "tiny", "huge"])
def test_corners_may_lie_anywhere(corners: Corners) -> None:
    assert hidden_by_light(PICTURE, corners) is False
