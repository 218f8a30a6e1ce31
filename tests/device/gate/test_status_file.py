from __future__ import annotations

import json
import logging
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from device.clock import NS, monotonic_ns
from device.gate.status_file import EVERY_NS, FORM, MODE, NAME, StatusFile, process_started


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def read(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / NAME).read_bytes())
    return told


def test_it_tells_who_wrote_it_and_when_beside_how_the_gate_is(tmp_path: Path) -> None:
    before_ns = monotonic_ns()
    StatusFile(tmp_path, "boot-1", lambda: {"clock": "trusted"}).look(0)
    told = read(tmp_path)
    assert before_ns <= told.pop("at_ns") <= monotonic_ns()
    process = {"pid": os.getpid(), "started": process_started(os.getpid())}
    assert told == {"form": FORM, "boot": "boot-1", "process": process, "stopped": False, "gate": {"clock": "trusted"}}


def test_it_is_written_every_second_and_nobody_is_asked_more_often(tmp_path: Path) -> None:
    asked = count(1)
    status = StatusFile(tmp_path, "boot-1", lambda: {"asked": next(asked)})
    told = []
    for now_ns in (0, EVERY_NS - 1, EVERY_NS, EVERY_NS + 1, 2 * EVERY_NS):
        status.look(now_ns)
        told.append(read(tmp_path)["gate"]["asked"])
    assert (told, EVERY_NS) == ([1, 1, 2, 2, 3], NS)


def test_the_group_may_read_it_whatever_the_umask_and_others_may_not(tmp_path: Path) -> None:
    modes = []
    for mask in (0o077, 0):
        with umask(mask):
            StatusFile(tmp_path, "boot-1", dict).look(0)
        modes.append(stat.S_IMODE((tmp_path / NAME).stat().st_mode))
    assert (modes, MODE) == ([0o640, 0o640], 0o640)


def test_whoever_reads_while_it_is_written_reads_a_whole_one(tmp_path: Path) -> None:
    status = StatusFile(tmp_path, "boot-1", lambda: {"text": "x" * 9000})
    status.look(0)
    with (tmp_path / NAME).open("rb") as reading:
        status.look(EVERY_NS)
        before, after = json.loads(reading.read()), read(tmp_path)
    assert before["at_ns"] < after["at_ns"]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_gate_that_stops_in_order_says_so_in_its_last_words(tmp_path: Path) -> None:
    status = StatusFile(tmp_path, "boot-1", lambda: {"clock": "trusted"})
    status.close()  # it never began
    assert not (tmp_path / NAME).exists()
    status.look(0)
    status.close()
    told = read(tmp_path)
    assert (told["stopped"], told["gate"]) == (True, {"clock": "trusted"})


def test_a_folder_that_cannot_be_written_to_is_one_line_and_disturbs_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="qrgate.gate")
    runtime = tmp_path / "gone"
    status = StatusFile(runtime, "boot-1", dict)
    for second in range(100):
        status.look(second * NS)
    runtime.mkdir()
    status.look(100 * NS)
    assert read(runtime)["gate"] == {}
    (runtime / NAME).unlink()
    (runtime / NAME).mkdir()  # a file cannot take its name
    for second in range(101, 200):
        status.look(second * NS)
    status.close()
    line = f"{runtime / NAME} cannot be written, so `qrgate status` knows nothing: "
    assert [record.getMessage() for record in caplog.records] == [f"{line}No such file or directory", f"{line}Is a directory"]


def test_a_process_is_known_by_when_it_began_and_is_none_when_it_is_dead(tmp_path: Path) -> None:
    own = process_started(os.getpid())
    odd = tmp_path / "a) Z 1 (b"  # the name of a program stands in the same line
    odd.symlink_to(sys.executable)
    process = subprocess.Popen([odd, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not buried
    dead = process_started(process.pid)
    process.communicate()
    assert own is not None
    assert started is not None
    assert (own <= started, dead, process_started(process.pid), process_started(-1)) == (True, None, None, None)
