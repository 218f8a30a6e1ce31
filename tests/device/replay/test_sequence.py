from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.errors import HardwareError, UsageError
from device.replay import run, sequence
from tests.device.replay.defects import covered, printed
from tests.device.replay.films import CANARY, PAYLOADS, code, empty, folder_of, held, recording, video
from tests.device.replay.test_report import FINDINGS, MISSED

HIDDEN = covered(*printed(PAYLOADS[2], module_px=4), 0.45)
"""A fifth of it is under a thumb: found, and beyond what any error correction mends."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read, read again, another one, and one that cannot be read."""
    folder: Path = tmp_path_factory.mktemp("film")
    scenes = (empty(20), held(code(0), 10), empty(25), held(code(1), 10), empty(25), held(code(0), 10), empty(25), held(HIDDEN, 12), empty(20))
    return recording(folder / "film", *scenes)


def arguments(path: Path, **changes: Any) -> argparse.Namespace:
    given = {"path": path, **dict.fromkeys(("truth", "at_least", "stills", "json", "html", "keep_thumbnails", "fps", "decoders")), **changes}
    return argparse.Namespace(**given)


def replayed(path: Path, capsys: pytest.CaptureFixture[str], **changes: Any) -> tuple[int, dict[str, Any]]:
    code = run(arguments(path, json=True, **changes), threading.Event)
    return code, json.loads(capsys.readouterr().out)


def told(document: dict[str, Any]) -> list[tuple[int, str, int]]:
    return [(each["code"], each["kind"], each["bytes"]) for each in document["presentations"]]


