"""The demo as its user sees it, and a search for people in all that it leaves behind."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from device.demo.payloads import payloads
from device.demo.scenes import presentations

ROOT = Path(__file__).parents[3]
DEMO_S = 240  # the first run renders, too


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
    kept, table = folder / "kept", folder / "table.json"
    command = [sys.executable, "-m", "device", "demo", "--cache", "build", "--keep", str(kept), "--json", str(table)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEMO_S, check=False)
    assert table.exists(), done.stderr
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


# --- nothing of a person -----------------------------------------------------------------------------------------


def canaries() -> set[bytes]:
    """Every field of every claim and every pass, as text, in hex, and in base64 (as it stands at any of three offsets)."""
    held = payloads()
    plain = {part for role in ("cccd7", "mic") for part in held[role].replace(b"<", b"|").split(b"|")} | {held["payment"][20:60]}
    plain |= {payload.rsplit(b".", 1)[0][4:] for payload in held.values() if payload.startswith(b"KD1.")}
    plain = {part for part in plain if len(part) >= 8}
    coded = {part.hex().encode() for part in plain}
    in_base64 = {base64.b64encode(b"\0" * shift + part)[4:-4] for part in plain for shift in range(3) if len(part) > 8}
    return plain | coded | in_base64


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
