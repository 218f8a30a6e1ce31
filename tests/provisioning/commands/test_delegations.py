from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning.cli import main

KEY = "ab" * 32
TEXT = f'[holders.op-1]\nkey = "{KEY}"\nroles = ["operator"]\nuntil = 2027-12-31\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "delegations.toml"
    path.write_text(TEXT)
    return path


def test_delegations_are_signed_and_shown(out: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    authority = str(out / "authority")
    assert main(["delegations", "sign", str(path), "--authority", authority, "--until", "2027-12-31", "--json"]) == 0
    bundle = path.with_suffix(".bundle")
    told = capsys.readouterr()
    assert json.loads(told.out) == {"ok": True, "holders": 1, "bundle": str(bundle)}
    assert "there is one operator's key" in told.err
    assert main(["bundle", "show", str(bundle), "--authority", authority, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["kind"], shown["content"]["holders"][0]["key"], shown["expires"]) == ("delegations", KEY, "2027-12-31T16:59:59+00:00")


def test_a_check_writes_nothing(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delegations", "check", str(path)]) == 0
    assert "1 holder, no mistake found" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_other_sites_are_counted_together(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = f'[holders.op-1]\nkey = "{KEY}"\nroles = ["operator"]\nuntil = 2027-12-31\ngates = '
    path.write_text(text + '["g-1", "g-2", "g-3", "g-4"]')
    (south := tmp_path / "south.toml").write_text(text + '["g-5"]')
    assert main(["delegations", "check", str(path)]) == 0
    assert main(["delegations", "check", str(path), "--beside", str(south)]) == 3
    assert "name the key in one file for all its gates" in capsys.readouterr().err


def test_mistakes_are_exit_code_3_and_a_missing_signer_2(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["delegations", "sign", str(path)]) == 2
    path.write_text(TEXT.replace("operator", "king"))
    assert main(["delegations", "check", str(path)]) == 3
    assert f"{path}:3: holders.op-1.roles names no role, one twice, or one that nobody knows" in capsys.readouterr().err


def test_what_is_over_is_told_and_a_bundle_that_is_over_is_not_signed(out: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text(TEXT.replace("2027", "2020"))
    assert main(["delegations", "check", str(path)]) == 0
    assert f"the key {KEY[:16]}… counts no more: its `until` is past" in capsys.readouterr().err
    assert main(["delegations", "sign", str(path), "--authority", str(out / "authority"), "--until", "2020-12-31"]) == 2
    assert not path.with_suffix(".bundle").exists()
