"""Every board file is settings that a gate would start with, and together they show what can be built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from device import board, config
from device.errors import SettingsError
from device.settings import BoardModel, RelayKind, Settings
from device.turnstile.lane import PROFILES, LaneKind
from provisioning.authority.init import REFERENCE_GATE
from provisioning.technician.wiring import SHARED_TABLES

ROOT = Path(__file__).parents[2]
BOARDS = sorted((ROOT / "hardware" / "boards").glob("*.toml"))
REFERENCE = "rpi4-relay-hat"

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


def load(path: Path, folder: Path) -> Settings:
    """As `make install` puts its example together: what systemd's gates share, then the board."""
    shared = (ROOT / "systemd" / "gate.toml").read_text(encoding="utf-8")
    (folder / "gate.toml").write_text(f"{shared}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    return config.load(folder)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_gate_starts_with_a_board_file(path: Path, tmp_path: Path) -> None:
    settings = load(path, tmp_path)
    assert settings.board.model is not BoardModel.OTHER
    lit = {settings.lamps.green_pin, settings.lamps.red_pin, settings.lamps.amber_pin, settings.buzzer.pin}
    assert None not in lit


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_board_file_reads_alone_as_it_does_behind_what_systemd_s_gates_share(path: Path, tmp_path: Path) -> None:
    alone = config.load_bench(path, {name: REFERENCE_GATE[name] for name in SHARED_TABLES})
    settings = load(path, tmp_path)
    assert alone == {table: getattr(settings, table) for table in alone}


def test_the_reference_board_drives_what_its_page_tells(tmp_path: Path) -> None:
    settings = load(ROOT / "hardware" / "boards" / f"{REFERENCE}.toml", tmp_path)
    driven = {"relay.pin", "lamps.green_pin", "lamps.red_pin", "lamps.amber_pin", "buzzer.pin", "passage.pin"}
    assert {f"{use.table}.{use.key}" for use in config.pins(settings)} == driven


def test_every_model_every_lane_and_every_kind_of_relay_has_a_board(tmp_path: Path) -> None:
    settings = [load(path, tmp_path) for path in BOARDS]
    assert {each.board.model for each in settings} == set(board.MODELS)
    assert {each.lane.profile for each in settings} == set(LaneKind)
    assert {each.relay.kind for each in settings} == set(RelayKind)
    moving = [each for each in settings if each.relay.kind is RelayKind.GPIO and PROFILES[each.lane.profile].moves]
    assert {each.relay.active_high for each in moving} == {True, False}


@pytest.mark.parametrize(
    ("name", "maker_s", "refused"),
    [
        pytest.param("rpi4-waveshare-relay", {"relay": 26, "exit_relay": 20, "free_relay": 21}, "is pulled down", id="Waveshare with its jumpers in"),
        pytest.param("rpi5-pirelay", {"free_relay": 4}, "is pulled up", id="the fourth relay of a PiRelay"),
    ],
)
def test_the_pins_that_a_maker_chose_and_that_would_be_on_at_boot_are_refused(
    name: str, maker_s: dict[str, int], refused: str, tmp_path: Path
) -> None:
    text = (ROOT / "hardware" / "boards" / f"{name}.toml").read_text(encoding="utf-8")
    for table, pin in maker_s.items():
        text, count = re.subn(rf"(?m)^(\[{table}\]\npin = )\d+", rf"\g<1>{pin}", text)
        assert count == 1
    (tmp_path / "board.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "board.toml", tmp_path)
    told = [line for line in caught.value.what.splitlines() if refused in line]
    assert [re.findall(r": (\w+)\.pin (\d+) ", line) for line in told] == [[(table, str(pin))] for table, pin in maker_s.items()]
