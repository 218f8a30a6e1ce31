from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from device.domain import CredentialKind
from device.events.sealing import Identity, Occasion, seal_identity
from provisioning.authority import department
from provisioning.authority.department import Sealed
from provisioning.cli import main

OCCASION = Occasion("g-a", "0badcafe", 7)


@pytest.fixture
def public(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> X25519PublicKey:
    assert main(["identity", "make", str(tmp_path / "department"), "--json"]) == 0
    return X25519PublicKey.from_public_bytes(bytes.fromhex(json.loads(capsys.readouterr().out)["public_key"]))


def sealed(public: X25519PublicKey, payload: bytes) -> Sealed:
    return Sealed(OCCASION, seal_identity(Identity(CredentialKind.CCCD, payload), public, OCCASION))


def test_what_people_showed_is_told_and_what_does_not_open_is_exit_code_4(
    public: X25519PublicKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = sealed(public, "999000000001|Nguyễn".encode())
    elsewhere = replace(row, occasion=replace(OCCASION, sequence=8))
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(f"{department.write_row(each)}\n" for each in (elsewhere, row)))
    opening = ["identity", "open", str(rows), "--key", str(tmp_path / "department" / "identity.key")]
    assert main([*opening, "--json"]) == 4
    told = {"gate": "g-a", "epoch": "0badcafe"}
    assert json.loads(capsys.readouterr().out) == {
        "rows": [
            told | {"sequence": 8, "refused": "it does not open"},
            told | {"sequence": 7, "kind": "cccd", "payload": "999000000001|Nguyễn"},
        ]
    }


def test_what_people_showed_cannot_drive_the_terminal(public: X25519PublicKey, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(department.write_row(sealed(public, b"999\x1b[2J\xff")))
    assert main(["identity", "open", str(rows), "--key", str(tmp_path / "department" / "identity.key")]) == 0
    assert capsys.readouterr().out == "g-a 7 cccd '999\\x1b[2J\\\\xff'\n"


def test_the_key_must_be_told_and_is_made_once(public: X25519PublicKey, tmp_path: Path) -> None:
    assert len(public.public_bytes_raw()) == 32
    assert main(["identity", "open", str(tmp_path / "rows.jsonl")]) == 2
    assert main(["identity", "make", str(tmp_path / "department")]) == 2
