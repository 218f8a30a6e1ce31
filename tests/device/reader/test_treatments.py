from __future__ import annotations

import numpy as np
import pytest

from device.reader import treatments
from device.reader.frame import Luma
from device.reader.treatments import (
    SCALES,
    Treatment,
    cleaned,
    closed,
    darkened,
    doubled,
    enlarged,
    equalised,
    full,
    half,
    lightened,
    opened,
    quarter,
    sharpened,
    smoothed,
    stretched,
    third,
    thresholded,
)

KEEP_SIZE = [full, smoothed, sharpened, cleaned, opened, closed, stretched, darkened, lightened, equalised, thresholded]
ALL = [*KEEP_SIZE, half, third, quarter, enlarged, doubled]
SHAPES = [(1, 1), (1, 9), (2, 3), (31, 40), (33, 65), (500, 300)]


def noise(height: int, width: int) -> Luma:
    return np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)


def named(treatment: Treatment) -> str:
    return treatment.__name__


@pytest.mark.parametrize("treatment", ALL, ids=named)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_treatment_gives_bytes_of_the_size_that_its_scale_says(treatment: Treatment, shape: tuple[int, int]) -> None:
    height, width = shape
    sizes: dict[Treatment, tuple[int, int]] = {
        half: (height // 2, width // 2),
        third: (height // 3, width // 3),
        quarter: (height // 2 // 2, width // 2 // 2),
        enlarged: (height // 2 * 3, width // 2 * 3),
        doubled: (2 * height, 2 * width),
    }
    expected = sizes.get(treatment, shape)
    treated = treatment(noise(*shape))
    assert (treated.shape, treated.dtype.name, treated.flags.c_contiguous) == (expected, "uint8", True)
    assert SCALES.get(treatment, 1) * height == pytest.approx(expected[0], abs=2)


@pytest.mark.parametrize("treatment", ALL, ids=named)
def test_a_view_with_padded_rows_is_treated_like_a_copy_and_left_as_it_is(treatment: Treatment) -> None:
    padded = noise(60, 99)
    before = padded.copy()
    assert treatment(padded[:, :70]).tolist() == treatment(before[:, :70].copy()).tolist()
    assert padded.tolist() == before.tolist()


@pytest.mark.parametrize("treatment", [each for each in ALL if each not in (stretched, equalised, thresholded)], ids=named)
@pytest.mark.parametrize("value", [0, 255])
def test_black_stays_black_and_white_stays_white(treatment: Treatment, value: int) -> None:
    assert np.unique(treatment(np.full((8, 8), value, np.uint8))).tolist() == [value]


@pytest.mark.parametrize("treatment", [smoothed, sharpened, cleaned, opened, closed, doubled, enlarged], ids=named)
def test_strips_leave_no_seam(treatment: Treatment, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(60, 40)
    whole = treatment(picture)
    monkeypatch.setattr(treatments, "STRIP_BYTES", 4 * 40)
    assert treatment(picture).tolist() == whole.tolist()


def test_enlarging_lies_between_the_neighbours() -> None:
    assert doubled(np.array([[0, 80]], np.uint8)).tolist() == [[0, 20, 60, 80]] * 2
    assert enlarged(np.array([[0, 60]] * 2, np.uint8)).tolist() == [[0, 30, 60]] * 3
    assert enlarged(np.array([[0, 60], [60, 120]], np.uint8)).tolist() == [[0, 30, 60], [30, 60, 90], [60, 90, 120]]


def test_a_ramp_stays_a_ramp_when_enlarged() -> None:
    ramp = np.tile(np.arange(0, 240, 6, dtype=np.uint8), (4, 1))
    assert enlarged(ramp)[0, 1:-1].tolist() == [4 * place + 3 for place in range(58)]


def test_a_third_is_the_rounded_mean_of_nine() -> None:
    picture = noise(6, 7)
    assert third(picture).tolist() == [[round(float(picture[y : y + 3, x : x + 3].mean())) for x in (0, 3)] for y in (0, 3)]


def test_a_speck_is_cleaned_away_and_an_edge_stays() -> None:
    edge = np.repeat(np.array([[10] * 6 + [200] * 6], np.uint8), 9, axis=0)
    dirty = edge.copy()
    dirty[4, 2] = 255
    assert cleaned(dirty).tolist() == edge.tolist()


def test_the_median_is_exact() -> None:
    picture = noise(20, 30)
    framed = np.pad(picture, 1, mode="edge")
    nine = np.stack([framed[y : y + 20, x : x + 30] for y in range(3) for x in range(3)])
    assert cleaned(picture).tolist() == np.median(nine, axis=0).astype(int).tolist()


def test_opening_takes_light_specks_and_closing_dark_ones() -> None:
    grey = np.full((9, 9), 100, np.uint8)
    light, dark = grey.copy(), grey.copy()
    light[4, 4], dark[4, 4] = 255, 0
    assert (opened(light).tolist(), closed(dark).tolist()) == (grey.tolist(), grey.tolist())
    assert (opened(dark).tolist(), closed(light).tolist()) == (dark.tolist(), light.tolist())


def test_stretching_uses_the_whole_range() -> None:
    dim = np.tile(np.arange(100, 120, dtype=np.uint8), (20, 1))
    assert (int(stretched(dim).min()), int(stretched(dim).max())) == (0, 255)


def test_light_and_dark_curves_undo_each_other() -> None:
    greys = np.arange(64, 256, dtype=np.uint8).reshape(12, 16)
    assert np.abs(darkened(lightened(greys)).astype(int) - greys).max() <= 3


def test_equalising_gives_a_shadowed_half_the_contrast_of_the_other() -> None:
    board = np.kron(np.indices((24, 40)).sum(axis=0) % 2, np.ones((8, 8), int))
    lit = np.where(np.arange(320) < 160, 20 + 40 * board, 60 + 190 * board).astype(np.uint8)
    even = equalised(lit)
    shadow, light = even[:, :100], even[:, 220:]
    assert min(int(np.ptp(shadow)), int(np.ptp(light))) >= 240


def test_equalising_leaves_faint_noise_faint() -> None:
    faint = (100 + noise(96, 96) % 4).astype(np.uint8)
    assert int(np.ptp(equalised(faint))) < 64


def test_a_threshold_parts_light_from_dark_on_a_slope() -> None:
    board = np.kron(np.indices((12, 40)).sum(axis=0) % 2, np.ones((4, 4), int))
    sloping = (20 + np.arange(160) + 60 * board).astype(np.uint8)
    inner = (slice(8, -8), slice(8, -8))
    assert np.mean(thresholded(sloping)[inner] == 255 * board[inner]) > 0.97
