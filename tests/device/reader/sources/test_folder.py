from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from device.errors import FrameError, HardwareError
from device.reader.picture import read_luma
from device.reader.sources.folder import FolderSource
from tests.device.reader.clocks import HandClock


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, shade in (("b.png", 20), ("a.png", 10), ("C.PNG", 30)):
        Image.fromarray(np.full((4, 6), shade, np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_are_shown_in_the_order_of_their_names_at_the_pace_asked_for(folder: Path) -> None:
    clock = HandClock()
    start = clock.now_ns
    with FolderSource(folder, read_luma, frames_per_s=10, loop=False, pace=clock.pace) as source:
        frames = []
        while not source.ended:
            frames.append(source.next(0.5))
    assert [(each.number, each.taken_ns - start, int(each.luma[0, 0])) for each in frames if each] == [(0, 0, 30), (1, 10**8, 10), (2, 2 * 10**8, 20)]


def test_a_loop_begins_again_and_its_numbers_go_on(folder: Path) -> None:
    with FolderSource(folder, read_luma, frames_per_s=10, loop=True, pace=HandClock().pace) as source:
        frames = [source.next(0.5) for _ in range(5)]
    assert [(each.number, int(each.luma[0, 0])) for each in frames if each] == [(0, 30), (1, 10), (2, 20), (3, 30), (4, 10)]


def test_a_broken_picture_is_one_bad_frame_and_the_next_follows(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with FolderSource(folder, read_luma, frames_per_s=10, loop=False, pace=HandClock().pace) as source:
        source.next(0.5)
        with pytest.raises(FrameError, match=r"a\.png is no picture"):
            source.next(0.5)
        frame = source.next(0.5)
    assert frame is not None
    assert frame.number == 2


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match="no pictures in"), FolderSource(tmp_path, read_luma, frames_per_s=10, loop=False):
        pass
