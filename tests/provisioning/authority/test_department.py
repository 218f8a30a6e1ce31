from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from device.domain import CredentialKind
from device.errors import UsageError, VerificationError
from device.events.sealing import Identity, Occasion, seal_identity
from provisioning.authority import department, keys
from provisioning.authority.department import Sealed

CARD = Identity(CredentialKind.CCCD, b"999000000001|999000001")
OCCASION = Occasion("g-a", "0badcafe", 7)


def test_the_private_half_stays_with_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "department"
    public = department.make(folder)
    key = keys.read_sealing_key(folder / "identity.key")
    assert key.public_key().public_bytes_raw().hex() == public == (folder / "identity.pub").read_text().strip()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "identity.key")] == [0o700, 0o600]


def test_a_key_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    department.make(tmp_path)
    before = (tmp_path / "identity.key").read_bytes()
    with pytest.raises(UsageError, match="there is a key already"):
        department.make(tmp_path)
    assert (tmp_path / "identity.key").read_bytes() == before


def test_a_key_of_another_kind_is_told(tmp_path: Path) -> None:
    keys.write_key(tmp_path / "identity.key", keys.make_signing_key())
    with pytest.raises(VerificationError, match="key of another kind"):
        keys.read_sealing_key(tmp_path / "identity.key")


def test_rows_are_read_as_they_were_written_and_open(tmp_path: Path) -> None:
    department.make(tmp_path)
    key = keys.read_sealing_key(tmp_path / "identity.key")
    row = Sealed(OCCASION, seal_identity(CARD, key.public_key(), OCCASION))
    (tmp_path / "rows").write_text(f"{department.write_row(row)}\n\n{department.write_row(row)}")
    assert list(department.read(tmp_path / "rows")) == [row, row]
    assert department.open_row(row, key) == CARD


GOOD = {"gate": "g", "epoch": "e", "sequence": 1, "sealed": "AA=="}


@pytest.mark.parametrize(
    "line",
    ["[]", "{", "{}", "1", json.dumps(GOOD | {"sequence": "1"}), json.dumps(GOOD | {"sealed": "!"}), json.dumps(GOOD | {"gate": 1}), "[" * 70_000],
)
def test_a_line_that_is_none_is_told_with_its_place(tmp_path: Path, line: str) -> None:
    (tmp_path / "rows").write_text(f"{json.dumps(GOOD)}\n{line}\n")
    with pytest.raises(VerificationError) as caught:
        list(department.read(tmp_path / "rows"))
    assert caught.value.what == f"{tmp_path}/rows:2: this is no sealed identity"


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "rows").write_bytes(b"\xff")
    for name in ("rows", "missing"):
        with pytest.raises(VerificationError):
            list(department.read(tmp_path / name))
