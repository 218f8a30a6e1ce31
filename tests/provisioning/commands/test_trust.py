from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from device.credentials.kd1 import issuer_key_id
from provisioning.authority.keys import raw_public, read_signing_key
from provisioning.cli import main


def test_the_office_s_own_passes_are_always_believed(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "trust.bundle"
    arguments = ["--authority", str(out / "authority"), "--issuer", "ab" * 32, "--out", str(bundle)]
    assert main(["trust", "build", *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"bundle": str(bundle), "passes": 2}
    assert main(["bundle", "show", str(bundle), "--authority", str(out / "authority"), "--json"]) == 0
    issuer = raw_public(read_signing_key(out / "authority" / "pass-issuer.key"))
    assert json.loads(capsys.readouterr().out)["content"] == {"passes": [issuer.hex(), "ab" * 32]}
    assert len(issuer_key_id(issuer)) == 8


def test_a_bundle_with_secrets_is_warned_of_and_its_owner_s_only(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "staff.toml").write_text(f'[R1]\nsecret = "{"5a" * 32}"\n')
    bundle = tmp_path / "staff.bundle"
    build = ["trust", "build", "--authority", str(out / "authority"), "--rotating", str(tmp_path / "staff.toml"), "--out", str(bundle)]
    assert main(build) == 0
    assert "this bundle holds secrets and is for every gate" in capsys.readouterr().err
    assert main([*build, "--gate", "g-a"]) == 0
    assert (capsys.readouterr().err, stat.S_IMODE(bundle.stat().st_mode)) == ("", 0o600)
    assert main(["bundle", "show", str(bundle), "--authority", str(out / "authority")]) == 0
    shown = capsys.readouterr().out
    assert ("(hidden)" in shown, "5a5a" in shown) == (True, False)


def test_a_folder_without_certificates_is_exit_code_4(out: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "trust.bundle"
    assert main(["trust", "build", "--authority", str(out / "authority"), "--health", str(tmp_path), "--out", str(bundle)]) == 4
    assert not bundle.exists()
