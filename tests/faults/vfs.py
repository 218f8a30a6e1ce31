"""The faulty disk below SQLite (``vfs.c``), for Python: built where there is a compiler, and told what to do through shared memory."""

from __future__ import annotations

import ctypes
import mmap
import subprocess
from enum import IntEnum
from pathlib import Path

SOURCE = Path(__file__).with_name("vfs.c")
ENVIRONMENT = "QRGATE_TEST_DISK"
"""With the library in LD_PRELOAD: the path of a control file, and the whole process has this disk."""

EXIT_CUT = 99
"""How a process ends whose power went."""

FOR_EVER = 2**62

SQLITE_IOERR, SQLITE_FULL = 10, 13  # sqlite.org/rescode.html


class MissingError(Exception):
    """It cannot be built here; says why."""


class Survivors(IntEnum):
    """What of the unsynced writes reaches the disk all the same."""

    NONE = 0
    FIRST_ONES = 1
    SOME = 2
    SECTORS = 3  # of each write, some sectors of 512 bytes
    REORDERED = 4


class Control(ctypes.Structure):
    """As ``struct control`` in ``vfs.c``, which says what each means."""

    _fields_ = [(name, ctypes.c_int64) for name in ("calls", "cut_at", "survivors", "seed", "fail_from", "fail_to", "fail_code")]

    calls: int
    cut_at: int
    survivors: int
    seed: int
    fail_from: int
    fail_to: int
    fail_code: int

    def fail(self, code: int, *, after: int = 0, times: int = FOR_EVER) -> None:
        """The next calls fail, but for the first ``after`` of them."""
        self.fail_code, self.fail_to = code, self.calls + after + times
        self.fail_from = self.calls + after + 1  # last: the disk looks at this one first

    def mend(self) -> None:
        self.fail_from = 0


def control_in(memory: mmap.mmap) -> Control:
    return Control.from_buffer(memory)


def build(folder: Path) -> Path:
    """The library, made below ``folder``. Raises MissingError."""
    library = folder / "vfs.so"
    command = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(library), str(SOURCE), "-l:libsqlite3.so.0"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise MissingError("there is no gcc") from None
    except subprocess.CalledProcessError as error:
        raise MissingError(f"libsqlite3-dev may be missing: {error.stderr.splitlines()[0]}") from None
    return library


def install(library: Path, control: Control) -> None:
    """From now on this process has the faulty disk. It keeps it until it ends. Raises MissingError."""
    if code := ctypes.CDLL(str(library)).disk_install(ctypes.byref(control)):
        raise MissingError(f"SQLite does not take it: {code}")
