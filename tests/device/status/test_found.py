from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from device.clock import NS
from device.gate.status_file import NAME, STATUS_MAX, process_started
from device.status.found import IN_WORDS, SILENT_NS, Found, Life, look
from tests.device.status.last_word import BOOT, NOW_NS, file, gate
from tests.device.strangers import needs_root, open_folder, somebody_else

HERE = {"pid": os.getpid(), "started": process_started(os.getpid())}
"""A process that is alive."""
GONE = {"pid": os.getpid(), "started": 1}
"""Its number is another process's by now."""


def found(folder: Path, content: bytes | dict[str, Any] | None, *, listens: bool = False) -> Found:
    if content is not None:
        (folder / NAME).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return look(folder, BOOT, NOW_NS, listens=listens)


def test_a_gate_that_has_just_written_runs(tmp_path: Path) -> None:
    assert found(tmp_path, file(process=HERE)) == Found(Life.RUNS, "it runs", "", 0.5, gate())


@pytest.mark.parametrize(("silent_ns", "life"), [(0, Life.RUNS), (SILENT_NS, Life.RUNS), (SILENT_NS + 1, Life.SILENT), (3600 * NS, Life.SILENT)])
def test_a_gate_that_is_there_and_writes_no_more_hangs(tmp_path: Path, silent_ns: int, life: Life) -> None:
    told = found(tmp_path, file(process=HERE, at_ns=NOW_NS - silent_ns), listens=True)
    assert (told.life, told.age_s) == (life, round(silent_ns / NS, 1))


@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize(
    ("changes", "life"),
    [
        pytest.param({"process": GONE}, Life.DIED, id="killed, its number is another's by now"),
        pytest.param({"process": {"pid": 2**40, "started": 1}}, Life.DIED, id="killed"),
        pytest.param({"process": {"pid": -1, "started": 1}}, Life.DIED, id="no process has such a number"),
        pytest.param({"process": GONE, "stopped": True}, Life.STOPPED, id="stopped"),
        pytest.param({"process": HERE, "stopped": True}, Life.STOPPED, id="about to end"),
        pytest.param({"process": HERE, "boot": "boot-0"}, Life.NEVER, id="of the machine's former life"),
    ],
)
def test_a_gate_that_is_gone_is_told_how_unless_its_next_life_begins(tmp_path: Path, changes: dict[str, Any], life: Life, *, listens: bool) -> None:
    told = found(tmp_path, file(**changes), listens=listens)
    assert (told.life, told.gate) == (Life.STARTS if listens else life, gate())
    assert (told.age_s is None) is ("boot" in changes)  # the clock of another boot tells no age


@pytest.mark.parametrize(("listens", "life"), [(False, Life.NEVER), (True, Life.STARTS)])
@pytest.mark.parametrize("folder", [".", "no/such/folder"])
def test_without_a_file_no_gate_has_run(tmp_path: Path, folder: str, life: Life, *, listens: bool) -> None:
    assert look(tmp_path / folder, BOOT, NOW_NS, listens=listens) == Found(life, *IN_WORDS[life])


@pytest.mark.parametrize("health", ["ok", "degraded", "out_of_order", "free"])
def test_all_is_well_only_where_the_gate_runs_and_says_so(tmp_path: Path, health: str) -> None:
    told = gate(health={"health": health, "troubles": []})
    assert found(tmp_path, file(process=HERE, gate=told)).is_well is (health == "ok")
    assert not found(tmp_path, file(process=GONE, gate=told)).is_well


# --- whatever lies there ---------------------------------------------------------------------------------------


def not_told(folder: Path) -> str:
    """What is said of ``folder``, without the path in it."""
    told = look(folder, BOOT, NOW_NS, listens=True)
    assert (told.life, told.gate, told.is_well, bool(told.hint)) == (Life.NOT_TOLD, None, False, True)
    path = str(folder / NAME)
    assert told.what.startswith(path)
    return told.what.removeprefix(path).strip()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(json.dumps(file()).encode()[:300], "is cut off or damaged", id="cut"),
        pytest.param(b"\x00" * 4096, "is cut off or damaged", id="zeros"),
        pytest.param(b"{" * 10_000_000, f"has more than {STATUS_MAX // 1024} KiB: no gate has written that", id="enormous"),
        pytest.param(json.dumps(file(form=2)).encode(), "was written by another version of the gate, or not by a gate", id="another version"),
    ],
)
def test_a_file_that_is_none_is_told_in_words(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / NAME).write_bytes(content)
    assert not_told(tmp_path) == why


@pytest.mark.parametrize(
    ("make", "why"),
    [
        pytest.param(Path.mkdir, "cannot be read: Is a directory", id="a folder"),
        pytest.param(os.mkfifo, "is empty", id="a pipe to which nobody writes"),
        pytest.param(lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links", id="a link to itself"),
        pytest.param(lambda path: path.symlink_to("/dev/zero"), "has more than 16 KiB: no gate has written that", id="a file without end"),
    ],
)
def test_what_has_taken_the_place_of_the_file_holds_nobody_up(tmp_path: Path, make: Callable[[Path], object], why: str) -> None:
    make(tmp_path / NAME)
    assert not_told(tmp_path) == why


@needs_root
@pytest.mark.parametrize("hidden", [".", NAME])
def test_whoever_may_not_read_it_is_told_who_may(hidden: str) -> None:
    with open_folder() as folder:
        (folder / NAME).write_bytes(json.dumps(file()).encode())
        (folder / hidden).chmod(0o600)
        with somebody_else():
            told = look(folder, BOOT, NOW_NS, listens=True)
    assert told == Found(Life.NOT_TOLD, f"{folder / NAME} may not be read by you", "root and members of the group qrgate may: `sudo qrgate status`")
