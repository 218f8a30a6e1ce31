"""A disk that stands still for two seconds whenever it is told to, as a worn card or a busy one does.

As root it is a file system of its own, ext4 on a loop device, frozen by the kernel: whoever writes sleeps until it is thawed. A
process of its own freezes it, thaws it, and takes it down as soon as whoever started it is gone, however that came about: a
frozen file system must never be left behind. Elsewhere another connection holds the lock of the gate's store.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import NoReturn, Protocol

from device.clock import monotonic_ns
from tests.bench.figures import Progress

STALL_S = 2.0
SIZE_BYTES = 1024**3  # sparse
STORE = "events.db"

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878  # _IOWR('X', 119, int) and 120: linux/fs.h
READY, THAWED = "ready", "thawed"


class StalledDisk(Protocol):
    """``kind`` tells how it is stalled; ``state`` is where the gate's state folder is to be."""

    kind: str
    state: Path

    def stall(self) -> tuple[int, int]:
        """Stand still for ``STALL_S``; from when to when that was, in monotonic nanoseconds. Raises OSError."""
        ...

    def close(self) -> None: ...


def open_disk(folder: Path, progress: Progress) -> StalledDisk:
    """The best that can be had here, below the empty ``folder``."""
    disk: StalledDisk
    try:
        disk = FrozenDisk(folder)
    except OSError as error:
        progress(f"no disk of its own: {error}")
        disk = LockedStore(folder)
    progress(f"the disk that stalls is {disk.kind}")
    return disk


class FrozenDisk:
    """Raises OSError where nobody may mount."""

    kind = "an ext4 on a loop device, frozen by the kernel"

    def __init__(self, folder: Path) -> None:
        if os.geteuid() != 0:
            raise PermissionError("only root mounts")
        self._mounted = folder / "disk"
        self.state = self._mounted / "state"
        command = [sys.executable, "-m", "tests.bench.stalled_disk", str(folder / "disk.img"), str(self._mounted)]
        root = Path(__file__).parents[2]
        self._keeper: subprocess.Popen[str] = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1, start_new_session=True, cwd=root
        )
        if self._next_word() != READY:
            _, errors = self._keeper.communicate()
            raise OSError(errors.strip().rpartition("\n")[2])

    def stall(self) -> tuple[int, int]:
        begun_ns = monotonic_ns()
        assert self._keeper.stdin is not None
        self._keeper.stdin.write("\n")
        if self._next_word() != THAWED:
            thaw(self._mounted)
            raise OSError("whoever freezes and thaws the disk has ended")
        return begun_ns, monotonic_ns()

    def close(self) -> None:
        self._keeper.communicate(timeout=30)  # closes its stdin

    def _next_word(self) -> str:
        assert self._keeper.stdout is not None
        return self._keeper.stdout.readline().strip()


class LockedStore:
    kind = "the store's file, locked by another connection"

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"

    def stall(self) -> tuple[int, int]:
        with closing(sqlite3.connect(self.state / STORE, isolation_level=None, timeout=STALL_S)) as other:
            other.execute("BEGIN IMMEDIATE")
            begun_ns = monotonic_ns()
            time.sleep(STALL_S)
            other.execute("ROLLBACK")
        return begun_ns, monotonic_ns()

    def close(self) -> None:
        return


def thaw(folder: Path) -> None:
    """Whatever it is just now."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # it was not frozen
            fcntl.ioctl(descriptor, FITHAW, 0)
    finally:
        os.close(descriptor)


# --- the process that keeps it ---------------------------------------------------------------------------------


def main(image: str, folder: str) -> int:
    """Keep the disk until stdin ends; each byte of it is one stall."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this one is interrupted as well, and still needs the disk
    signal.signal(signal.SIGTERM, _end)
    mounted = Path(folder)
    mounted.mkdir()
    with Path(image).open("wb") as file:
        file.truncate(SIZE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        Path(image).unlink()  # the loop device holds it: it is gone with the mount, whoever dies
        _say(READY)
        while os.read(0, 1):
            _freeze_for_a_while(mounted)
            _say(THAWED)
    finally:
        thaw(mounted)
        subprocess.run(["umount", "--lazy", folder], check=True)
    return 0


def _freeze_for_a_while(mounted: Path) -> None:
    descriptor = os.open(mounted, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(descriptor, FIFREEZE, 0)
        select.select([0], [], [], STALL_S)  # the end of stdin cuts it short
    finally:
        os.close(descriptor)
        thaw(mounted)


def _end(_number: int, _frame: object) -> NoReturn:
    sys.exit(1)


def _say(word: str) -> None:
    print(word, flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
