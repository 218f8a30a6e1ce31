"""The wiring page names the boards, their drawings and the pins of the reference board, and tells what a loss of power does."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from device import board, config
from device.settings import GATE_TABLES
from device.turnstile.lane import PROFILES, LaneKind
from tests.hardware.test_boards import BOARDS, REFERENCE, ROOT, load

PAGE = (ROOT / "hardware" / "wiring.md").read_text(encoding="utf-8")


def test_the_page_names_every_board_with_its_drawing_computer_and_lane(tmp_path: Path) -> None:
    row = r"^\| \[(\S+)\]\(boards/(\S+)\.toml\) \| \[drawing\]\(drawings/(\S+)\.svg\) \| (.+?) \| (\w+) \|"
    told = sorted(re.findall(row, PAGE, re.MULTILINE))
    names = {model: each.name.removeprefix("Raspberry Pi ") for model, each in board.MODELS.items()}
    computers = {model: f"Pi {name}" if name.isdecimal() else name for model, name in names.items()}
    settings = {path.stem: load(path, tmp_path) for path in BOARDS}
    assert told == [(stem, stem, stem, computers[each.board.model], each.lane.profile) for stem, each in settings.items()]


def test_the_page_tells_the_pins_of_the_reference_board_and_where_they_are_on_the_header(tmp_path: Path) -> None:
    told = {int(bcm): int(header) for bcm, header in re.findall(r"^\| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)}
    pins = {use.pin for use in config.pins(load(ROOT / "hardware" / "boards" / f"{REFERENCE}.toml", tmp_path))}
    assert told == {pin: board.HEADER[pin] for pin in pins}


def test_the_page_tells_what_a_loss_of_power_does_to_every_lane() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    assert told == {kind.value: profile.power_loss.value for kind, profile in PROFILES.items()}


def test_the_page_on_lanes_has_a_part_for_each() -> None:
    lanes = (ROOT / "hardware" / "lanes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## `(\w+)`", lanes, re.MULTILINE) == [kind.value for kind in LaneKind]


def test_every_key_that_a_page_names_is_one() -> None:
    tables = {table: {each.name for each in fields(kind)} for table, kind in GATE_TABLES.items()}
    for name in ("wiring.md", "lanes.md"):
        page = (ROOT / "hardware" / name).read_text(encoding="utf-8")
        named = re.findall(rf"`({'|'.join(tables)})\.(\w+)", page)
        assert [f"{table}.{key}" for table, key in named if key not in tables[table]] == []
