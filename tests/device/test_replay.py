from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from device.errors import UsageError
from device.replay import Photograph, read_truth, replay, run
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, scene

SHARED = Path(os.environ.get("QRGATE_SHARED") or Path(__file__).parents[3] / "shared")
PHOTOS = SHARED / "data" / "photos"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One photograph read, one with two codes, one that holds something else, one empty, one broken."""
    pictures = {"read": scene(code(VIETNAMESE)), "two": scene(code(VIETNAMESE), code(RANDOM)), "other": scene(code(b"other")), "empty": scene()}
    rows = []
    for name, luma in pictures.items():
        Image.fromarray(luma[:400, :640]).save(tmp_path / f"{name}.png")
        rows.append({"file": f"{name}.png", "payload": VIETNAMESE.decode(), "payload_hex": None})
    rows[1] = {"file": "two.png", "payload": None, "payload_hex": RANDOM.hex()}
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows.append({"file": "broken.png", "payload": "", "payload_hex": ""})
    (tmp_path / "truth.json").write_text(json.dumps(rows))
    return tmp_path


def arguments(folder: Path, **changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"folder": folder, "truth": folder / "truth.json", "json": True, "at_least": 0.4, **changes})


def test_each_photograph_is_counted_where_it_belongs(folder: Path) -> None:
    report = replay(folder, read_truth(folder / "truth.json"))
    assert (report.total, report.exact, report.wrong, report.beside) == (5, 2, ("other.png",), ("two.png",))
    assert report.missed == ("empty.png", "broken.png (broken.png is no picture that can be read: UnidentifiedImageError)")
    assert report.median_ms > 0


def test_the_report_is_json_on_stdout_and_repeats_no_payload(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(arguments(folder))
    printed = capsys.readouterr().out
    assert {**json.loads(printed), "median_ms": 0, "missed": 2} == {
        "total": 5,
        "exact": 2,
        "missed": 2,
        "wrong": ["other.png"],
        "beside": ["two.png"],
        "median_ms": 0,
        "share": 0.4,
    }
    assert "999" not in printed


def test_the_report_is_text_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(arguments(folder, json=False))
    assert capsys.readouterr().out.splitlines()[0] == "exact     2 of 5 (40.0 %)"


@pytest.mark.parametrize(
    ("files", "at_least", "code"),
    [
        pytest.param(["read.png", "empty.png"], 0.5, 0, id="as many as asked"),
        pytest.param(["read.png", "empty.png"], 0.51, 1, id="fewer than asked"),
        pytest.param(["read.png", "other.png"], 0.5, 1, id="wrong bytes are never enough"),
    ],
)
def test_the_exit_code_says_whether_it_was_enough(folder: Path, files: list[str], at_least: float, code: int) -> None:
    (folder / "truth.json").write_text(json.dumps([{"file": file, "payload": VIETNAMESE.decode(), "payload_hex": None} for file in files]))
    assert run(arguments(folder, at_least=at_least)) == code


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "5", '[{"file": "a.png"}]', '[{"file": "../a.png", "payload": "a"}]', '[{"file": "/a.png", "payload": "a"}]', "[" * 100_000],
)
def test_a_truth_that_is_none_is_an_error_of_the_command_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(UsageError):
        read_truth(tmp_path / "truth.json")


def test_a_truth_that_is_not_there_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no truth at"):
        read_truth(tmp_path / "truth.json")


def test_expected_bytes_are_the_raw_ones_where_they_are_given(folder: Path) -> None:
    assert read_truth(folder / "truth.json")[:2] == (Photograph("read.png", VIETNAMESE), Photograph("two.png", RANDOM))


def test_nineteen_of_twenty_photographs_are_read_to_the_byte() -> None:
    """All 244 (2 s): 238 are read, and nothing known reads the other six."""
    if not PHOTOS.is_dir():
        pytest.skip(f"no photographs at {PHOTOS}")
    report = replay(PHOTOS, read_truth(PHOTOS / "truth.json"))
    assert (report.total, report.wrong) == (244, ())
    assert report.exact >= 237
