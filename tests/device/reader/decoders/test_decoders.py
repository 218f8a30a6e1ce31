"""What every decoder promises: one contract, each library."""

from __future__ import annotations

import subprocess
import sys
import types

import numpy as np
import pytest

from device.errors import HardwareError
from device.reader import decoders
from device.reader.decoders import DECODERS, Decoder, open_decoder
from device.reader.frame import Luma
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, part_of_a_set, scene


@pytest.fixture(params=sorted(DECODERS))
def decoder(request: pytest.FixtureRequest) -> Decoder:
    return open_decoder(request.param, thorough=True)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(VIETNAMESE, id="Vietnamese"),
        pytest.param(RANDOM, id="random bytes"),
        pytest.param(bytes(range(256)), id="every byte"),
        pytest.param("999|Nữ||01012021".encode(), id="bars after a letter that charset guesses eat"),
        pytest.param(b"9" * 300, id="digits"),
    ],
)
def test_payloads_come_back_to_the_byte_dark_or_light(decoder: Decoder, payload: bytes) -> None:
    picture = scene(code(payload))
    assert [[symbol.payload for symbol in decoder.read(each).symbols] for each in (picture, ~picture)] == [[payload], [payload]]


def test_a_part_of_a_set_does_not_hide_the_code_beside_it(decoder: Decoder) -> None:
    assert VIETNAMESE in [symbol.payload for symbol in decoder.read(scene(part_of_a_set(), code(VIETNAMESE))).symbols]


def test_corners_go_clockwise_from_the_top_left(decoder: Decoder) -> None:
    (symbol,) = decoder.read(scene(code(b"999", scale=8), at=(40, 60))).symbols
    assert np.allclose(symbol.corners.points, [(92, 72), (260, 72), (260, 240), (92, 240)], atol=3)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2), (720, 1280)])
def test_pictures_without_a_code_give_nothing(decoder: Decoder, shape: tuple[int, int]) -> None:
    assert decoder.read(np.random.default_rng(8).integers(0, 256, shape, dtype=np.uint8)).symbols == ()


def test_padded_and_read_only_rows_are_read(decoder: Decoder) -> None:
    plane = np.full((720, 1344), 128, np.uint8)
    plane[:, :1280] = scene(code(VIETNAMESE))
    plane.flags.writeable = False
    assert [symbol.payload for symbol in decoder.read(plane[:, :1280]).symbols] == [VIETNAMESE]


def test_a_decoder_nobody_knows_stops_the_process() -> None:
    with pytest.raises(HardwareError, match="no decoder is called 'quirc'") as raised:
        open_decoder("quirc", thorough=False)
    assert "zxing" in raised.value.hint


def test_a_decoder_that_is_not_installed_stops_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DECODERS, "missing", decoders._Entry("device.reader.decoders.missing:open_missing", "apt install missing"))
    with pytest.raises(HardwareError, match="the decoder missing cannot be loaded") as raised:
        open_decoder("missing", thorough=False)
    assert raised.value.hint == "apt install missing"


class LosesBytes:
    """As zbar without binary mode does."""

    def __init__(self, **kind: bool) -> None:
        self._inner = open_decoder("zxing", **kind)

    def read(self, luma: Luma) -> decoders.Sight:
        read = self._inner.read(luma).symbols
        return decoders.Sight(tuple(decoders.Symbol(each.payload.replace(b"\xe1\xbb\xaf||", b"\xe7\xa0\x9d|"), each.corners) for each in read))


def test_a_decoder_that_changes_bytes_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("loses_bytes")
    vars(module)["open_it"] = LosesBytes
    monkeypatch.setitem(sys.modules, "loses_bytes", module)
    monkeypatch.setitem(DECODERS, "loses", decoders._Entry("loses_bytes:open_it", "another version"))
    with pytest.raises(HardwareError, match="changes the bytes"):
        open_decoder("loses", thorough=False)


PROGRAM = """
import sys
from device.reader.chain import open_chain
open_chain(["zxing", "zbar"])
print([name for name in ("PIL", "av", "cv2", "segno") if name in sys.modules])
"""


def test_no_decoder_brings_pictures_libraries_into_the_gate() -> None:
    assert subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60).stdout.strip() == "[]"
