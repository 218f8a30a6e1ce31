from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from device.domain import Corners
from device.errors import FrameError
from device.reader import read_still, still
from device.reader.decoders import Decoder, Sight, Symbol, Unreadable
from device.reader.flattening import Flat
from device.reader.frame import Luma
from device.reader.picture import read_luma
from device.reader.treatments import half
from tests.bench.bent_sheet import bent_sheet
from tests.bench.peers import zxing_defaults
from tests.bench.seeds import TUNING
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, part_of_a_set, scene

PHOTOS = Path(__file__).parents[4] / "shared" / "data" / "photos"


READ_WHEN_FLAT = {"cup": (3, 10), "creases": (4, 12, 13), "cloth": (7, 16, 23)}
"""Sheets of the tuning seed that zxing-cpp's defaults do not read; of creases and cloth nearly every guess of the corners does, laid flat."""


def payloads(picture: Luma) -> list[bytes]:
    return sorted(symbol.payload for symbol in read_still(picture))


@pytest.mark.parametrize("payload", [VIETNAMESE, RANDOM], ids=["Vietnamese", "random bytes"])
@pytest.mark.parametrize("inverted", [False, True], ids=["dark on light", "light on dark"])
def test_a_clean_code_is_read_to_the_byte(payload: bytes, inverted: bool) -> None:
    picture = scene(code(payload), width=640, height=480)
    assert payloads(~picture if inverted else picture) == [payload]


def test_two_codes_in_one_picture_are_both_returned_with_their_own_corners_in_its_pixels() -> None:
    left, right = code(VIETNAMESE), code(RANDOM)
    quiet, begin = 16, 60 + left.shape[1] + 40
    expected = {
        payload: [(x + quiet, 40 + quiet), (x + size - quiet, 40 + quiet), (x + size - quiet, 40 + size - quiet), (x + quiet, 40 + size - quiet)]
        for payload, x, size in [(VIETNAMESE, 60, left.shape[1]), (RANDOM, begin, right.shape[1])]
    }
    found = {symbol.payload: symbol.corners.points for symbol in read_still(scene(left, right, width=640, height=480))}
    assert found.keys() == expected.keys()
    assert all(np.allclose(found[payload], expected[payload], atol=2) for payload in expected)


def test_a_faint_code_is_read_beside_one_that_is_read_at_once() -> None:
    picture = scene(code(VIETNAMESE), small_and_dim(RANDOM), width=640, height=480)
    assert payloads(picture) == sorted([VIETNAMESE, RANDOM])


def test_the_same_code_at_two_places_is_two_codes() -> None:
    first, second = read_still(scene(code(VIETNAMESE), code(VIETNAMESE), width=640, height=480))
    assert (first.payload, second.payload) == (VIETNAMESE, VIETNAMESE)
    assert abs(first.corners.centre[0] - second.corners.centre[0]) == pytest.approx(code(VIETNAMESE).shape[1] + 40, abs=2)


@pytest.mark.parametrize("quarters", range(4))
def test_corners_begin_at_the_symbols_own_top_left(quarters: int) -> None:
    (symbol,) = read_still(np.rot90(scene(code(b"999", scale=8), width=640, height=480), -quarters))
    upright = [(92, 72), (260, 72), (260, 240), (92, 240)]
    turned = [[(x, y), (480 - y, x), (640 - x, 480 - y), (y, 640 - x)][quarters] for x, y in upright]
    assert np.allclose(symbol.corners.points, turned, atol=2)


