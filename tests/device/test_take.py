from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from device.cli import main
from device.domain import EventType
from tests.device.gate.desk import Desk
from tests.device.gate.test_in_force import RECORDS
from tests.device.strangers import NOBODY, needs_root
from tests.offices import Office, OfficeGate


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return Office(tmp_path_factory.mktemp("office"))


@pytest.fixture(scope="module")
def settings(office: Office) -> Path:
    return office.gate(office.folder / "gate").folder


@pytest.fixture
def inbox(settings: Path) -> Path:
    """The gate's, empty, as after its first start."""
    folder = settings / "state/inbox"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in folder.iterdir():
        path.unlink()
    return folder


def take(settings: Path, capsys: pytest.CaptureFixture[str], *files: Path) -> tuple[int, list[dict[str, Any]]]:
    capsys.readouterr()
    code = main(["take", "--settings", str(settings), "--json", *(str(path) for path in files)])
    return code, json.loads(capsys.readouterr().out)["files"]


def handed(file: Path, kind: str, version: int) -> dict[str, Any]:
    return {"file": str(file), "handed_over": True, "kind": kind, "version": version, "why": "", "hint": ""}


def test_what_the_office_signed_is_put_into_the_inbox_whole(office: Office, settings: Path, inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [office.policy(RECORDS), office.trust(), office.keys(), office.list_of("deny", "cccd,999000000001")]
    code, told = take(settings, capsys, *files)
    versions = [each["version"] for each in told]
    assert (code, told) == (0, [handed(*each) for each in zip(files, ("policy", "trust", "keys", "deny"), versions, strict=True)])
    there = {path.name: (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) for path in inbox.iterdir()}
    assert there == {
        f"{each['kind']}-{each['version']}{'.list' if each['kind'] == 'deny' else '.bundle'}": (file.read_bytes(), 0o600)
        for each, file in zip(told, files, strict=True)
    }


def test_a_person_is_told_what_comes_next(office: Office, settings: Path, inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = office.keys()
    capsys.readouterr()
    assert main(["take", "--settings", str(settings), str(keys), str(inbox / "nothing")]) == 2
    first, second, hint, *rest = capsys.readouterr().out.splitlines()
    nothing = f"{inbox}/nothing: not handed over: {inbox}/nothing cannot be read: No such file or directory"
    assert (first.startswith(f"{keys}: keys "), second) == (True, nothing)
    assert (hint, len(rest)) == ("  → give files that `qrgate-provision` wrote", 2)
    assert "takes them when it starts" in rest[0]


def test_what_the_gate_would_refuse_is_not_handed_over(
    office: Office, settings: Path, inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = office.policy(RECORDS)
    forged, junk, cut = tmp_path / "forged", tmp_path / "junk", tmp_path / "cut"
    forged.write_bytes(good.read_bytes()[:-1] + bytes([good.read_bytes()[-1] ^ 1]))
    junk.write_bytes(b"a photograph")
    whole = office.list_of("deny", "cccd,999000000001", "cccd,999000000002")
    cut.write_bytes(whole.read_bytes()[:-12])
    elsewhere = Office(tmp_path / "elsewhere", province="p2")
    elsewhere.gate(tmp_path / "elsewhere/gate")
    files = [forged, junk, cut, office.policy(RECORDS, "--gate", "g2"), elsewhere.list_of("deny", "cccd,999000000001")]
    code, told = take(settings, capsys, *files)
    assert (code, [each["handed_over"] for each in told], list(inbox.iterdir())) == (4, [False] * 5, [])
    assert [bool(each["why"]) for each in told] == [True] * 5


def test_what_holds_is_handed_over_also_where_another_file_does_not(
    office: Office, settings: Path, inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "junk").write_bytes(b"")
    code, told = take(settings, capsys, tmp_path / "junk", office.trust())
    assert (code, [each["handed_over"] for each in told], len(list(inbox.iterdir()))) == (4, [False, True], 1)


def test_a_gate_that_never_ran_has_no_inbox_and_that_is_exit_code_7(
    office: Office, settings: Path, inbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox.rmdir()
    code, (told,) = take(settings, capsys, office.trust())
    assert (code, told["hint"]) == (7, "the gate makes it at its first start; is paths.state right?")


def test_an_inbox_that_is_a_link_to_elsewhere_is_not_followed(
    office: Office, settings: Path, inbox: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox.rmdir()
    inbox.symlink_to(tmp_path)
    try:
        code, _ = take(settings, capsys, office.trust())
    finally:
        inbox.unlink()
    assert (code, list(tmp_path.iterdir())) == (7, [])


@needs_root
def test_root_hands_over_files_of_the_gates_own_user(office: Office, settings: Path, inbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.chown(inbox, NOBODY, NOBODY)
    assert take(settings, capsys, office.trust())[0] == 0
    assert [(path.stat().st_uid, path.stat().st_gid) for path in inbox.iterdir()] == [(NOBODY, NOBODY)]


def test_what_is_older_than_what_is_in_force_is_told_on_the_spot(office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gate: OfficeGate = office.gate(tmp_path / "gate", "g9")
    old, new = office.policy(RECORDS), office.policy(RECORDS)
    first, second = office.list_of("deny", "cccd,999000000001"), office.list_of("deny", "cccd,999000000001", version=2)
    gate.start()
    desk = Desk(gate)
    try:
        assert take(gate.folder, capsys, new, second)[0] == 0
        count = 1
        while len([fact for fact in desk.data(EventType.AUDIT, count) if fact["what"] in {"bundle_in_force", "list_in_force"}]) < 2:
            count = len(desk.data(EventType.AUDIT, count)) + 1
        while not (floor := gate.state / "lists" / "deny.floor").exists() or floor.read_text("ascii").strip() != "2":
            time.sleep(0.005)  # the checker writes it once the gate has told, and tells nobody
        code, told = take(gate.folder, capsys, old, first)
    finally:
        desk.close()
        assert "Traceback" not in gate.stop()
    assert (code, [" older than " in told[0]["why"], " not newer than 2" in told[1]["why"]]) == (4, [True, True])


def test_a_gate_that_takes_nobodys_bundles_says_so(settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("gate.toml", "site.toml"):
        (tmp_path / name).write_bytes((settings / name).read_bytes())
    site = tmp_path / "site.toml"
    head, table, rest = site.read_text(encoding="utf-8").partition("[bundles]")
    site.write_text(head + table + rest.replace("public_key =", "#public_key =", 1), encoding="utf-8")
    assert main(["take", "--settings", str(tmp_path), str(site)]) == 3
    assert "names no key whose bundles" in capsys.readouterr().err
