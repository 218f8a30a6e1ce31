from __future__ import annotations

import numpy as np
import pytest

from device.domain import Corners
from device.reader import flattening
from device.reader.decoders import Unreadable, open_decoder
from device.reader.flattening import DRAWN_PX, MARGIN, MODULES_MAX, Flat, _unwrapped, flattened
from device.reader.frame import Luma
from tests.device.reader.pictures import VIETNAMESE, code, scene

SCALE = 5
SYMBOL = code(VIETNAMESE, scale=SCALE)
SIDE = SYMBOL.shape[0] // SCALE - 8
PICTURE = scene(SYMBOL, at=(100, 200))
LEFT, TOP = 200 + 4 * SCALE, 100 + 4 * SCALE
RIGHT, BOTTOM = LEFT + SIDE * SCALE, TOP + SIDE * SCALE
CORNERS = ((LEFT, TOP), (RIGHT, TOP), (RIGHT, BOTTOM), (LEFT, BOTTOM))
DRAWN = (SIDE + 2 * MARGIN) * DRAWN_PX
FLAT_CORNERS = Corners(
    tuple((DRAWN_PX * (MARGIN + SIDE * x), DRAWN_PX * (MARGIN + SIDE * y)) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1)))  # type: ignore[arg-type]
)


def laid(luma: Luma, corners: tuple[tuple[float, float], ...], modules: int = SIDE, rounds: int = 1) -> list[Flat]:
    return list(flattened(luma, Unreadable(Corners(corners), modules), rounds=rounds))  # type: ignore[arg-type]


