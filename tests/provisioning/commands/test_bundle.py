from __future__ import annotations

import json
from pathlib import Path

import pytest

from device import config
from provisioning.cli import main


@pytest.fixture
def bundle(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    path = tmp_path / "trust.bundle"
    assert main(["trust", "build", "--authority", str(out / "authority"), "--out", str(path)]) == 0
    capsys.readouterr()
    return path


def test_the_key_in_a_gate_s_settings_proves_it(out: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = config.load(out / "gates" / "g-a").bundles.public_key
    assert main(["bundle", "show", str(bundle), "--key", key, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "trust"


def test_another_key_does_not(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "show", str(bundle), "--key", "ab" * 32]) == 4
    assert capsys.readouterr().out == ""


def test_whose_signature_it_should_be_must_be_told(out: Path, bundle: Path) -> None:
    assert main(["bundle", "show", str(bundle)]) == 2
    assert main(["bundle", "show", str(bundle), "--authority", str(out / "authority"), "--key", "ab" * 32]) == 2
    assert main(["bundle", "show", str(bundle), "--key", "ab"]) == 2
