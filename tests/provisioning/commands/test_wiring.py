from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.cli import main
from provisioning.technician.wiring import draw

BOARDS = Path(__file__).parents[3] / "hardware" / "boards"
REFERENCE = BOARDS / "rpi4-relay-hat.toml"


def test_a_board_file_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gate.svg"
    assert main(["wiring", str(REFERENCE), "--out", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"drawings": [str(path)]}
    assert path.read_text(encoding="utf-8") == draw(REFERENCE)


def test_a_gate_as_init_made_it_is_drawn(out: Path, tmp_path: Path) -> None:
    assert main(["wiring", str(out / "gates" / "g-a" / "gate.toml"), "--out", str(tmp_path / "gate.svg")]) == 0
    assert "Raspberry Pi 4: tripod turnstile" in (tmp_path / "gate.svg").read_text(encoding="utf-8")


def test_many_files_go_into_a_folder_each_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(BOARDS.glob("*.toml"))
    assert main(["wiring", *map(str, files), "--all", str(tmp_path / "drawings")]) == 0
    expected = [tmp_path / "drawings" / f"{file.stem}.svg" for file in files]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in expected]
    assert sorted((tmp_path / "drawings").iterdir()) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([str(REFERENCE)], id="nowhere to draw"),
        pytest.param([str(REFERENCE), "--out", "gate.png"], id="no SVG"),
        pytest.param([str(REFERENCE), str(REFERENCE), "--out", "gate.svg"], id="two files and one drawing"),
        pytest.param([str(REFERENCE), "--out", "gate.svg", "--all", "drawings"], id="two places"),
    ],
)
def test_a_wrong_request_draws_nothing(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["wiring", *arguments]) == 2
    assert list(tmp_path.iterdir()) == []


def test_one_file_with_mistakes_and_none_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.toml").write_text("[relay]\npin = 4\n", encoding="utf-8")
    assert main(["wiring", str(REFERENCE), str(tmp_path / "wrong.toml"), "--all", str(tmp_path / "drawings")]) == 3
    assert "relay.pin 4 is pulled up" in capsys.readouterr().err
    assert not (tmp_path / "drawings").exists()
