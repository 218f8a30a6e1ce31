from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.cli import main


@pytest.fixture
def out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """The folder of a province with one gate."""
    folder = tmp_path / "province"
    assert main(["init", "--province", "p-999", "--site", "s-999", "--gate", "g-a", "--out", str(folder), "--days-ahead", "10"]) == 0
    capsys.readouterr()
    return folder
