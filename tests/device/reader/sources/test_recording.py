from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from device.clock import NS
from device.errors import HardwareError
from device.reader.frame import Luma
from device.reader.sources.recording import RecordingSource
from tests.device.reader.clocks import HandClock

HEAD = {"version": 1, "width": 6, "height": 4, "frames_per_s": 30.0, "schedule": [0, 1, 1, 2], "seed": 5}
PLANES = np.arange(3 * 24, dtype=np.uint8).reshape(3, 4, 6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


def write(folder: Path, planes: Luma = PLANES, **changes: Any) -> Path:
    (folder / "recording.json").write_text(json.dumps({**HEAD, **changes}))
    (folder / "planes.u8").write_bytes(planes.tobytes())
    return folder


def played(source: RecordingSource, clock: HandClock, *, until: int = 20) -> list[tuple[int, int, int]]:
    """(frame number, milliseconds after the first one was due, first pixel) of each frame there is."""
    start = clock.now_ns
    shown: list[tuple[int, int, int]] = []
    while not source.ended and len(shown) < until:
        frame = source.next(0.5)
        if frame is not None:
            shown.append((frame.number, round((frame.taken_ns - start) / 1e6), int(frame.luma[0, 0])))
    return shown


def test_every_frame_is_shown_at_its_moment_and_then_the_recording_ends(folder: Path) -> None:
    clock = HandClock()
    with RecordingSource(folder, started_ns=0, loop=False, pace=clock.pace) as source:
        assert played(source, clock) == [(0, 0, 0), (1, 33, 24), (2, 67, 24), (3, 100, 48)]
        assert source.next(0.5) is None
    assert source.dropped == 0


def test_a_reader_that_comes_back_goes_on_where_a_camera_would(folder: Path) -> None:
    clock = HandClock()
    started_ns = clock.now_ns - 70_000_000
    with RecordingSource(folder, started_ns=started_ns, loop=False, pace=clock.pace) as source:
        frames = [source.next(0.5) for _ in range(2)]
        assert [(frame.number, frame.taken_ns - started_ns) for frame in frames if frame] == [(2, 66_666_667), (3, 100_000_000)]


def test_a_reader_that_comes_back_too_late_finds_the_end(folder: Path) -> None:
    clock = HandClock()
    with RecordingSource(folder, started_ns=clock.now_ns - NS, loop=False, pace=clock.pace) as source:
        assert (source.ended, source.next(0.5)) == (True, None)


def test_a_recording_that_starts_later_is_waited_for_no_longer_than_asked(folder: Path) -> None:
    clock = HandClock()
    with RecordingSource(folder, started_ns=clock.now_ns + NS, loop=False, pace=clock.pace) as source:
        before_ns = clock.now_ns
        assert source.next(0.6) is None
        assert clock.now_ns - before_ns == round(0.6 * NS)
        frame = source.next(0.6)
        assert frame is not None
        assert frame.number == 0


def test_frames_nobody_asked_for_in_time_are_passed_over_and_counted(folder: Path) -> None:
    clock = HandClock()
    with RecordingSource(folder, started_ns=0, loop=False, pace=clock.pace) as source:
        source.next(0.5)
        clock.sleep(0.110)
        frame = source.next(0.5)
        assert frame is not None
        assert (frame.number, source.dropped) == (3, 2)


def test_a_loop_starts_again_at_the_pace_of_the_recording(folder: Path) -> None:
    clock = HandClock()
    with RecordingSource(folder, started_ns=0, loop=True, pace=clock.pace) as source:
        assert [(number, at_ms) for number, at_ms, _ in played(source, clock, until=6)] == [(0, 0), (1, 33), (2, 67), (3, 100), (0, 133), (1, 167)]


def test_a_frame_is_a_read_only_view_of_the_file(folder: Path) -> None:
    with RecordingSource(folder, started_ns=0, loop=False, pace=HandClock().pace) as source:
        frame = source.next(0.5)
    assert frame is not None
    assert (frame.luma.flags.owndata, frame.luma.flags.writeable, frame.luma.tolist()) == (False, False, PLANES[0].tolist())


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"width": 0},
        {"width": "6"},
        {"height": True},
        {"frames_per_s": 0},
        {"frames_per_s": None},
        {"schedule": []},
        {"schedule": [0, 3]},
        {"schedule": [-1]},
        {"schedule": 5},
        {"width": 5},
    ],
    ids=str,
)
def test_a_recording_that_breaks_the_format_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(HardwareError, match="is broken"):
        RecordingSource(write(tmp_path, **changes), started_ns=0, loop=False)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, "\xff"])
def test_a_head_that_is_no_head_is_refused(folder: Path, text: str) -> None:
    (folder / "recording.json").write_text(text, encoding="latin-1")
    with pytest.raises(HardwareError, match="is broken"):
        RecordingSource(folder, started_ns=0, loop=False)
