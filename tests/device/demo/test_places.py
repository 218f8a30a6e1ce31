"""What is given to write to is seen to before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from device.demo.places import check_file, check_folder
from device.errors import UsageError


def test_a_file_that_can_be_written_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    check_file("--json", tmp_path / "old")
    check_file("--json", tmp_path / "new")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old": "old"}


@pytest.mark.parametrize(("name", "reason"), [("none/table.json", "No such file or directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_written_is_an_error_of_the_command_line(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_file("--json", tmp_path / name)
    assert caught.value.what == f"--json {tmp_path / name} cannot be written: {reason}"


def test_a_folder_that_is_new_or_empty_is_well(tmp_path: Path) -> None:
    check_folder("--keep", tmp_path / "a" / "b", empty=True)
    check_folder("--keep", tmp_path / "a" / "b", empty=True)
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_is_not_empty_is_well_only_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    check_folder("--cache", tmp_path)
    with pytest.raises(UsageError, match="the folder is not empty"):
        check_folder("--keep", tmp_path, empty=True)


def test_a_folder_that_cannot_be_made_is_an_error_of_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written: Not a directory"):
        check_folder("--cache", tmp_path / "file" / "cache")