def small_and_dim(payload: bytes) -> Luma:
    """One and a half pixels a module, an eighth of the contrast."""
    large = code(payload, scale=3)
    return (100 + half(large) // 8).astype(np.uint8)


def test_a_code_of_one_and_a_half_pixels_a_module_with_little_contrast_is_read_and_placed() -> None:
    (symbol,) = read_still(scene(small_and_dim(VIETNAMESE), width=320, height=240))
    side = code(VIETNAMESE, scale=3).shape[0] / 2
    expected = [(66, 46), (60 + side - 6, 46), (60 + side - 6, 40 + side - 6), (66, 40 + side - 6)]
    assert symbol.payload == VIETNAMESE
    assert np.allclose(symbol.corners.points, expected, atol=2)


def test_the_search_ends_with_what_is_enough() -> None:
    picture = scene(code(VIETNAMESE), small_and_dim(RANDOM), width=640, height=480)
    assert [symbol.payload for symbol in read_still(picture, enough=lambda symbol: symbol.payload == VIETNAMESE)] == [VIETNAMESE]


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 2), (3, 3), (5, 7), (1, 8192)])
@pytest.mark.parametrize("value", [0, 255])
def test_a_picture_that_holds_nothing_gives_nothing(shape: tuple[int, int], value: int) -> None:
    assert read_still(np.full(shape, value, np.uint8)) == []


def test_noise_gives_nothing() -> None:
    assert read_still(np.random.default_rng(3).integers(0, 256, (240, 320), dtype=np.uint8)) == []


@pytest.mark.parametrize(
    "picture",
    [np.zeros((0, 0), np.uint8), np.zeros((9, 9), float), np.zeros((9, 9, 3), np.uint8), np.zeros(9, np.uint8)],
    ids=["empty", "float", "RGB", "a row of bytes"],
)
def test_what_is_no_luma_is_refused(picture: Luma) -> None:
    with pytest.raises(FrameError):
        read_still(picture)


def test_a_code_in_a_very_wide_picture_is_read() -> None:
    assert payloads(scene(code(VIETNAMESE), width=8192, height=300, at=(20, 7600))) == [VIETNAMESE]


class Counting:
    """A decoder that reads nothing, and notes the size of what it is shown."""

    def __init__(self) -> None:
        self.sizes = list[int]()

    def read(self, luma: Luma) -> Sight:
        self.sizes.append(luma.size)
        return Sight()


class Broken:
    def read(self, luma: Luma) -> Sight:
        raise ValueError(luma.shape)


def with_decoder(monkeypatch: pytest.MonkeyPatch, decoder: Decoder, *names: str) -> None:
    real = still._decoder
    monkeypatch.setattr(still, "_decoder", lambda name: decoder if not names or name in names else real(name))


def test_a_large_picture_costs_no_more_than_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    with_decoder(monkeypatch, counting)
    monkeypatch.setattr(still, "BUDGET_MS", still.LOOKS[0].cost + still.LOOKS[1].cost + 0.01)
    read_still(np.zeros((1000, 1000), np.uint8))
    assert counting.sizes == [1_000_000, 333 * 333]


def test_no_treated_picture_is_larger_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting()
    with_decoder(monkeypatch, counting)
    monkeypatch.setattr(still, "TREATED_MAX_PX", 10_000)
    read_still(np.zeros((90, 100), np.uint8))
    assert 0 < max(counting.sizes) <= 10_000


def test_a_decoder_that_fails_does_not_hide_what_another_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    with_decoder(monkeypatch, Broken(), "global", "zbar")
    assert payloads(scene(code(VIETNAMESE), width=640, height=480)) == [VIETNAMESE]


def test_symbols_seen_and_not_read_are_looked_at_closely_a_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind(Counting):
        """Sees twenty symbols in the whole picture, reads none."""

        def read(self, luma: Luma) -> Sight:
            self.sizes.append(luma.size)
            places = [Corners(((x, 9), (x + 40, 9), (x + 40, 49), (x, 49))) for x in range(0, 1200, 60)]
            return Sight(unread=tuple(Unreadable(each) for each in places))

    blind = Blind()
    with_decoder(monkeypatch, blind)
    assert read_still(np.zeros((60, 1300), np.uint8)) == []
    assert len(blind.sizes) == len(still.LOOKS) + len(still.MORE_LOOKS) + still.PLACES_MAX * len(still.CLOSE_LOOKS)


