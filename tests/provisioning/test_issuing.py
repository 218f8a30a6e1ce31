from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from device.credentials import Trust, kd2, read
from device.credentials.trust import RotatingKey
from device.domain import Credential, Proof
from device.reader.still import read_still
from provisioning.authority import office, rotating
from provisioning.authority.keys import make_signing_key, write_key
from provisioning.cli import main


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """As much of an office as passes need."""
    folder = tmp_path / "authority"
    folder.mkdir()
    write_key(folder / office.ISSUER_KEY, make_signing_key())
    return folder


def issue(authority: Path, *arguments: object) -> int:
    return main(["pass", "--authority", str(authority), *map(str, arguments)])


def test_a_pass_for_a_party_is_printed(authority: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "pass.pdf"
    assert issue(authority, "--zone", "main", "--until", "2027-05-31", "--party", 12, "--sheet", sheet) == 0
    assert capsys.readouterr().out == f"{sheet}: zone main, until 31 May 2027, any number of uses, 12 people at a time\n"
    assert sheet.read_bytes().startswith(b"%PDF-")


def test_days_begin_now(authority: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert issue(authority, "--days", 30, "--text", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    begins, ends = (datetime.fromisoformat(document[name]) for name in ("valid_from", "valid_until"))
    assert (ends - begins).days == 30


def test_a_batch_makes_pictures_a_sheet_and_a_list(authority: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, folder = tmp_path / "staff.csv", tmp_path / "staff"
    table.write_text("label,zone,count\nThử,main,2\nAn,,50\n", encoding="utf-8")
    assert issue(authority, "--batch", table, "--folder", folder, "--json") == 0
    out, told = capsys.readouterr()
    document = json.loads(out)
    document.pop("key_id")
    assert document == {"passes": 52, "folder": str(folder), "sheet": f"{folder}/sheet.pdf", "list": f"{folder}/passes.csv"}
    assert told == (
        "50 of 52 pictures\n52 of 52 pictures\n"
        "qrgate-provision: warning: 50 of 52 passes: this pass is good for ever and everywhere; --days and --zone limit it\n"
    )
    assert (len(list(folder.glob("pass-*.png"))), (folder / "sheet.pdf").read_bytes()[:5]) == (52, b"%PDF-")


def test_a_batch_prints_its_sheet_elsewhere_where_asked(authority: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, folder, sheet = tmp_path / "staff.csv", tmp_path / "staff", tmp_path / "print.pdf"
    table.write_text("label\nThử\n", encoding="utf-8")
    assert issue(authority, "--zone", "main", "--batch", table, "--folder", folder, "--sheet", sheet) == 0
    assert tuple(capsys.readouterr()) == (f"{folder}: 1 passes; print {sheet}, keep {folder}/passes.csv\n", "")
    assert (sheet.exists(), (folder / "sheet.pdf").exists()) == (True, False)


def test_a_rotating_pass_is_enrolled_shown_and_proven(authority: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "enrol.png"
    assert issue(authority, "--rotating", "giap-bat", "--out", picture, "--text", "--show-at", "2027-05-31T08:00:10+07:00", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    secret = rotating.site_secret(authority, "giap-bat")
    key, pass_id, link = kd2.key_id(secret), document["pass_id"], document["link"]
    assert (document["key_id"], document["picture"]) == (key, str(picture))
    shown = read(document["text"].encode(), Trust(rotating={key: RotatingKey(secret)}))
    assert isinstance(shown, Credential)
    assert (shown.proof, shown.step) == (Proof.PROVEN, int(datetime.fromisoformat("2027-05-31T01:00:00Z").timestamp()) // 30)
    with Image.open(picture) as image:
        (symbol,) = read_still(np.asarray(image.convert("L")))
    assert (symbol.payload.decode(), picture.stat().st_mode & 0o777) == (link, 0o600)
    # another telephone, and what the first one shows half a minute later
    assert issue(authority, "--rotating", "giap-bat", "--pass-id", pass_id, "--text", "--show-at", "2027-05-31T08:00:40+07:00") == 0
    first, second = capsys.readouterr().out.splitlines()
    assert (first, second.startswith(f"KD2:{pass_id}:"), second == document["text"]) == (link, True, False)
    assert issue(authority, "--rotating", "giap-bat", "--pass-id", pass_id, "--show-at", "now") == 0
    assert capsys.readouterr().out.startswith(f"KD2:{pass_id}:")
    assert issue(authority, "--rotating", "giap-bat", "--pass-id", pass_id, "--out", picture) == 0
    assert capsys.readouterr().out == f"{picture}: {pass_id}\n"


WRONG: dict[str, tuple[list[str], int, str]] = {
    "a rotating pass with terms": (["--rotating", "s", "--zone", "main", "--text"], 2, "a rotating pass has no terms of its own"),
    "a rotating pass one way": (["--rotating", "s", "--direction", "exit", "--text"], 2, "a rotating pass has no terms of its own"),
    "a printed rotating pass": (["--rotating", "s", "--sheet", "x.pdf"], 2, "a rotating pass has no terms of its own"),
    "a rotating pass that nobody sees": (["--rotating", "s"], 2, "nothing to make"),
    "a rotating pass of no site": (["--rotating", "../s", "--text"], 2, "'../s' is no id of a site"),
    "an id of no rotating pass": (["--pass-id", "x", "--text"], 2, "--pass-id and --show-at belong to a rotating pass"),
    "a moment of no rotating pass": (["--show-at", "now", "--text"], 2, "--pass-id and --show-at belong to a rotating pass"),
    "a moment without a zone": (["--rotating", "s", "--show-at", "2027-05-31T08:00"], 2, "argument --show-at: expected a time with its zone"),
    "a moment that is none": (["--rotating", "s", "--show-at", "soon"], 2, "argument --show-at: expected a time with its zone"),
    "a sheet that is no PDF": (["--sheet", "x.png"], 2, "argument --sheet: the sheet is a PDF"),
    "a party of nobody": (["--party", "0"], 2, "argument --party: expected 1 to 50, found '0'"),
    "a table without a folder": (["--batch", "x.csv"], 2, "a batch needs its table and its folder"),
    "a folder without a table": (["--folder", "x"], 2, "a batch needs its table and its folder"),
    "a batch as one picture": (["--batch", "x.csv", "--folder", "x", "--out", "x.png"], 2, "a batch makes many passes"),
    "no table": (["--batch", "/nonexistent", "--folder", "x"], 2, "the table /nonexistent cannot be read: No such file or directory"),
    "an office that is none": (["--authority", "/nonexistent", "--rotating", "s", "--text"], 4, "there is no key /nonexistent/pass-issuer.key"),
}


@pytest.mark.parametrize(("arguments", "code", "what"), WRONG.values(), ids=WRONG.keys())
def test_what_contradicts_itself_is_refused(arguments: list[str], code: int, what: str, authority: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert issue(authority, *arguments) == code
    out, told = capsys.readouterr()
    assert (out, told.startswith(f"qrgate-provision: {what}")) == ("", True)
    assert [each.name for each in authority.iterdir()] == [office.ISSUER_KEY]


@pytest.mark.parametrize(("content", "what"), [(b"label\n\xff", "is not UTF-8"), (b"x" * (4 * 1024 * 1024 + 1), "is larger than 4 MB")])
def test_a_table_that_is_none_is_refused(content: bytes, what: str, authority: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "staff.csv"
    table.write_bytes(content)
    assert issue(authority, "--batch", table, "--folder", tmp_path / "staff") == 2
    assert what in capsys.readouterr().err
    assert not (tmp_path / "staff").exists()
