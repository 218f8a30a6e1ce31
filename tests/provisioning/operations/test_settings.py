from __future__ import annotations

from pathlib import Path

import pytest

from device.errors import SettingsError
from provisioning.operations import settings
from tests.provisioning.live import provision


def test_every_mistake_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    file = provision(tmp_path).recorder / "recorder.toml"
    text = file.read_text().replace("port = 8883", "port = 0").replace('id = "recorder.p-999"', 'id = "recorder"').replace("\nfile =", "\nfiel =", 1)
    file.write_text(text + "\n[extra]\n")
    with pytest.raises(SettingsError) as caught:
        settings.load(file)
    lines = text.splitlines()

    def place(key: str) -> int:
        return next(number for number, line in enumerate(lines, start=1) if line.startswith(f"{key} = "))

    found = [line for line in caught.value.what.splitlines() if ":" in line][1:]
    assert len(found) == 5
    for part in (
        f"{file}:{len(lines) + 2}: unknown 'extra'",
        f"{file}:{place('id')}: identity.id: 'recorder' does not have the form",
        f"{file}:{place('port')}: broker.port: expected 1 to 65535, found 0",
        "unknown key 'fiel' in [storage] (did you mean 'file'?)",
        "[storage] lacks 'file'",
    ):
        assert part in caught.value.what


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        settings.load(tmp_path / "recorder.toml")
