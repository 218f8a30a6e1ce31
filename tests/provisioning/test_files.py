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


def test_of_files_that_belong_together_none_is_replaced_where_one_cannot_be_written(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "crt"
    files.write_together((key, b"old key", files.PRIVATE), (certificate, b"old", files.PUBLIC))
    with pytest.raises(StoreError) as caught:
        files.write_together((key, b"new key", files.PRIVATE), (tmp_path / "missing" / "crt", b"new", files.PUBLIC))
    assert caught.value.what == f"{tmp_path}/missing/crt cannot be written: No such file or directory"
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"key": b"old key", "crt": b"old"}
    files.write_together((key, b"new key", files.PRIVATE), (certificate, b"new", files.PUBLIC))
    found = {each.name: (each.read_bytes(), stat.S_IMODE(each.stat().st_mode)) for each in tmp_path.iterdir()}
    assert found == {"key": (b"new key", 0o600), "crt": (b"new", 0o644)}


def test_a_new_folder_is_its_owners_only(tmp_path: Path) -> None:
    assert stat.S_IMODE(files.make_folder(tmp_path / "a").stat().st_mode) == 0o700
