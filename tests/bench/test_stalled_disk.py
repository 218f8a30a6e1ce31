from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from device.clock import NS
from tests.bench.stalled_disk import STALL_S, FrozenDisk, LockedStore

ROOT = Path(__file__).parents[2]
SOON_S = 20.0

STARTER = """
import sys
from pathlib import Path
from tests.bench.stalled_disk import FrozenDisk

disk = FrozenDisk(Path(sys.argv[1]))
disk._keeper.stdin.write("\\n")
print("stalls", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def frozen(tmp_path: Path) -> FrozenDisk:
    try:
        return FrozenDisk(tmp_path)
    except OSError as error:
        pytest.skip(f"no disk of its own: {error}")


def is_mounted(folder: Path) -> bool:
    return f" {folder} " in Path("/proc/self/mounts").read_text(encoding="utf-8")


def test_a_disk_stalls_for_two_seconds_and_is_whole_again(frozen: FrozenDisk) -> None:
    with closing(frozen):
        begun_ns, ended_ns = frozen.stall()
        frozen.state.mkdir()
        assert list(frozen.state.iterdir()) == []
    assert ended_ns - begun_ns >= STALL_S * NS
    assert not is_mounted(frozen.state.parent)


def test_a_frozen_disk_outlives_nobody_who_started_it(tmp_path: Path, frozen: FrozenDisk) -> None:
    frozen.close()  # it can be had here
    folder = tmp_path / "another"
    folder.mkdir()
    command = [sys.executable, "-c", STARTER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"stalls\n"
        assert is_mounted(folder / "disk")
        starter.kill()
    give_up_s = time.monotonic() + SOON_S
    while is_mounted(folder / "disk"):
        assert time.monotonic() < give_up_s
        time.sleep(0.01)  # nobody is left who could tell


def test_a_store_whose_lock_is_held_is_free_again_afterwards(tmp_path: Path) -> None:
    disk = LockedStore(tmp_path)
    disk.state.mkdir()
    begun_ns, ended_ns = disk.stall()
    assert ended_ns - begun_ns >= STALL_S * NS
    with closing(sqlite3.connect(disk.state / "events.db", timeout=0)) as store:
        store.execute("CREATE TABLE event (sequence INTEGER)")