def test_each_code_is_told_by_kind_and_length_and_equal_codes_by_their_number(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = replayed(film, capsys)
    size = len(PAYLOADS[0])
    assert told(document) == [(1, "cccd", size), (2, "cccd", size), (1, "cccd", size)]
    assert [(each["found"], each["reason"]) for each in document["missed"]] == [(True, "damaged")]
    assert (code, document["complete"], document["material"]) == (1, True, {"name": "film", "kind": "recording", "width": 640, "height": 480})


def test_times_frames_and_stages_of_a_presentation_are_those_of_the_material(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = replayed(film, capsys)[1]["presentations"][0]
    assert (first["read_frame"], first["read_s"], first["frames"], first["reads"]) == (20, 0.8, 10, 10)
    assert (first["stage"], first["stages"], first["last_read_s"]) == ("zxing-half", {"zxing-half": 10}, 1.16)
    assert 1.76 <= first["left_s"] <= 2.16  # 0.6 s later, with the next look
    assert first["module_px"] == pytest.approx(4, abs=0.2)


def test_every_frame_is_seen_and_counted_where_it_belongs(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    total = replayed(film, capsys)[1]["totals"]
    assert (total["frames"], total["broken"], total["seconds"]) == (157, 0, 6.24)
    assert total["looks"] == sum(total["looks_read"].values()) + total["looks_unread"] + total["looks_nothing"]
    assert total["idle_share"] == pytest.approx(1 - total["looks"] / 157, abs=1e-4)
    assert 0 < total["cpu_mean_ms"] <= total["cpu_worst_ms"]


def test_recording_folder_and_video_of_the_same_frames_give_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenes = (empty(20), held(code(0), 12), empty(30))
    films: tuple[tuple[Path, dict[str, Any]], ...] = (
        (recording(tmp_path / "recording", *scenes), {}),
        (folder_of(tmp_path / "folder", *scenes), {"fps": 25.0}),
        (video(tmp_path / "film.mkv", *scenes), {}),
    )
    results = [replayed(path, capsys, **changes) for path, changes in films]
    assert [code for code, _ in results] == [0, 0, 0]
    assert [each["presentations"] for _, each in results] == [results[0][1]["presentations"]] * 3
    assert [len(each["presentations"]) for _, each in results] == [1, 1, 1]


def test_a_folder_of_pictures_is_shown_at_ten_a_second(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(folder_of(tmp_path / "folder", empty(11)), capsys)[1]["totals"]["seconds"] == 1.0


def test_a_code_found_and_never_read_is_exit_code_1_and_movement_without_a_code_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passing = [empty(1)[0] - 60 * (abs(n - 45) < 45) * (n % 3) / 2 for n in range(100)]
    code, document = replayed(recording(tmp_path / "film", empty(20), passing, empty(20)), capsys)
    assert (code, [(each["found"], each["reason"]) for each in document["missed"]]) == (0, [(False, "no_code")])


def test_the_text_ends_with_how_many_were_read_and_missed(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(arguments(film), threading.Event)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "film: recording, 640x480"
    assert lines[-1] == "read 3, missed 1"
    assert "damaged, or partly hidden: look at the code: cracked glass, a finger, a crumpled or cut print" in lines


# --- what must never be told -------------------------------------------------------------------------------------


def test_neither_text_json_nor_page_holds_anything_of_a_payload(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    run(arguments(film, html=page, keep_thumbnails=True), threading.Event)
    text = capsys.readouterr()
    run(arguments(film, json=True), threading.Event)
    everything = text.out + text.err + capsys.readouterr().out + page.read_text(encoding="utf-8")
    for payload in PAYLOADS:
        traces = [part for part in payload.decode().split("|") if len(part) > 3]
        traces += [hashlib.new(name, payload).hexdigest()[:8] for name in ("md5", "sha1", "sha256", "sha512", "blake2b")]
        traces += [payload.hex()[:16], base64.b64encode(payload).decode()[:16]]
        assert [trace for trace in traces if trace in everything] == []
    assert CANARY not in everything


def test_a_page_holds_no_picture_unless_they_are_asked_for_and_says_which(film: Path, tmp_path: Path) -> None:
    plain, pictured = tmp_path / "plain.html", tmp_path / "pictured.html"
    run(arguments(film, html=plain), threading.Event)
    run(arguments(film, html=pictured, keep_thumbnails=True), threading.Event)
    assert (plain.read_text().count("<img"), pictured.read_text().count("<img")) == (0, 4)
    assert "Pictures of people are not kept: this page holds none." in plain.read_text()
    assert "This page holds small pictures of what people held up" in pictured.read_text()
    assert pictured.stat().st_mode & 0o777 == 0o600


# --- what does not fit ---------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_an_error_of_the_command_line(film: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    cases: list[tuple[argparse.Namespace, str]] = [
        (arguments(tmp_path / "none"), "there is nothing at"),
        (arguments(tmp_path / "empty"), "no pictures in"),
        (arguments(film, fps=10.0), "film has its own time stamps"),
        (arguments(tmp_path / "empty", fps=0.0), "--fps 0 is out of range"),
        (arguments(tmp_path / "empty", fps=float("nan")), "--fps nan is out of range"),
        (arguments(film, keep_thumbnails=True), "--keep-thumbnails is for the page"),
        (arguments(film, html=tmp_path / "none" / "page.html"), "no page can be written"),
        (arguments(film, html=tmp_path), "no page can be written"),
        (arguments(film, decoders=("zxing", "eyes")), "no decoder is called 'eyes'\n  → --decoders takes some of zxing, zbar"),
        (arguments(film, stills=True, html=tmp_path / "page.html"), "--html is for a sequence"),
    ]
    for given, words in cases:
        with pytest.raises(UsageError, match=words):
            run(given, threading.Event)


def test_a_file_that_is_no_video_or_has_no_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"no film")
    with pytest.raises(HardwareError, match="no video at"):
        run(arguments(tmp_path / "film.mp4"), threading.Event)


def test_broken_pictures_are_counted_and_do_not_end_the_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = folder_of(tmp_path / "film", empty(20), held(code(0), 12), empty(20))
    for picture in sorted(whole.iterdir())[40:]:
        picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    code_, document = replayed(whole, capsys)
    assert (code_, document["totals"]["frames"], document["totals"]["broken"]) == (0, 40, 12)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 1),
        ({"missed": ()}, 0),
        ({"missed": (replace(MISSED, found=False),)}, 0),
        ({"broke_off": "the video is broken"}, 5),
        ({"broke_off": "the video is broken", "interrupted": True}, 130),
    ],
)
def test_the_exit_code_says_missed_broken_off_or_interrupted(changes: dict[str, Any], code: int) -> None:
    assert sequence._exit_code(replace(FINDINGS, **changes)) == code


def test_a_truncated_video_gives_what_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = video(tmp_path / "film.mkv", empty(20), held(code(0), 12), empty(20))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    code_, document = replayed(path, capsys)
    assert 20 < document["totals"]["frames"] < 52
    assert code_ == (0 if document["complete"] else 5)


def test_a_folder_of_broken_pictures_only_has_no_frame(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(HardwareError, match="no frame in"):
        run(arguments(tmp_path), threading.Event)


def test_pictures_of_other_sizes_in_one_sequence_are_seen_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = folder_of(tmp_path / "film", empty(12), held(code(0), 8))
    small = folder_of(tmp_path / "small", [plane[:200, :330] for plane in empty(3)], [plane[:4, :4] for plane in empty(2)])
    for picture in small.iterdir():
        picture.rename(folder / f"1{picture.name}")
    code_, document = replayed(folder, capsys)
    assert (code_, document["totals"]["frames"], len(document["presentations"])) == (0, 25, 1)


def test_a_replay_that_is_stopped_tells_what_was_found_so_far(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stopping = threading.Event()
    stopping.set()
    assert run(arguments(film), lambda: stopping) == 130
    assert capsys.readouterr().out.splitlines()[-1] == "read 0, missed 0; interrupted"


def test_ctrl_c_ends_the_command_with_a_report_and_exit_code_130(tmp_path: Path) -> None:
    folder = recording(tmp_path / "film", empty(10), held(code(0), 30))
    head = json.loads((folder / "recording.json").read_text())
    (folder / "recording.json").write_text(json.dumps({**head, "schedule": head["schedule"][:10] + list(range(10, 40)) * 20_000}))
    command = [sys.executable, "-m", "device", "replay", str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("1:00.00, frame ")  # a minute of material has passed
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in err) == (130, False)
    assert (json.loads(out)["complete"], len(json.loads(out)["presentations"])) == (False, 1)


def test_no_address_outside_the_page_stands_in_it(film: Path, tmp_path: Path) -> None:
    run(arguments(film, html=tmp_path / "page.html"), threading.Event)
    page = (tmp_path / "page.html").read_text()
    assert re.findall(r"https?:|<script|<link|@import|url\(|src=(?!\"data:)", page) == []
