from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from device.errors import FrameError
from device.reader import picture
from device.reader.picture import read_luma


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "P", "CMYK"])
def test_any_kind_of_picture_becomes_luma(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8)).convert(mode).save(path)
    assert read_luma(path).tolist() == [[0, 255], [255, 0]]


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (2, 1), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert read_luma(tmp_path / "a.png").tolist() == [[255, 255]]


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(20), b"BM" + bytes(100)])
def test_a_broken_picture_is_a_frame_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(FrameError, match=r"a\.png"):
        read_luma(tmp_path / "a.png")


def test_a_picture_that_breaks_off_is_a_frame_error(tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64), dtype=np.uint8)).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FrameError):
        read_luma(tmp_path / "a.png")


def test_a_picture_that_is_not_there_is_a_frame_error(tmp_path: Path) -> None:
    with pytest.raises(FrameError):
        read_luma(tmp_path / "a.png")


def test_a_small_file_that_unfolds_to_an_enormous_picture_is_refused_before_it_does(tmp_path: Path) -> None:
    Image.new("1", (20_000, 8_000)).save(tmp_path / "a.png")
    with pytest.raises(FrameError):
        read_luma(tmp_path / "a.png")
    Image.new("1", (8_000, 8_000)).save(tmp_path / "b.png")
    with pytest.raises(FrameError) as raised:
        read_luma(tmp_path / "b.png")
    assert (raised.value.what, picture.PIXELS_MAX) == ("b.png has 8000x8000 pixels", 50_000_000)