def test_a_flat_symbol_stays_as_it_is() -> None:
    (flat,) = laid(PICTURE, CORNERS)
    cells = flat.luma.reshape(DRAWN // DRAWN_PX, DRAWN_PX, DRAWN // DRAWN_PX, DRAWN_PX)[:, 2:4, :, 2:4].mean(axis=(1, 3))
    printed = SYMBOL[SCALE // 2 :: SCALE, SCALE // 2 :: SCALE][4 - MARGIN : 4 + SIDE + MARGIN, 4 - MARGIN : 4 + SIDE + MARGIN]
    assert np.array_equal(cells > 128, printed > 128)
    assert np.allclose(flat.in_picture(FLAT_CORNERS).points, CORNERS, atol=0.1)


@pytest.mark.parametrize("modules_off", [-1.6, -0.8, 0.8, 1.6])
def test_a_corner_that_was_guessed_wrong_is_put_right(modules_off: float) -> None:
    """Where a decoder saw no alignment pattern, the fourth corner is as wrong."""
    wrong = (*CORNERS[:2], (RIGHT + modules_off * SCALE, BOTTOM + modules_off * SCALE), CORNERS[3])
    flat = laid(PICTURE, wrong, rounds=2)[-1]
    assert [symbol.payload for symbol in open_decoder("zxing", thorough=False).read(flat.luma).symbols] == [VIETNAMESE]
    assert np.allclose(flat.in_picture(FLAT_CORNERS).points, CORNERS, atol=0.5 * SCALE)


def test_a_symbol_that_is_large_in_the_picture_is_averaged_before_it_is_drawn() -> None:
    large = np.kron(SYMBOL, np.ones((4, 4), np.uint8))
    at = 4 * SCALE * 4
    side = SIDE * SCALE * 4
    (flat,) = laid(large, ((at, at), (at + side, at), (at + side, at + side), (at, at + side)))
    assert [symbol.payload for symbol in open_decoder("zxing", thorough=False).read(flat.luma).symbols] == [VIETNAMESE]


def test_phases_are_followed_over_several_periods_from_the_finder_patterns_on() -> None:
    side = 41
    down, across = np.mgrid[: side + 2 * MARGIN, : side + 2 * MARGIN].astype(np.float32)
    near_finders = np.minimum.reduce([np.hypot(down - y, across - x) for y, x in ((5, 5), (5, side - 2), (side - 2, 5))])
    bend = np.stack([near_finders * 0.12, near_finders * -0.09]).astype(np.float32)
    assert np.abs(bend).max() > 1.5
    assert np.allclose(_unwrapped(bend - np.round(bend), np.ones_like(bend), side), bend, atol=1e-5)


def test_the_middles_of_the_finder_patterns_are_among_the_phases_that_are_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[tuple[int, int]] = []

    def followed(late: flattening.Field, _clear: flattening.Field, near: int, far: int) -> flattening.Field:
        begun.append((int(late[0, near, near]), int(late[0, far, far])))
        return late

    monkeypatch.setattr(flattening, "_followed", followed)
    sides = range(21, MODULES_MAX + 1, 4)
    for side in sides:
        size = side + 2 * MARGIN
        late = np.broadcast_to(np.arange(size, dtype=np.float32), (2, size, size))  # each phase says in which column it is
        _unwrapped(late, np.ones_like(late), side)
    assert begun == [(MARGIN + 3, MARGIN + side - 4) for side in sides]


def test_a_part_where_the_wave_is_lost_is_gone_round() -> None:
    side = 41
    across = np.mgrid[: side + 2 * MARGIN, : side + 2 * MARGIN][1].astype(np.float32)
    bend = np.stack([1.3 * np.sin(np.pi * (across - 5) / (side - 7))] * 2)  # nothing at the finder patterns
    late, clear = bend - np.round(bend), np.ones_like(bend)
    late[:, 12:30, 18:26], clear[:, 12:30, 18:26] = 0.4, 0.01  # a blot
    found = _unwrapped(late.astype(np.float32), clear.astype(np.float32), side)
    seen = clear[0] == 1
    assert np.allclose(found[:, seen], bend[:, seen], atol=1e-5)


@pytest.mark.parametrize("modules", [-1, 0, MODULES_MAX + 1])
def test_a_symbol_of_unknown_size_is_not_laid_flat(modules: int) -> None:
    assert laid(PICTURE, CORNERS, modules) == []


@pytest.mark.parametrize(
    "corners",
    [
        ((0, 0), (9, 0), (0, 9), (9, 9)),
        ((5, 5),) * 4,
        ((0, 0), (50, 0), (100, 0), (150, 0)),
        ((-900, -900), (-800, -900), (-800, -800), (-900, -800)),
    ],
    ids=["crossed", "one point", "one line", "beyond the picture"],
)
def test_what_is_no_square_seen_askew_is_not_laid_flat(corners: tuple[tuple[float, float], ...]) -> None:
    assert laid(PICTURE, corners) == []


@pytest.mark.parametrize(("modules", "pictures"), [(1, 30), (11, 30), (21, 30), (57, 30), (MODULES_MAX, 5)])
def test_whatever_the_corners_and_the_picture_there_is_a_picture_or_none(modules: int, pictures: int) -> None:
    """A decoder that is wrong, or a paper that is made to mislead one: noise, at corners anywhere, some of them far away."""
    rng, laid_flat = np.random.default_rng(modules), 0
    for number in range(pictures):
        height, width, padding = rng.integers(1, 120, 3)
        luma = rng.integers(0, 256, (height, width + padding), np.uint8)[:, :width]
        away = 10.0 ** rng.integers(0, 10) if number % 5 == 0 else 1.0
        quad = [(x * width * away + rng.normal(0, 12), y * height * away + rng.normal(0, 12)) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
        flats = laid(luma, tuple((float(x), float(y)) for x, y in quad), modules, rounds=2)
        assert {flat.luma.shape for flat in flats} <= {((modules + 2 * MARGIN) * DRAWN_PX,) * 2}
        laid_flat += len(flats) == 2 and bool(flats[-1]._off.any())
    assert laid_flat >= pictures // 5


def test_it_is_all_done_in_single_precision() -> None:
    """Double takes half as long again."""
    flats = laid(PICTURE, CORNERS, rounds=2)
    assert {flat._off.dtype for flat in flats} == {np.dtype(np.float32)}


def test_a_bent_side_that_bulges_out_of_the_corners_is_drawn_as_a_whole() -> None:
    """The corners of a cup's label, say, lie deeper than its middle: what is drawn is not cut off at the corners."""
    luma = np.full((400, 400), 200, np.uint8)
    luma[60:340, 60:340] = 0
    (flat,) = laid(luma, ((100, 100), (300, 100), (300, 300), (100, 300)), 41)
    assert flat.luma[0, 0] == 0  # two modules out of the corners, as it is in the picture
