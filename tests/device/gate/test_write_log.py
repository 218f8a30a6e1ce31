from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from device.gate.store import Store
from device.gate.write_log import TIDY_NS
from tests.device.gate.test_store import append, confirmed, opened, sequences

CANARY = random.Random(2).randbytes(40).hex()  # packed, so many bytes of it stand in the file as they are in the row


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(opened(tmp_path)) as store:
        yield store


def row(store: Store, sequence: int) -> bytes:
    """The middle of an event as it lies on the disk."""
    (stored,) = store._db.execute("SELECT body FROM event WHERE sequence=?", (sequence,)).fetchone()
    return bytes(stored[60:100])


def files_with(piece: bytes, folder: Path) -> set[str]:
    return {file.name for file in folder.glob("events.db*") if piece in file.read_bytes()}


def log_bytes(folder: Path) -> int:
    return (folder / "events.db-wal").stat().st_size


def test_the_log_has_its_length_before_the_first_commit_and_keeps_it(store: Store, tmp_path: Path) -> None:
    length, lengths = log_bytes(tmp_path), set()
    for number in range(1, 5):
        append(store, 10)
        store.tidy(number * TIDY_NS)
        lengths.add(log_bytes(tmp_path))
    assert (lengths, length > 500_000) == ({length}, True)


def test_what_is_confirmed_is_gone_from_file_and_log_within_a_minute_where_nothing_else_happens(store: Store, tmp_path: Path) -> None:
    append(store, text=CANARY)
    store.tidy(0)
    append(store, text=CANARY)
    pieces = [row(store, number) for number in (1, 2)]
    assert [bool(files_with(piece, tmp_path)) for piece in pieces] == [True, True]
    store.confirm(confirmed(store, 1, 2))
    for turn in range(1, 60):
        store.tidy(turn * 1_000_000_000)
    assert [files_with(piece, tmp_path) for piece in pieces] == [set(), set()]


def test_what_is_confirmed_is_gone_within_a_minute_while_others_come(store: Store, tmp_path: Path) -> None:
    append(store, 40, text="x")
    store.tidy(0)
    append(store, 9)
    append(store, text=CANARY)
    piece, last = row(store, 50), store.last_sequence
    store.confirm(confirmed(store, 1, last))
    for turn in range(1, 60):
        if turn % 5 == 0:
            append(store)
        store.tidy(turn * 1_000_000_000)
    assert (files_with(piece, tmp_path), len(sequences(store))) == (set(), 11)


def test_after_each_wipe_what_was_committed_is_there_after_a_power_cut(store: Store, tmp_path: Path) -> None:
    """A copy of the files as they are is what a cut would leave."""
    for number in range(1, 8):
        append(store, number)
        if number % 2:
            store.tidy(2 * number * TIDY_NS)
        store.tidy((2 * number + 1) * TIDY_NS)
        copy = tmp_path / f"copy-{number}"
        copy.mkdir()
        for name in ("events.db", "events.db-wal"):
            shutil.copyfile(tmp_path / name, copy / name)
        with closing(opened(copy)) as again:
            assert sequences(again) == sequences(store)
            again.check()


def test_somebody_who_reads_the_file_is_not_disturbed_and_what_is_old_goes_when_he_has_gone(store: Store, tmp_path: Path) -> None:
    append(store, text=CANARY)
    piece = row(store, 1)
    with closing(sqlite3.connect(tmp_path / "events.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        read = reader.execute("SELECT count(*) FROM event").fetchone()
        store.confirm(confirmed(store, 1, 1))
        for turn in range(5):
            store.tidy(turn * TIDY_NS)
        assert (read, reader.execute("SELECT count(*) FROM event").fetchone(), bool(files_with(piece, tmp_path))) == ((1,), (1,), True)
        reader.execute("COMMIT")
        for turn in range(5, 8):
            store.tidy(turn * TIDY_NS)
        assert (reader.execute("SELECT count(*) FROM event").fetchone(), files_with(piece, tmp_path)) == ((0,), set())
        append(store, 3)
        assert reader.execute("SELECT count(*) FROM event").fetchone() == (3,)


def test_a_log_that_grew_beyond_its_length_is_wiped_to_its_end(store: Store, tmp_path: Path) -> None:
    with store.transaction() as writing:
        for _ in range(3000):
            writing.reports.add(random.Random(3).randbytes(400), store.clock_floor)
            writing.memory.step(random.Random(store._db.total_changes).randbytes(400), 1)
    append(store, text=CANARY)
    piece = row(store, 1)
    append(store)
    store.confirm(confirmed(store, 1, 2))
    store.tidy(0)
    store.tidy(TIDY_NS)
    assert files_with(piece, tmp_path) == set()


LATE_READER = """
import fcntl, sys
with open(sys.argv[1], "r+b") as shared:
    fcntl.lockf(shared, fcntl.LOCK_SH, 1, 120 + 3 + 1)  # WAL_READ_LOCK(1) (sqlite.org/walformat.html)
    print("holds", flush=True)
    sys.stdin.read()
"""


def test_a_reader_who_comes_between_the_wipe_and_the_next_commit_loses_nobody_an_event(store: Store, tmp_path: Path) -> None:
    """While he keeps the log from beginning anew, commits go behind what was there: it must still be a log then."""
    append(store, 5)
    store.tidy(0)
    store.tidy(TIDY_NS)
    command = [sys.executable, "-c", LATE_READER, str(tmp_path / "events.db-shm")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"holds\n"
        append(store, 3)
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in ("events.db", "events.db-wal"):
            shutil.copyfile(tmp_path / name, copy / name)
        reader.communicate()
    with closing(opened(copy)) as again:
        assert sequences(again) == [1, 2, 3, 4, 5, 6, 7, 8]