@pytest.mark.parametrize(("bend", "number"), [(bend, number) for bend, numbers in READ_WHEN_FLAT.items() for number in numbers])
def test_a_code_on_a_sheet_that_is_not_flat_is_read_and_placed(bend: str, number: int) -> None:
    sheet = bent_sheet(TUNING, number, bend)
    assert zxing_defaults(sheet.luma) == frozenset()
    (symbol,) = read_still(sheet.luma)
    assert symbol.payload == sheet.payload
    assert all(0 <= x < sheet.luma.shape[1] and 0 <= y < sheet.luma.shape[0] for x, y in symbol.corners.points)


def test_torn_symbols_of_the_largest_kind_cost_no_more_than_the_budget_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    laid: list[int] = []

    def counted(_luma: Luma, symbol: Unreadable, *, rounds: int) -> Iterator[Flat]:
        laid.append(rounds * symbol.modules**2)
        return iter(())

    class Misled(Counting):
        """Sees a symbol of version 40 at eight places, each time a little elsewhere."""

        def read(self, luma: Luma) -> Sight:
            self.sizes.append(luma.size)
            off = len(self.sizes)
            places = [Corners(((x, 9), (x + 100, 9), (x + 100 + off, 109), (x, 109))) for x in range(0, 1200, 150)]
            return Sight(unread=tuple(Unreadable(each, 177) for each in places))

    monkeypatch.setattr(still, "flattened", counted)
    with_decoder(monkeypatch, Misled())
    assert read_still(np.zeros((120, 1300), np.uint8)) == []
    assert 0 < sum(laid) * still.ROUND_US / 1000 <= still.FLATTENING_BUDGET_MS


def test_the_corners_of_a_bent_symbol_are_laid_flat_from_several_guesses() -> None:
    findings, sized = still._Findings(), [Unreadable(Corners(((0, 0), (100, 0), (100 + px, 100), (0, 100))), 25) for px in (0, 0.1, 2, 4)]
    for symbol in (*sized, Unreadable(sized[0].corners, 29), Unreadable(sized[0].corners)):
        findings.add(Sight(unread=(symbol,)))
    (place,) = findings.unread()
    assert [(each.corners.points[2][0], each.modules) for each in place.guesses] == [(100, 25), (102, 25), (104, 25), (100, 29), (100, 0)]
    for px in range(6, 60, 2):
        findings.add(Sight(unread=(Unreadable(Corners(((0, 0), (100, 0), (100 + px, 100), (0, 100))), 25),)))
    assert len(place.guesses) == still.GUESSES_MAX


def test_a_part_of_a_set_does_not_hide_the_code_beside_it() -> None:
    assert VIETNAMESE in payloads(scene(part_of_a_set(), code(VIETNAMESE), width=800, height=480))


@pytest.mark.skipif(not PHOTOS.exists(), reason="the photographs are not here")
def test_photographs_that_no_decoder_reads_alone_are_read() -> None:
    rows = {row["file"]: row for row in json.loads((PHOTOS / "truth.json").read_text(encoding="utf-8"))}
    names = ["zxing-cpp/qrcode-2/12.webp", "zxing-cpp/qrcode-2/13.webp", "zxing-cpp/qrcode-2/28.webp", "zxing-cpp/qrcode-4/08.webp"]
    assert [payloads(read_luma(PHOTOS / name)) for name in names] == [[expected(rows[name])] for name in names]


def expected(row: dict[str, str | None]) -> bytes:
    return bytes.fromhex(row["payload_hex"]) if row["payload_hex"] else str(row["payload"]).encode()


def test_an_empty_payload_is_no_reading() -> None:
    findings = still._Findings()
    findings.add(Sight((Symbol(b"", Corners(((0, 0), (9, 0), (9, 9), (0, 9)))),)))
    assert findings.codes == []
