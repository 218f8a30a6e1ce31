from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from device.admission.list_file import ListError, Unfit
from device.admission.lists import ListKind, find, hash_of
from device.errors import StoreError, UsageError, VerificationError
from provisioning.authority import keys, lists
from provisioning.authority.lists import Built, Request
from tests.lists import Desk, Province, in_force

KEY = b"\x99" * 32
SIGNER = keys.signing_key_from_seed(b"\x09" * 32)


def table(folder: Path, numbers: range) -> Path:
    path = folder / "persons.csv"
    path.write_text("type,value\n" + "".join(f"cccd,999{number:09}\n" for number in numbers))
    return path


def request(folder: Path, version: int, numbers: range = range(100), changes_from: Path | None = None) -> Request:
    return Request(
        kind=ListKind.DENY,
        version=version,
        province="p-999",
        sites=("s-999",),
        valid_for_s=3600,
        issued_s=1_795_000_000,
        table=table(folder, numbers),
        changes_from=changes_from,
    )


def build(wanted: Request, key: bytes = KEY) -> Built:
    return lists.build(wanted, key, SIGNER, progress=lambda _line: None)


def test_a_gate_takes_what_the_office_builds_whole_and_as_changes(tmp_path: Path) -> None:
    six = build(request(tmp_path, 6))
    (tmp_path / "deny-6.list").write_bytes(six.content)
    seven = build(request(tmp_path, 7, range(10, 120), changes_from=tmp_path / "deny-6.list"))
    (tmp_path / "gate").mkdir()
    desk = Desk(tmp_path / "gate", Province(seed=9))
    assert [desk.give(each.content) for each in (six, seven)] == [in_force(ListKind.DENY, 6, 100), in_force(ListKind.DENY, 7, 110)]
    assert [desk.lists.look_up([b"cccd:999%09d" % number]) for number in (9, 10, 119, 120)] == [{}, {ListKind.DENY: 0}, {ListKind.DENY: 0}, {}]
    assert (six.records, seven.records) == (100, 10 + 20)
    desk.lists.close()


def test_the_same_table_gives_the_same_records(tmp_path: Path) -> None:
    assert build(request(tmp_path, 6)).content == build(request(tmp_path, 6)).content
    assert build(request(tmp_path, 6)).manifest.digest == build(request(tmp_path, 7)).manifest.digest


@pytest.mark.parametrize("entries", [0, 1, 5, 100])
def test_a_list_carries_members_and_strangers(tmp_path: Path, entries: int) -> None:
    built = build(request(tmp_path, 6, range(entries)))
    opened = built.content[-12 * entries :] if entries else b""
    assert (len(built.manifest.members), len(built.manifest.strangers)) == (min(entries, 8), 8)
    assert [find(opened, each[:11]) for each in built.manifest.members] == [0] * min(entries, 8)


def test_no_name_is_in_a_list(tmp_path: Path) -> None:
    content = build(request(tmp_path, 6)).content
    assert (b"999000000001" in content, hash_of(KEY, b"cccd:999000000001") in content) == (False, True)


def test_changes_from_another_list_are_refused(tmp_path: Path) -> None:
    earlier = tmp_path / "deny-6.list"
    earlier.write_bytes(build(request(tmp_path, 6)).content)
    wanted = request(tmp_path, 7, changes_from=earlier)
    for other, key in [(replace(wanted, kind=ListKind.ALLOW), KEY), (replace(wanted, province="p-998"), KEY), (wanted, b"\x98" * 32)]:
        with pytest.raises(UsageError, match="is another list"):
            build(other, key)
    with pytest.raises(UsageError, match="has version 6"):
        build(replace(wanted, version=6))
    earlier.write_bytes(build(wanted).content)
    with pytest.raises(UsageError, match="holds changes only"):
        build(replace(wanted, version=8))


def test_an_earlier_list_of_another_office_is_refused(tmp_path: Path) -> None:
    earlier = tmp_path / "deny-6.list"
    earlier.write_bytes(lists.build(request(tmp_path, 6), KEY, keys.make_signing_key(), progress=lambda _line: None).content)
    with pytest.raises(ListError) as wrong:
        build(request(tmp_path, 7, changes_from=earlier))
    assert wrong.value.why is Unfit.FORGED


def test_impossible_sites_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--site 'S 1' is no id"):
        build(replace(request(tmp_path, 6), sites=("S 1",)))
    with pytest.raises(UsageError, match="100 sites at most"):
        build(replace(request(tmp_path, 6), sites=tuple(f"s-{number}" for number in range(101))))


# --- the office's keys -----------------------------------------------------------------------------------------


def test_keys_are_made_once_and_are_their_owners_only(tmp_path: Path) -> None:
    assert lists.list_key(tmp_path) == lists.list_key(tmp_path)
    assert keys.raw_public(lists.signing_key(tmp_path)) == keys.raw_public(lists.signing_key(tmp_path))
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {"list.key": 0o600, "bundle.key": 0o600}


@pytest.mark.parametrize("content", ["", "99", "zz" * 32, "99" * 33])
def test_a_damaged_list_key_is_told_and_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "list.key").write_text(content)
    with pytest.raises(VerificationError, match="is no list key, or a damaged one"):
        lists.list_key(tmp_path)
    assert (tmp_path / "list.key").read_text() == content


# --- reading ---------------------------------------------------------------------------------------------------


def test_a_list_is_opened_with_and_without_the_key(tmp_path: Path) -> None:
    built = build(request(tmp_path, 6))
    path = tmp_path / "deny-6.list"
    path.write_bytes(built.content)
    assert [(opened.manifest, opened.signed) for opened in (lists.open_file(path, SIGNER), lists.open_file(path, None))] == [
        (built.manifest, True),
        (built.manifest, False),
    ]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + bytes(99), b"QGLIST1F\0\0\0\x01\xf6", b"QGLIST1F\0\0\0\x06\xd2\x84\0\0\0\0"])
def test_what_is_no_list_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ListError):
        lists.open_file(tmp_path / "file", None)
    with pytest.raises(StoreError, match="cannot be read"):
        lists.open_file(tmp_path / "missing", None)
