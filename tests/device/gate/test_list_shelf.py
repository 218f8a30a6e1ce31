from __future__ import annotations

import stat
from pathlib import Path

import pytest

from device.admission.list_file import ListError, Unfit
from device.admission.lists import ListKind
from device.gate.list_shelf import PART_BYTES, Shelf

DENY = ListKind.DENY


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_put_lies_there_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    parts = (b"head", bytes(PART_BYTES), memoryview(b"x" * (PART_BYTES + 1)))
    shelf = Shelf(tmp_path, reserve=0)
    shelf.put(DENY, 7, parts)
    path = shelf.path(DENY, 7)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), names(tmp_path)) == (b"".join(parts), 0o600, ["deny-7.list"])


def test_only_lists_are_versions(tmp_path: Path) -> None:
    for name in ("deny-9.list", "deny-10.list", "allow-3.list", "deny-0.list", "deny-01.list", "deny-x.list", "deny-11.list.new", "deny.floor"):
        (tmp_path / name).touch()
    assert [Shelf(tmp_path, reserve=0).versions(kind) for kind in ListKind] == [[10, 9], [3], [], [], []]


def test_what_is_settled_is_the_floor_and_older_files_go(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, reserve=0)
    for version in (5, 6, 7):
        shelf.put(DENY, version, (b"x",))
    assert shelf.floor(DENY) == 0
    shelf.settle(DENY, 6)
    assert (shelf.floor(DENY), shelf.floor(ListKind.ALLOW), names(tmp_path)) == (6, 0, ["deny-6.list", "deny-7.list", "deny.floor"])
    shelf.settle(DENY, 5)
    assert shelf.floor(DENY) == 6


@pytest.mark.parametrize("content", [b"", b"6", b"six\n", b"\xff\n", b"9" * 20 + b"\n"])
def test_a_damaged_floor_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "deny.floor").write_bytes(content)
    with pytest.raises(ListError) as wrong:
        Shelf(tmp_path, reserve=0).floor(DENY)
    assert wrong.value.why is Unfit.DISK


def test_the_reserve_of_the_disk_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(ListError) as wrong:
        Shelf(tmp_path, reserve=2**62).put(DENY, 7, (b"x",))
    assert (wrong.value.why, names(tmp_path)) == (Unfit.NO_ROOM, [])


def test_what_was_never_finished_is_cleared_away(tmp_path: Path) -> None:
    for name in (".taking-0badcafe", "deny-7.list"):
        (tmp_path / name).touch()
    Shelf(tmp_path, reserve=0).clear_away()
    assert names(tmp_path) == ["deny-7.list"]
