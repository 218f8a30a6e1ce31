from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device import config
from provisioning.technician.canvas import Canvas
from provisioning.technician.lock_supply import draw_lock_supply

USUAL: dict[str, dict[str, Any]] = {"reader": {"source": "picamera2"}, "pins": {"factory": "lgpio"}, "relay": {"pin": 17}}
READ = "[free_relay]\npin = 27\n[inputs]\nfire_pin = 5\nkey_reset_pin = 6\n"


def told(folder: Path, text: str) -> set[str]:
    (folder / "board.toml").write_text(text, encoding="utf-8")
    canvas = Canvas(990, 400, (1, 1))
    draw_lock_supply(canvas, config.load_bench(folder / "board.toml", USUAL), 0)
    return {words.text for words in canvas.words}


@pytest.mark.parametrize("loss", ["open", "arm-drops"])
def test_a_lock_that_lets_go_without_supply_is_cut_off(tmp_path: Path, loss: str) -> None:
    words = told(tmp_path, f'[lane]\npower_loss = "{loss}"\n')
    assert {"fire alarm (NC), first pole", "break-glass (NC), first pole"} <= words
    assert not any("second pole" in each for each in words)


def test_the_pole_that_the_gate_reads_is_told_beside_the_one_that_acts(tmp_path: Path) -> None:
    assert "second pole: GPIO 5 (29)" in told(tmp_path, READ)


def test_a_drive_that_needs_its_supply_to_open_is_ordered_to(tmp_path: Path) -> None:
    words = told(tmp_path, f'[lane]\npower_loss = "closed"\n{READ}')
    assert {"EMERGENCY", "fire alarm (NO), first pole", "second pole: GPIO 5 (29)", "the free relay, as above"} <= words
    assert "fire alarm (NC), first pole" not in words
