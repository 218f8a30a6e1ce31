from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from device.errors import SettingsError
from device.gate.list_key import ListKey

ONE, OTHER = b"\x99" * 32, b"\x98" * 32


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path / "state"


def hand(folder: Path, key: bytes) -> Path:
    path = folder / "list.key"
    path.write_text(key.hex() + "\n")
    return path


def test_the_key_is_taken_in_and_erased_where_it_lay(state: Path, tmp_path: Path) -> None:
    handed = hand(tmp_path, ONE)
    first = ListKey(state, handed)
    again = ListKey(state, handed)
    assert (first.key, again.key, first.left_behind, handed.exists()) == (ONE, ONE, None, False)
    assert stat.S_IMODE((state / "list.key").stat().st_mode) == 0o600


def test_a_new_key_replaces_the_one_in_use(state: Path, tmp_path: Path) -> None:
    ListKey(state, hand(tmp_path, ONE))
    assert ListKey(state, hand(tmp_path, OTHER)).key == OTHER
    assert ListKey(state, tmp_path / "list.key").key == OTHER


@pytest.mark.skipif(os.geteuid() == 0, reason="root may erase anything")
def test_a_key_that_cannot_be_erased_is_told(state: Path, tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    folder.mkdir()
    handed = hand(folder, ONE)
    folder.chmod(0o500)
    key = ListKey(state, handed)
    folder.chmod(0o700)
    assert (key.key, key.left_behind) == (ONE, handed)


@pytest.mark.parametrize("content", [b"", b"99", b"zz" * 32, b"\xff" * 64])
def test_what_is_no_key_is_told(state: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.key").write_bytes(content)
    with pytest.raises(SettingsError, match="holds no list key"):
        ListKey(state, tmp_path / "list.key")


def test_no_key_at_all_is_told(state: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no list key at .*list\.key: No such file"):
        ListKey(state, tmp_path / "list.key")
