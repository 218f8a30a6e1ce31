from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import config
from device.bundles.envelope import Bundle, Kind, Place, open_bundle
from device.bundles.keys import read_keys
from device.events.pseudonyms import VIET_NAM, from_json
from provisioning.cli import main


def test_init_hands_over_as_many_days_as_were_asked_for(out: Path) -> None:
    assert len(from_json((out / "gates" / "g-a" / "pseudonym.json").read_bytes()).ahead) == 10


def test_new_keys_are_told_with_their_last_day_and_what_to_do(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, last = out / "gates" / "g-a" / "pseudonym.json", datetime.now(VIET_NAM).date() + timedelta(30)
    assert main(["keys", "--out", str(out), "--days-ahead", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"g-a": {"file": str(path), "site": "s-999", "last_day": last.isoformat()}}
    assert from_json(path.read_bytes()).last_day == last
    assert main(["keys", "--out", str(out), "--gate", "g-a"]) == 0
    assert "sudo make install" in capsys.readouterr().out


def test_keys_for_a_gate_that_is_not_there_are_exit_code_2(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "--out", str(out), "--gate", "g-b"]) == 2
    assert "there is no gate 'g-b'" in capsys.readouterr().err


def test_the_same_keys_as_a_bundle_are_for_their_site_and_warned_of(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / "keys.bundle"
    assert main(["keys", "--out", str(out), "--bundle", str(bundle)]) == 0
    assert capsys.readouterr().err == (
        f"qrgate-provision: warning: {bundle} is signed and not encrypted: carry it to the gates by hand, and delete it afterwards\n"
    )
    key = config.load(out / "gates" / "g-a").bundles.public_key
    opened = open_bundle(
        bundle.read_bytes(), Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)), place=Place("p-999", "s-999", "g-a"), passed_s=0
    )
    assert isinstance(opened, Bundle)
    assert (opened.kind, read_keys(opened.content, site="s-999")) == (Kind.KEYS, from_json((out / "gates" / "g-a" / "pseudonym.json").read_bytes()))
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600


def test_a_bundle_of_keys_is_for_one_site(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--province", "p-999", "--site", "s-998", "--gate", "g-b", "--out", str(out)]) == 0
    assert main(["keys", "--out", str(out), "--bundle", str(tmp_path / "keys.bundle")]) == 2
    assert "these gates are of s-998, s-999" in capsys.readouterr().err
