from __future__ import annotations

import stat
from pathlib import Path

import pytest

from device.errors import StoreError
from provisioning import files


def test_a_private_file_is_its_owners_only_and_leaves_no_second_one(tmp_path: Path) -> None:
    files.write(tmp_path / "key", b"secret", mode=files.PRIVATE)
    assert [(each.name, stat.S_IMODE(each.stat().st_mode), each.read_bytes()) for each in tmp_path.iterdir()] == [("key", 0o600, b"secret")]


def test_a_file_that_is_replaced_has_the_new_content_and_mode(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"old and readable by all")
    files.write(tmp_path / "key", "new", mode=files.PRIVATE)
    assert (tmp_path / "key").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_folder_that_is_no_folder_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    with pytest.raises(StoreError) as caught:
        files.write(tmp_path / "target", "text")
    assert caught.value.what == f"{tmp_path}/target cannot be written: Is a directory"
    assert [each.name for each in tmp_path.iterdir()] == ["target"]


def test_a_new_folder_is_its_owners_only(tmp_path: Path) -> None:
    assert stat.S_IMODE(files.make_folder(tmp_path / "a").stat().st_mode) == 0o700
