"""The page on scan modules shows settings that a gate would start with, and tells what the gate writes to a module."""

from __future__ import annotations

import re
from pathlib import Path

from device import config
from device.reader.scanners import gm65
from device.settings import Scanner, ScannerModel, SourceKind
from tests.hardware.test_boards import SITE

PAGE = (Path(__file__).parents[2] / "hardware" / "scan-modules.md").read_text(encoding="utf-8")
REST = '[pins]\nfactory = "mock"\n[relay]\npin = 17\n'


def test_the_settings_on_the_page_are_those_of_a_gate(tmp_path: Path) -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "gate.toml").write_text(shown + REST, encoding="utf-8")
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    settings = config.load(tmp_path)
    assert (settings.reader.source, settings.scanner.model) == (SourceKind.SCANNER, ScannerModel.GM65)


def test_the_page_tells_what_holds_where_a_key_is_left_out() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| `(.+?)` \|", PAGE, re.MULTILINE))
    usual = Scanner()
    assert told == {"trigger": f'"{usual.trigger}"', "baud_rate": str(usual.baud_rate), "left_after_s": str(usual.left_after_s)}


def test_the_page_names_every_family() -> None:
    assert re.findall(r"^\| `(\w+)` \| [A-Za-z]", PAGE, re.MULTILINE) == [each.value for each in ScannerModel]


def test_the_page_tells_every_zone_that_is_written_to_a_gm65() -> None:
    told = re.findall(r"^\| ([0-9A-F]{4})[, ]", PAGE, re.MULTILINE)
    written = [gm65.SETUP_CODES, gm65.CONTINUOUS, gm65.TERMINATOR, gm65.PAUSE, gm65.SAME_CODE]
    assert told == [f"{setting.zone:04X}" for setting in written]
