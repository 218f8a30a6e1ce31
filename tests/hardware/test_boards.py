"""Every board file is settings that a gate would start with, and the wiring page tells the same pins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from device import config
from device.settings import Settings

ROOT = Path(__file__).parents[2]
BOARDS = sorted((ROOT / "hardware" / "boards").glob("*.toml"))

SITE = f"""
[site]
province = "p1"
site = "s1"
gate = "g1"
[broker]
host = "broker.example"
ca_file = "ca.crt"
certificate_file = "gate.crt"
key_file = "gate.key"
[recorder]
public_key = "{"0" * 64}"
[policy]
[pseudonyms]
key_file = "pseudonym.json"
"""


def load(board: Path, folder: Path) -> Settings:
    """As `make install` puts its example together: what systemd's gates share, then the board."""
    shared = (ROOT / "systemd" / "gate.toml").read_text(encoding="utf-8")
    (folder / "gate.toml").write_text(f"{shared}\n{board.read_text(encoding='utf-8')}", encoding="utf-8")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    return config.load(folder)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_a_gate_starts_with_the_pins_of_a_board(board: Path, tmp_path: Path) -> None:
    settings = load(board, tmp_path)
    driven = {"relay.pin", "lamps.green_pin", "lamps.red_pin", "buzzer.pin", "passage.pin"}
    assert {f"{table}.{key}" for table, key, _ in config.pins(settings)} == driven


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.stem)
def test_no_output_of_a_board_is_on_while_nobody_drives_it(board: Path, tmp_path: Path) -> None:
    settings = load(board, tmp_path)
    pulled_up_at_rest = {pin for _, _, pin in config.pins(settings) if pin < 9}
    assert (settings.relay.active_high, pulled_up_at_rest) == (True, set())


def test_the_wiring_page_names_the_pins_of_its_board(tmp_path: Path) -> None:
    wiring = (ROOT / "hardware" / "wiring.md").read_text(encoding="utf-8")
    (named,) = re.findall(r"\(boards/(.+?)\)", wiring)
    in_table = {int(number) for number in re.findall(r"^\| (\d+) \| \d+ \|", wiring, flags=re.MULTILINE)}
    in_drawing = {int(number) for number in re.findall(r"GPIO (\d+) \(", wiring)}
    pins = {pin for _, _, pin in config.pins(load(ROOT / "hardware" / "boards" / named, tmp_path))}
    assert (in_table, in_drawing) == (pins, pins)


def test_the_wiring_page_names_the_header_pins_of_a_raspberry_pi() -> None:
    wiring = (ROOT / "hardware" / "wiring.md").read_text(encoding="utf-8")
    header = {17: 11, 22: 15, 23: 16, 24: 18, 27: 13}  # the 40-pin header, the same on every model since the B+
    in_table = {int(bcm): int(pin) for bcm, pin in re.findall(r"^\| (\d+) \| (\d+) \|", wiring, flags=re.MULTILINE)}
    in_drawing = {int(bcm): int(pin) for bcm, pin in re.findall(r"GPIO (\d+) \((\d+)\)", wiring)}
    assert (in_table, in_drawing) == (header, header)
