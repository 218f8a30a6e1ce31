from __future__ import annotations

import threading
from pathlib import Path
from typing import Self

import pytest

from device.errors import FrameError, HardwareError
from device.reader.frame import Frame
from device.replay import player
from device.replay.findings import Findings
from device.replay.material import JumpingClock, Material, open_material
from device.replay.watch import Watch
from device.settings import SourceKind
from tests.device.replay.films import code, empty, held, pictures, recording


class Tape:
    """Frames, one after the other; an error in between is raised once."""

    dropped = 0

    def __init__(self, *items: Frame | Exception) -> None:
        self._items = list(items)

    @property
    def ended(self) -> bool:
        return not self._items

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def next(self, timeout_s: float) -> Frame | None:
        assert timeout_s > 0
        item = self._items.pop(0)
        if isinstance(item, Exception):
            raise item
        return item


FRAMES = [Frame(luma, number, number * 40_000_000) for number, luma in enumerate(pictures([empty(12), held(code(), 6)]))]
BROKEN = FrameError("a frame of zero bytes")
BROKE_OFF = HardwareError("the video is broken", hint="set reader.path")


def played(*items: Frame | Exception, stopping: threading.Event | None = None) -> Findings:
    material = Material("tape", SourceKind.VIDEO, Tape(*items), JumpingClock(), None)
    return player.play(material, ("zxing", "zbar"), stopping or threading.Event())


def test_a_broken_frame_is_counted_and_the_next_one_follows() -> None:
    findings = played(*FRAMES[:4], BROKEN, BROKEN, *FRAMES[4:])
    assert (findings.totals.frames, findings.totals.broken, len(findings.presentations), findings.broke_off) == (18, 2, 1, "")


def test_broken_frames_are_named_and_a_thousand_of_them_are_not(caplog: pytest.LogCaptureFixture) -> None:
    played(BROKEN, *FRAMES[:2])
    assert [record.message for record in caplog.records] == ["a frame of zero bytes"]
    played(*[BROKEN] * 1000, *FRAMES[:2])
    assert len(caplog.records) == 1 + player.BROKEN_NAMED


def test_material_that_breaks_off_is_told_up_to_there() -> None:
    findings = played(*FRAMES, BROKE_OFF)
    assert (findings.totals.frames, len(findings.presentations), findings.broke_off) == (18, 1, "the video is broken")


def test_material_that_is_broken_from_the_start_is_an_error_with_a_hint_for_this_command() -> None:
    with pytest.raises(HardwareError, match="the video is broken\n  → give a video"):
        played(BROKE_OFF)


def test_material_without_a_frame_is_an_error() -> None:
    for items, hint in (((), "is it empty, or cut off?"), ((BROKEN,), "1 were broken")):
        with pytest.raises(HardwareError, match="no frame in tape") as caught:
            played(*items)
        assert caught.value.hint == hint


def test_a_replay_that_is_stopped_before_its_first_frame_has_nothing_to_tell() -> None:
    stopping = threading.Event()
    stopping.set()
    findings = played(*FRAMES, stopping=stopping)
    assert (findings.interrupted, findings.totals.frames, findings.presentations, findings.missed) == (True, 0, (), ())


def test_material_without_an_end_is_told_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "FRAMES_MAX", 10)
    findings = played(*FRAMES)
    assert (findings.totals.frames, findings.broke_off) == (10, "it has more than 10 frames: cut it into parts")


def test_progress_is_told_after_each_frame(tmp_path: Path) -> None:
    told: list[int] = []

    def progress(watch: Watch) -> None:
        told.append(watch.frames)

    player.play(open_material(recording(tmp_path / "film", empty(5))), ("zxing",), threading.Event(), progress=progress)
    assert told == [1, 2, 3, 4, 5]
