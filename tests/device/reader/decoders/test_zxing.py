"""What zxing-cpp alone would get wrong: the smallest symbols, in which noise can turn into a payload."""

from __future__ import annotations

import numpy as np
import pytest
import segno

from device.reader.decoders import Decoder, Sight
from device.reader.decoders.zxing import open_zxing
from device.reader.frame import Luma
from tests.device.reader.pictures import VIETNAMESE, code, scene

DECODERS = [open_zxing(thorough=False), open_zxing(thorough=False, one_threshold=True)]


@pytest.mark.parametrize("decoder", DECODERS, ids=["local average", "one threshold"])
def test_a_code_is_read_dark_or_light_by_either_binarizer(decoder: Decoder) -> None:
    picture = scene(code(VIETNAMESE), width=640, height=480)
    assert [[symbol.payload for symbol in decoder.read(each).symbols] for each in (picture, ~picture)] == [[VIETNAMESE]] * 2


@pytest.mark.parametrize("version", ["M1", "M2", "M3", "M4"])
def test_a_micro_qr_code_is_neither_read_nor_seen(version: str) -> None:
    modules = np.array([list(row) for row in segno.make("12345", version=version).matrix_iter(scale=8, border=4)], np.uint8)
    picture = np.where(modules & 1, np.uint8(0), np.uint8(255))
    assert [decoder.read(scene(picture, width=320, height=240)) for decoder in DECODERS] == [Sight(), Sight()]


@pytest.mark.parametrize(("version", "level", "corrected"), [(1, "L", 2), (1, "M", 4), (2, "L", 4), (1, "Q", 6), (1, "H", 8), (3, "L", 7)])
def test_no_more_is_corrected_than_the_standard_allows(version: int, level: str, corrected: int) -> None:
    """Codewords of one block that may be wrong, ISO/IEC 18004, table 9."""
    whole = code(b"99912", scale=1, version=version, error=level, boost_error=False)
    assert [is_read(torn(whole, codewords)) for codewords in range(corrected + 2)] == [True] * (corrected + 1) + [False]


@pytest.mark.parametrize("version", [3, 7, 20])
def test_of_a_symbol_that_cannot_be_read_place_and_size_are_told(version: int) -> None:
    whole = code(b"99912", scale=1, version=version, error="l", boost_error=False)
    side = len(whole) - 8
    middle = slice(len(whole) // 2 - side // 4, len(whole) // 2 + side // 4)
    whole[middle, middle] = 255
    decoder = open_zxing(thorough=False)
    (unread,) = decoder.read(np.kron(whole, np.ones((4, 4), np.uint8))).unread
    assert unread.modules == side == 17 + 4 * version
    near, far = 4 * 4, 4 * (4 + side)
    assert np.allclose(unread.corners.points, ((near, near), (far, near), (far, far), (near, far)), atol=8)


def torn(whole: Luma, codewords: int) -> Luma:
    """One module wrong in each of the first ``codewords``: they lie in pairs of columns from the right, four rows each."""
    modules, size = whole.copy(), len(whole) - 8  # without the quiet zone
    a_column = (size - 9) // 4  # below the format information
    for number in range(codewords):
        row, column = size + 3 - 4 * (number % a_column), size + 3 - 2 * (number // a_column)
        modules[row, column] = 255 - modules[row, column]
    return modules


def is_read(modules: Luma) -> bool:
    return [symbol.payload for symbol in DECODERS[0].read(scene(modules.repeat(4, axis=0).repeat(4, axis=1), width=320, height=240)).symbols] == [
        b"99912"
    ]


def test_torn_small_codes_give_their_own_payload_or_nothing() -> None:
    """Small symbols with the least correction, most of them torn beyond reading."""
    random = np.random.default_rng(20)
    read, wrong = 0, 0
    for number in range(1500):
        payload = str(99900000 + number).encode()
        modules = code(payload, scale=1, version=2 + number % 2, error="L", boost_error=False)
        rows, columns = random.integers(13, len(modules) - 4, (2, random.integers(1, 24)))
        modules[rows, columns] = 255 - modules[rows, columns]
        found = [symbol.payload for symbol in DECODERS[number // 2 % 2].read(modules.repeat(3, axis=0).repeat(3, axis=1)).symbols]
        read += found == [payload]
        wrong += any(each != payload for each in found)
    assert wrong == 0
    assert 300 < read < 1000
