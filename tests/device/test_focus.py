from __future__ import annotations

import argparse
import io
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from device.cli import main
from device.errors import HardwareError
from device.focus import BAR, Meter, Sharpness, _shown, line, run
from device.links import READER_SOCKET
from device.reader.chain import open_chain
from device.reader.frame import Frame, Luma
from tests.device.replay.defects import Plane, defocused, printed, shot
from tests.gates import Gate

CODE = printed(module_px=5)[0]
TURNED_PX = (6.0, 4.0, 3.0, 2.0, 1.5, 1.0, 0.5, 1.0, 2.0, 4.0)
"""The lens is turned through its best: radius of the blur."""


def pictures(light: Plane = CODE, *, noise: float = 2.0, exposure: float = 1.0, frames: int = 6) -> list[Luma]:
    steps = [defocused(light, radius_px) * exposure for radius_px in TURNED_PX for _ in range(frames)]
    return [shot(each, noise=noise, seed=seed) for seed, each in enumerate(steps)]


def measured(lumas: list[Luma]) -> list[Sharpness]:
    """The last moment of each step of the lens."""
    meter = Meter(open_chain(("zxing", "zbar")))
    moments = [meter.see(Frame(luma, number, number * 40_000_000)) for number, luma in enumerate(lumas)]
    return moments[5::6]


@pytest.mark.parametrize(("noise", "exposure"), [(1.0, 1.0), (6.0, 1.0), (2.0, 0.35)])
def test_the_score_rises_to_the_sharpest_and_falls_again(noise: float, exposure: float) -> None:
    moments = measured(pictures(noise=noise, exposure=exposure))
    widths = [moment.edge_px or 0 for moment in moments]
    assert widths[:7] == sorted(widths[:7], reverse=True)
    assert widths[6:] == sorted(widths[6:])
    assert (moments[6].score, moments[6].best_px) == (100, widths[6])
    assert (moments[-1].score or 0) < (moments[-2].score or 0) < 80


def test_a_code_is_told_as_read_with_its_pixels_a_module_as_soon_as_it_is_sharp_enough() -> None:
    moments = measured(pictures())
    assert [moment.code_read for moment in moments[:2]] == [False, False]
    assert moments[6].code_read
    assert moments[6].module_px == pytest.approx(5, rel=0.07)


def test_a_scene_without_a_code_is_measured_in_its_middle() -> None:
    rng = np.random.default_rng(3)
    wall = np.kron(rng.choice([60.0, 180.0], (24, 32)), np.ones((20, 20)))
    widths = [moment.edge_px or 0 for moment in measured(pictures(wall))]
    assert widths[:6] == sorted(widths[:6], reverse=True)


def test_a_plain_wall_has_nothing_to_focus_on_however_noisy() -> None:
    (moment, *_) = measured(pictures(np.full((480, 640), 120.0), noise=8))
    assert (moment.score, moment.edge_px, moment.best_px, moment.code_read) == (None, None, None, False)


# --- the line ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sharpness", "text"),
    [
        (Sharpness(1.0, 3, None, None, None, code_read=False, module_px=None), "  -  nothing to focus on: hold up a printed code"),
        (Sharpness(1.0, 3, 50.0, 3.2, 1.6, code_read=False, module_px=None), f" 50 [{'#' * 10:<20}] edge  3.2 px, best  1.6  code not read"),
        (Sharpness(1.0, 3, 100.0, 1.6, 1.6, code_read=True, module_px=4.26), f"100 [{'#' * BAR}] edge  1.6 px, best  1.6  code read, 4.3 px/module"),
    ],
)
def test_a_line_shows_score_bar_widths_and_code_and_fits_a_console(sharpness: Sharpness, text: str) -> None:
    assert line(sharpness) == text
    assert line(sharpness).isascii()
    assert len(text) < 79


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_is_written_over_and_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "60")
    show = _shown(as_json=False)
    for number in range(5):
        show(Sharpness(number * 0.05, number, 100.0, 1.6, 1.6, code_read=True, module_px=4.26))
    lines = terminal.getvalue().split("\r\x1b[K")
    assert [len(each) for each in lines] == [0, 59, 59, 59]  # at 0, 0.1 and 0.2 s
    assert "\n" not in terminal.getvalue()


# --- the command ---------------------------------------------------------------------------------------------------


@contextmanager
def listening(path: Path) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(str(path))
        listener.listen()
        yield


def arguments(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**{**dict.fromkeys(("webcam", "video", "frames", "json", "settings")), **changes})


def folder_of(folder: Path, lumas: list[Luma]) -> Path:
    for number, luma in enumerate(lumas):
        Image.fromarray(luma).save(folder / f"{number:03}.png")
    return folder


def test_the_command_ends_with_the_best_and_0_where_the_lens_was_left_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(frames=folder_of(tmp_path, [shot(CODE, seed=seed) for seed in range(4)]), json=True), threading.Event()) == 0
    documents = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert ([each["final"] for each in documents[-2:]], documents[-1]["score"]) == ([False, True], pytest.approx(100, abs=5))
    assert set(documents[0]) == {"at_s", "frame", "score", "edge_px", "best_px", "code_read", "module_px", "final"}


def test_a_lens_left_beside_its_best_is_exit_code_1_and_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lumas = [shot(CODE, seed=seed) for seed in range(3)] + [shot(defocused(CODE, 3), seed=seed) for seed in range(6)]
    assert run(arguments(frames=folder_of(tmp_path, lumas)), threading.Event()) == 1
    printed_ = capsys.readouterr().out
    assert printed_.splitlines()[-1].endswith("turn it back: it was sharper")
    assert "\x1b" not in printed_


def test_nothing_to_focus_on_is_no_answer(tmp_path: Path) -> None:
    wall = np.full((480, 640), 120, np.uint8)
    assert run(arguments(frames=folder_of(tmp_path, [wall] * 2)), threading.Event()) == 130


def test_the_running_gate_keeps_its_camera(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    gate.runtime.mkdir(parents=True, exist_ok=True)
    with listening(gate.runtime / READER_SOCKET), pytest.raises(HardwareError, match="the gate runs, and has the camera"):
        run(arguments(settings=gate.folder), threading.Event())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--video", "none.mp4"], "no video at none.mp4"),
        (["--frames", "none"], "no pictures at none"),
        (["--webcam", "/dev/none"], "no webcam at /dev/none"),
    ],
)
def test_a_source_that_is_not_there_is_told_with_exit_code_5(options: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["focus", *options]) == 5
    assert words in capsys.readouterr().err
