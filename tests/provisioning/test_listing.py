from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioning import steps
from provisioning.cli import main


@pytest.fixture
def authority(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["init", "--province", "p-999", "--site", "s-999", "--gate", "g-a", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    return str(tmp_path / "authority")


def build(tmp_path: Path, authority: str, version: str, *more: str) -> int:
    (tmp_path / "persons.csv").write_text("type,value\ncccd,999000000001\ncmnd,999000001\ncccd,999000000001\n")
    arguments = ["--kind", "deny", "--from", str(tmp_path / "persons.csv"), "--version", version, "--authority", authority]
    return main(["lists", "build", *arguments, *more])


def test_init_gives_every_gate_the_provinces_list_key(tmp_path: Path, authority: str) -> None:
    key = tmp_path / "gates/g-a/list.key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == ((Path(authority) / "list.key").read_text(), 0o600)


def test_a_list_is_built_and_shown(tmp_path: Path, authority: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deny-7.list"
    assert build(tmp_path, authority, "7", "--out", str(out), "--site", "s-999", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    issued, digest, key_id = document.pop("issued"), document.pop("digest"), document.pop("key_id")
    assert document == {
        "list": str(out),
        "kind": "deny",
        "version": 7,
        "province": "p-999",
        "sites": ["s-999"],
        "valid_hours": 48,
        "entries": 2,
        "base": None,
        "records": 2,
        "doubled_lines": 1,
    }
    assert main(["lists", "show", str(out), "--authority", authority]) == 0
    words = f"deny list, version 7, 2 entries, for sites s-999 of p-999, issued {issued}, stale after 48 hours"
    assert capsys.readouterr().out == f"{out}: {words}\nthe whole list\nsigned by this office\n"
    assert main(["lists", "show", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["digest"], shown["key_id"], shown["signed"]) == (digest, key_id, None)


def test_changes_are_built_and_shown(tmp_path: Path, authority: str, capsys: pytest.CaptureFixture[str]) -> None:
    six, changes = tmp_path / "deny-6.list", tmp_path / "deny-6-to-7.list"
    build(tmp_path, authority, "6", "--out", str(six))
    assert build(tmp_path, authority, "7", "--out", str(changes), "--delta-from", str(six)) == 0
    told = "0 changes, for gates that have version 6\n"
    built = capsys.readouterr().out
    assert built.endswith(told + "1 lines said again what another line says\n" + "\n".join(steps.for_handing_over(changes)) + "\n")
    assert main(["lists", "show", str(changes)]) == 0
    assert capsys.readouterr().out.endswith(told + "its signature was not looked at: --authority does that\n")


def test_a_damaged_list_is_not_shown(tmp_path: Path, authority: str, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deny-7.list"
    build(tmp_path, authority, "7", "--out", str(out))
    out.write_bytes(out.read_bytes()[:-12])
    assert main(["lists", "show", str(out)]) == 4
    assert capsys.readouterr().err.splitlines()[-1] == "qrgate-provision: its records are not the 2 that were signed"


def test_a_table_with_mistakes_writes_nothing(tmp_path: Path, authority: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong.csv").write_text("type,value\ncccd,1\n")
    arguments = ["--kind", "deny", "--from", str(tmp_path / "wrong.csv"), "--version", "1", "--authority", authority]
    assert main(["lists", "build", *arguments, "--out", str(tmp_path / "deny.list")]) == 3
    assert "line 2: cccd '*' is not 12 digits" in capsys.readouterr().err
    assert not (tmp_path / "deny.list").exists()


@pytest.mark.parametrize("version", ["0", "-1", "x", "9" * 19])
def test_versions_are_counted_from_one(tmp_path: Path, authority: str, version: str) -> None:
    assert build(tmp_path, authority, version, "--out", str(tmp_path / "deny.list")) == 2
