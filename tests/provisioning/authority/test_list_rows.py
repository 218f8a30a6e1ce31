from __future__ import annotations

from pathlib import Path

import pytest

from device.admission.lists import ListKind
from device.credentials import cccd, kd1, mic
from device.domain import Credential
from device.errors import SettingsError, StoreError
from provisioning.authority import list_rows
from tests.gates import Issuer


def read(folder: Path, text: str | bytes, kind: ListKind = ListKind.DENY) -> list_rows.Rows:
    path = folder / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list_rows.read(path, kind, lambda name: name, progress=lambda _line: None)


def faults(folder: Path, text: str | bytes, kind: ListKind = ListKind.DENY) -> list[str]:
    with pytest.raises(SettingsError) as wrong:
        read(folder, text, kind)
    return wrong.value.what.replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("cccd,999000000001", b"cccd:999000000001"),
        ("CCCD, 999000000001 ", b"cccd:999000000001"),
        ("cmnd,999000001", b"cmnd:999000001"),
        ("bhxh,9990000001", b"bhxh:9990000001"),
        ("bhxh,GD4999990000001", b"bhxh:9990000001"),
        ("passport,C9990001", b"passport:C9990001"),
        ("qid,999979388586171100", b"qid:999979388586171100"),
        ("uvci,URN:UVCI:01:VN:999#K", b"uvci:URN:UVCI:01:VN:999#K"),
        ("certificate,VNM:V9990001", b"certificate:VNM:V9990001"),
        ("card,kid:rid", b"card:kid:rid"),
        ("kd2,k1.999-0001", b"pass:k1.999-0001"),
        ("key,0011223344556677", b"signer:\x00\x11\x22\x33\x44\x55\x66\x77"),
        ("signer,3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s", b"signer:3Kfdg-XwP-7gXyywtUfUADwBumDOPKMQx-iELL11W9s"),
        ("vehicle,tkvt:99A-99999", b"vehicle:tkvt:99A-99999"),
        ("pass," + "99" * 16, b"pass:" + b"\x99" * 16),
    ],
)
def test_a_line_gives_the_name_that_the_credential_bears(tmp_path: Path, line: str, name: bytes) -> None:
    assert read(tmp_path, f"type,value\n{line}\n").names == {name: 0}


def test_names_are_those_of_the_readers(tmp_path: Path) -> None:
    issuer = Issuer()
    text = issuer.issue(7)
    shown = [
        cccd.read(b"999000000001|999000001|NGUYEN VAN A|01011990|Nam|Ha Noi|01012022"),
        mic.read(b"999000000001|NGUYEN VAN A|1990-01-01|0|999979388586171100|<1<<"),
        kd1.read(text, {issuer.key_id: issuer.key.public_key()}),
    ]
    persons = [each.person_key if each.pass_key is None else b"pass:" + each.pass_key for each in shown if isinstance(each, Credential)]
    table = f"type,value\ncccd,999000000001\nqid,999979388586171100\npass,{text.decode()}\n"
    assert [*read(tmp_path, table).names] == persons


@pytest.mark.parametrize(
    "text",
    [
        "\ufefftype,value,note\ncccd,999000000001,neighbour\n\n",
        'TYPE;"Value"\r\ncccd;999000000001\r\n',
        "note,value,type\nx,999000000001,cccd\n",
        "type,value\ncccd,999000000001",
    ],
)
def test_what_spreadsheets_write_is_read(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == list_rows.Rows({b"cccd:999000000001": 0})


def test_states_are_what_the_kind_can_say(tmp_path: Path) -> None:
    declared = "type,value,state\ncmnd,999000001,declared\ncmnd,999000002,Not\ncmnd,999000001,declared\n"
    expected = "type,value,state\ncmnd,999000001,stay\ncmnd,999000002,released\n"
    assert read(tmp_path, declared, ListKind.DECLARED) == list_rows.Rows({b"cmnd:999000001": 1, b"cmnd:999000002": 0}, doubled=1)
    assert read(tmp_path, expected, ListKind.EXPECTED).names == {b"cmnd:999000001": 0, b"cmnd:999000002": 1}


def test_every_mistake_is_told_with_its_line_and_no_number_in_full(tmp_path: Path) -> None:
    text = "type,value\ncccd,99900000001\n\nchip,999000000001\nqid,a b\ncmnd\npass,KD1.x.y\npassport,999000001\n"
    assert faults(tmp_path, text) == [
        "table.csv:",
        "  line 2: cccd '********001' is not 12 digits",
        "  line 4: type '****' is none of cccd, cmnd, bhxh, passport, qid, uvci, certificate, card, pass, kd2, key, signer, vehicle",
        "  line 5: qid '***' is not 1 to 64 letters, digits, _ and -",
        "  line 6: cmnd '' is not 9 digits",
        "  line 7: pass '****x.y' is not the pass itself (KD1.…), or key id and pass id in hex",
        "  line 8: passport '******001' is not 6 to 15 capitals and digits",
    ]


def test_wrong_states_are_told(tmp_path: Path) -> None:
    text = "type,value,state\ncmnd,999000001,\ncmnd,999000002,stay\ncmnd,999000002,released\n"
    assert faults(tmp_path, text, ListKind.EXPECTED) == [
        "table.csv:",
        "  line 2: state '' is none of stay, released",
        "  line 4: cmnd '******002' has another state in an earlier line",
    ]


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    told = faults(tmp_path, "type,value\n" + "cccd,1\n" * 50)
    assert (len(told), told[-2:]) == (22, ["  line 21: cccd '*' is not 12 digits", "  and 30 more"])


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("", ListKind.DENY, "table.csv has no column type and value"),
        ("cccd,999000000001\n", ListKind.DENY, "table.csv has no column type and value"),
        ("type,value\n", ListKind.DECLARED, "table.csv has no column state"),
        (b"type,value\ncccd,\xff\n", ListKind.DENY, "table.csv is not UTF-8"),
        ('type,value\ncccd,"' + "9" * 200_000, ListKind.DENY, "table.csv is no CSV: field larger than field limit (131072)"),
    ],
    ids=["empty", "no names of columns", "no state", "other encoding", "endless field"],
)
def test_what_is_no_table_is_told(tmp_path: Path, text: str | bytes, kind: ListKind, what: str) -> None:
    assert faults(tmp_path, text, kind) == [what]


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read: No such file"):
        list_rows.read(tmp_path / "table.csv", ListKind.DENY, lambda name: name, progress=lambda _line: None)


def test_a_large_table_tells_how_far_it_is(tmp_path: Path) -> None:
    path, told = tmp_path / "table.csv", list[str]()
    path.write_text("type,value\n" + "".join(f"cccd,999{number:09}\n" for number in range(200_000)))
    assert len(list_rows.read(path, ListKind.DENY, lambda name: name, told.append).names) == 200_000
    assert told == ["100000 lines read", "200000 lines read"]
