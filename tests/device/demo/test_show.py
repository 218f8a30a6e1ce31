"""The demo as its user sees it, and a search for people in all that it leaves behind."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.demo.live import write_pass
from device.demo.payloads import payloads
from device.demo.scenes import presentations
from tests.contract.reading import violations

ROOT = Path(__file__).parents[3]
DEMO_S = 240  # the first run renders, too
DEMOS_MAX = 3
"""A machine too busy for the pace of the pictures drops some, and whoever stood there meanwhile was not seen: it is shown again."""


@dataclass(frozen=True)
class Shown:
    """One demo that was run: what it printed, its closing table, and the folder it kept."""

    exit_code: int
    printed: str
    table: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    if shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        pytest.skip("mosquitto is not installed")
    folder = tmp_path_factory.mktemp("demo")
    table = folder / "table.json"
    for turn in range(DEMOS_MAX):
        kept = folder / f"kept{turn}"
        command = [sys.executable, "-m", "device", "demo", "--cache", "build", "--keep", str(kept), "--json", str(table)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEMO_S, check=False)
        assert table.exists(), done.stderr
        if "dropped=0 " in done.stdout:
            break
    return Shown(done.returncode, done.stdout, json.loads(table.read_text(encoding="utf-8")), kept)


def test_every_presentation_has_its_one_expected_decision_and_every_event_is_confirmed(shown: Shown) -> None:
    events = shown.table["events"]
    assert (shown.exit_code, shown.table["wrong"]) == (0, [])
    assert shown.table["presentations"] == len(presentations(payloads()))
    assert events["recorded"] == events["published"] == events["confirmed"] > len(presentations(payloads()))


def test_it_prints_a_line_for_each_event_as_it_came_from_the_broker(shown: Shown) -> None:
    lines = [line for line in shown.printed.splitlines() if "  #" in line]
    arrived = [line for line in (shown.folder / "traffic.log").read_bytes().splitlines() if b"/event/" in line.split(b" ")[0]]
    assert len(lines) == shown.table["events"]["recorded"]
    assert len(arrived) == len(lines) + shown.table["events"]["repeated"]


def test_every_message_that_people_can_read_is_as_the_contract_says(shown: Shown) -> None:
    """Confirmations are signed bytes, which may hold a line end."""
    lines = (
        line.split(b" ", 1)
        for line in (shown.folder / "traffic.log").read_bytes().splitlines()
        if re.match(rb"qg/v1/\S+/(event/\w+|state|health) ", line)
    )
    said = dict.fromkeys((topic.decode(), body) for topic, body in lines)
    assert {topic.split("/")[5] for topic, _ in said} == {"event", "state", "health"}
    assert [wrong for topic, body in said for wrong in violations(topic, body)] == []


def test_no_alarm_tells_of_a_camera_that_is_silent_before_the_first_person_comes(shown: Shown) -> None:
    assert "no_frames" not in shown.printed


# --- what may go wrong, and Ctrl-C -------------------------------------------------------------------------------


def demo(*arguments: str, errors: int = subprocess.PIPE) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-m", "device", "demo", "--cache", "build", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--json", "/nowhere/table.json"], 2, "qrgate demo: --json /nowhere/table.json cannot be written: No such file or directory\n"),
        (["--keep", "device"], 2, "qrgate demo: --keep device: the folder is not empty\n"),
        (["--sheet", "people.jpg"], 2, "qrgate demo: --sheet shows what --prepare renders\n"),
        (["--webcam", "/dev/nothing"], 5, "qrgate demo: no webcam at /dev/nothing: No such file or directory\n"),
    ],
)
def test_what_cannot_be_is_told_before_anything_starts(arguments: list[str], code: int, told: str) -> None:
    with demo(*arguments) as process:
        printed, errors = process.communicate(timeout=30)
    assert (process.returncode, printed) == (code, "")
    assert errors.startswith(told)
    assert "reader.path" not in errors


def interrupt_at(word: str, *arguments: str) -> tuple[int, str]:
    """Ctrl-C when a line with ``word`` was printed; the exit code, and all that was printed after it."""
    with demo(*arguments, errors=subprocess.STDOUT) as process:
        assert process.stdout is not None
        assert any(word in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        printed = process.stdout.read()
    return process.returncode, printed


def test_ctrl_c_says_how_far_the_people_came_and_judges_nothing(shown: Shown, tmp_path: Path) -> None:
    assert shown.exit_code == 0  # the recording is there
    code, printed = interrupt_at("decision", "--json", str(tmp_path / "table.json"))
    assert printed.splitlines()[-1] == f"— interrupted after 1 of {len(presentations(payloads()))} presentations: nothing is judged"
    assert (code, list(tmp_path.iterdir())) == (130, [])


def test_ctrl_c_ends_live_pictures_well_and_the_pass_of_the_demo_was_admitted(shown: Shown, tmp_path: Path) -> None:
    assert shown.exit_code == 0
    for number in range(100):  # at 30 frames/s they outlast the Ctrl-C
        shutil.copy(write_pass(tmp_path), tmp_path / f"{number}.png")
    code, printed = interrupt_at("ADMIT", "--frames", str(tmp_path))
    assert "admitted                       1   (ok 1)" in printed
    assert code == 0


# --- nothing of a person -----------------------------------------------------------------------------------------


LEAST = 8
"""Letters of base64 that no other text holds by chance. A certificate made at midnight holds ``MDAw``, three zeros (seen)."""


def canaries() -> set[bytes]:
    """Every field of every claim and every pass, as text, in hex, and in base64 (as it stands at any of three offsets)."""
    held = payloads()
    plain = {part for role in ("cccd7", "mic") for part in held[role].replace(b"<", b"|").split(b"|")} | {held["payment"][20:60]}
    plain |= {payload.rsplit(b".", 1)[0][4:] for payload in held.values() if payload.startswith(b"KD1.")}
    plain = {part for part in plain if len(part) >= 8}
    coded = {part.hex().encode() for part in plain}
    in_base64 = {base64.b64encode(b"\0" * shift + part)[4:-4] for part in plain for shift in range(3)}
    return plain | coded | {letters for letters in in_base64 if len(letters) >= LEAST}


def found_in(folder: Path, searched: set[bytes]) -> list[tuple[str, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [(str(path.relative_to(folder)), canary) for path in files for canary in searched if canary in path.read_bytes()]


def test_store_logs_and_broker_traffic_hold_nothing_of_a_person(shown: Shown) -> None:
    names = {path.name for path in shown.folder.rglob("*") if path.is_file()}
    assert {"events.db", "events.sqlite", "traffic.log", "gate.log", "recorder.log", "broker.log"} <= names
    assert found_in(shown.folder, canaries()) == []


def test_the_search_would_find_a_person(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes("12:00 admitted Nguyễn Văn Thử".encode())
    (tmp_path / "dump").write_bytes(b"x" + base64.b64encode(payloads()["cccd7"]))
    (tmp_path / "hex").write_bytes(payloads()["mic"].hex().encode())
    assert {name for name, _ in found_in(tmp_path, canaries())} == {"log", "dump", "hex"}
