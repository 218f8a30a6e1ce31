from __future__ import annotations

from pathlib import Path

import pytest

from device.clock import NS
from device.errors import HardwareError, UsageError
from device.replay.material import PATIENCE_S, JumpingClock, is_picture, is_recording, open_material
from tests.device.replay.films import empty, folder_of, recording


def test_time_passes_only_when_somebody_waits_and_then_at_once() -> None:
    clock = JumpingClock()
    begun_ns = clock()
    assert clock.pace.reach(begun_ns + 3_600 * NS, PATIENCE_S)
    assert clock() == begun_ns + 3_600 * NS


def test_what_is_replayed_is_told_by_what_lies_there(tmp_path: Path) -> None:
    film, folder = recording(tmp_path / "film", empty(3)), folder_of(tmp_path / "folder", empty(2))
    assert (is_recording(film), is_recording(folder), is_picture(folder), is_picture(folder / "00000.png")) == (True, False, False, True)
    opened = [open_material(path) for path in (film, folder)]
    assert [(each.name, str(each.kind), each.frames) for each in opened] == [("film", "recording", 3), ("folder", "folder", 2)]


def test_frames_come_at_the_times_they_were_taken_and_none_is_dropped(tmp_path: Path) -> None:
    for path, interval_ns in ((recording(tmp_path / "film", empty(4)), NS // 25), (folder_of(tmp_path / "folder", empty(4)), NS // 10)):
        material = open_material(path)
        with material.source as source:
            frames = [source.next(PATIENCE_S) for _ in range(4)]
            assert source.ended
        times_ns = [frame.taken_ns for frame in frames if frame]
        assert [(at_ns - times_ns[0]) // 1000 for at_ns in times_ns] == [number * interval_ns // 1000 for number in range(4)]
        assert material.source.dropped == 0


def test_a_recording_that_is_broken_is_told(tmp_path: Path) -> None:
    film = recording(tmp_path / "film", empty(2))
    (film / "planes.u8").write_bytes(b"too short")
    with pytest.raises(HardwareError, match="is broken"):
        open_material(film)


def test_what_is_not_there_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing at"):
        open_material(tmp_path / "none")
