from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device.commands.chunk import ANSWER_EVERY, CONTENT_MAX, Chunk, split
from device.commands.deeds import Announce
from device.gate.transfer import HIDDEN, SILENT_NS, Transfer, TransferError

ID, OTHER = b"i" * 16, b"o" * 16
CONTENT = random.Random(999).randbytes(2 * ANSWER_EVERY * CONTENT_MAX + 1)


def announced(content: bytes = CONTENT, kind: str = "deny") -> Announce:
    return Announce(kind, len(content), hashlib.sha256(content).digest())


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def transfer(tmp_path: Path, inbox: Path) -> Iterator[Transfer]:
    assert inbox.is_dir()
    with closing(Transfer(tmp_path, reserve=0)) as transfer:
        yield transfer


def test_progress_is_told_every_eight_parts_and_at_the_end(transfer: Transfer, inbox: Path) -> None:
    transfer.begin(ID, announced(), 0)
    told = [transfer.take(part, 1) for part in split(ID, CONTENT)]
    rest = [None] * (ANSWER_EVERY - 1)
    eight, sixteen = ({"next": at, "whole": False} for at in (ANSWER_EVERY, 2 * ANSWER_EVERY))
    assert told == [*rest, eight, *rest, sixteen, {"next": 2 * ANSWER_EVERY + 1, "whole": True}]
    (path,) = inbox.iterdir()
    assert (path.name, path.read_bytes()) == (f"deny-{hashlib.sha256(CONTENT).hexdigest()[:16]}.list", CONTENT)


def test_nobody_looks_at_a_file_before_it_is_whole(transfer: Transfer, inbox: Path) -> None:
    transfer.begin(ID, announced(), 0)
    transfer.take(split(ID, CONTENT)[0], 0)
    assert [path.name.startswith(HIDDEN) for path in inbox.iterdir()] == [True]


def test_a_part_that_comes_twice_is_taken_once_and_one_too_early_is_asked_for_again(transfer: Transfer, inbox: Path) -> None:
    transfer.begin(ID, announced(kind="policy"), 0)
    first, second, third, *others = split(ID, CONTENT)
    assert [transfer.take(part, 0) for part in (first, first, third, second, second)] == [None, None, {"next": 1, "whole": False}, None, None]
    for part in (third, *others):
        transfer.take(part, 0)
    assert [path.read_bytes() for path in inbox.glob("policy-*.bundle")] == [CONTENT]


def word(transfer: Transfer, part: Chunk) -> str:
    with pytest.raises(TransferError) as caught:
        transfer.take(part, 0)
    return str(caught.value)


def test_other_bytes_than_were_announced_are_dropped(transfer: Transfer, inbox: Path) -> None:
    transfer.begin(ID, announced(b"good"), 0)
    assert word(transfer, Chunk(ID, 0, b"evil")) == "wrong_sha256"
    assert (list(inbox.iterdir()), word(transfer, Chunk(ID, 0, b"good"))) == ([], "no_such_transfer")


@pytest.mark.parametrize("content", [b"goo", b"goods"])
def test_a_part_of_another_size_than_it_must_have_ends_it(transfer: Transfer, inbox: Path, content: bytes) -> None:
    transfer.begin(ID, announced(b"good"), 0)
    assert (word(transfer, Chunk(ID, 0, content)), list(inbox.iterdir())) == ("wrong_size", [])


def test_a_file_that_nobody_announced_is_not_taken(transfer: Transfer) -> None:
    assert word(transfer, Chunk(ID, 0, b"x")) == "no_such_transfer"
    transfer.begin(ID, announced(), 0)
    assert word(transfer, Chunk(OTHER, 0, b"x")) == "no_such_transfer"


def test_one_comes_at_a_time(transfer: Transfer) -> None:
    transfer.begin(ID, announced(), 0)
    with pytest.raises(TransferError, match="busy"):
        transfer.begin(OTHER, announced(), 0)


def test_one_that_falls_silent_is_dropped_and_makes_room_for_another(transfer: Transfer, inbox: Path) -> None:
    transfer.begin(ID, announced(), 0)
    transfer.take(split(ID, CONTENT)[0], 5)
    assert (transfer.look(5 + SILENT_NS - 1), transfer.look(5 + SILENT_NS), transfer.look(6 + SILENT_NS)) == (None, ID, None)
    assert list(inbox.iterdir()) == []
    transfer.begin(OTHER, announced(), 6 + SILENT_NS)


def test_a_restart_takes_away_what_was_begun(tmp_path: Path, inbox: Path) -> None:
    left, brought = inbox / f"{HIDDEN}0011223344556677", inbox / "policy.bundle"
    for path in (left, brought):
        path.write_bytes(b"x")
    Transfer(tmp_path).close()
    assert list(inbox.iterdir()) == [brought]


def test_what_has_no_room_is_not_begun(tmp_path: Path, inbox: Path) -> None:
    transfer = Transfer(tmp_path, reserve=2**62)
    with pytest.raises(TransferError, match="disk_full"):
        transfer.begin(ID, announced(b"x"), 0)
    assert list(inbox.iterdir()) == []


def test_a_folder_that_is_gone_fails_and_raises_nothing_else(transfer: Transfer, inbox: Path) -> None:
    inbox.rmdir()
    with pytest.raises(TransferError, match="disk_failed"):
        transfer.begin(ID, announced(), 0)


def test_a_disk_that_fails_drops_the_file(tmp_path: Path, inbox: Path) -> None:
    with closing(Transfer(tmp_path, reserve=0)) as transfer:
        transfer.begin(ID, announced(b"good"), 0)
        for path in inbox.iterdir():
            path.unlink()  # it cannot be renamed then
        assert word(transfer, Chunk(ID, 0, b"good")) == "disk_failed"
