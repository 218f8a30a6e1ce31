from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from device.errors import UsageError
from device.replay.photographs import Photograph, read_truth, replay, run, wanted
from tests.device.reader.pictures import RANDOM, VIETNAMESE, code, scene

SHARED = Path(os.environ.get("QRGATE_SHARED") or Path(__file__).parents[4] / "shared")
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
    return argparse.Namespace(
        **{
            "path": folder,
            "truth": folder / "truth.json",
            "json": True,
            "at_least": 0.4,
            **dict.fromkeys(("html", "keep_thumbnails", "fps", "decoders", "stills")),
            **changes,
        }
    )


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


@pytest.mark.parametrize(
    ("files", "at_least", "last"),
    [
        pytest.param(["read.png", "empty.png"], 0.5, "50.0 % of at least 50 %: well", id="enough"),
        pytest.param(["read.png", "empty.png"], 0.75, "50.0 % of at least 75 %: too few", id="too few"),
        pytest.param(["read.png", "other.png"], None, "50.0 % of at least 95 %: too few", id="by default"),
        pytest.param(["read.png", "other.png"], 0.5, "50.0 % of at least 50 %: enough, but some are wrong", id="wrong bytes"),
    ],
)
def test_the_last_line_of_the_text_is_the_verdict(
    folder: Path, capsys: pytest.CaptureFixture[str], files: list[str], at_least: float | None, last: str
) -> None:
    (folder / "truth.json").write_text(json.dumps([{"file": file, "payload": VIETNAMESE.decode()} for file in files]))
    run(arguments(folder, json=False, at_least=at_least))
    assert capsys.readouterr().out.splitlines()[-1] == last


def test_the_text_explains_its_words(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(arguments(folder, json=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "exact     2 of 5 (40.0 %)"
    assert "beside    1   (read as they should be, and another code in the same picture)" in lines


@pytest.mark.parametrize("at_least", [-0.1, 1.5, 95.0, float("nan")])
def test_a_share_that_is_none_is_an_error_of_the_command_line(folder: Path, at_least: float) -> None:
    with pytest.raises(UsageError, match="is no share"):
        run(arguments(folder, at_least=at_least))


# --- without a truth ---------------------------------------------------------------------------------------------


def test_without_a_truth_length_and_kind_of_each_code_are_listed_and_no_payload(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(folder, truth=None, at_least=None, json=False)) == 0
    printed = capsys.readouterr().out
    assert sorted(printed.splitlines()[:-1]) == [
        "broken.png is no picture that can be read: UnidentifiedImageError",
        "empty.png: nothing",
        "other.png: other of 5 bytes",
        f"read.png: cccd of {len(VIETNAMESE)} bytes",
        f"two.png: cccd of {len(VIETNAMESE)} bytes, other of {len(RANDOM)} bytes",
    ]
    assert printed.splitlines()[-1] == "read 3 of 5"
    assert "999" not in printed


def test_without_a_truth_the_list_is_json_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(folder, truth=None, at_least=None)) == 0
    listed = json.loads(capsys.readouterr().out)
    assert (listed["total"], listed["read"]) == (5, 3)
    assert {"file": "other.png", "codes": [{"kind": "other", "bytes": 5}]} in listed["pictures"]
    assert {"file": "broken.png", "codes": [], "broken": "broken.png is no picture that can be read: UnidentifiedImageError"} in listed["pictures"]


def test_a_share_without_a_truth_to_compare_with_is_an_error_of_the_command_line(folder: Path) -> None:
    with pytest.raises(UsageError, match="compares with the truth"):
        run(arguments(folder, truth=None, at_least=0.5))


def test_a_folder_that_is_missing_or_holds_no_picture_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    for folder, words in ((tmp_path / "none", "no pictures at"), (tmp_path, "no pictures in")):
        with pytest.raises(UsageError, match=words):
            run(arguments(folder, truth=None, at_least=None))


def test_a_folder_is_a_sequence_unless_the_command_line_speaks_of_photographs(folder: Path) -> None:
    nothing: dict[str, Any] = {"truth": None, "at_least": None}
    cases: tuple[dict[str, Any], ...] = ({}, {"stills": True}, {"truth": folder / "truth.json"}, {"at_least": 0.5}, {"path": folder / "read.png"})
    assert [wanted(arguments(folder, **{**nothing, **changes})) for changes in cases] == [False, True, True, True, True]


def test_a_single_picture_is_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments(folder / "read.png", truth=None, at_least=None, json=False)) == 0
    assert capsys.readouterr().out.splitlines() == [f"read.png: cccd of {len(VIETNAMESE)} bytes", "read 1 of 1"]


@pytest.mark.parametrize("name", ["html", "keep_thumbnails", "fps", "decoders"])
def test_what_is_for_a_sequence_does_not_fit_photographs(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is for a sequence"):
        run(arguments(folder, **{name: 5}))


# --- the truth ---------------------------------------------------------------------------------------------------


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
    [
        "",
        "{}",
        "[]",
        "5",
        "[5]",
        '{"file": "a.png"}',
        '[{"file": "a.png"}]',
        '[{"file": "a.png", "payload": null}]',
        '[{"file": "a.png", "payload": 5}]',
        '[{"file": "a.png", "payload_hex": "xy"}]',
        '[{"file": "../a.png", "payload": "a"}]',
        '[{"file": "/a.png", "payload": "a"}]',
        "[" * 100_000,
    ],
)
def test_a_truth_that_is_none_is_an_error_of_the_command_line_and_the_hint_shows_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "truth.json").write_text(text)
    with pytest.raises(UsageError) as caught:
        read_truth(tmp_path / "truth.json")
    assert caught.value.hint.startswith("it is to be a JSON list: [{")


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
