"""What a disk may do to a gate, each with a beginning and an end."""

from __future__ import annotations

import mmap
import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from tests.faults import vfs
from tests.faults.disk_image import Image

STALL_S = 5.0
FILLER = "filler"
FIRST_CALLS = (1, 2, 4, 8, 16)
"""Of the calls that write the first that fails: a commit is about so many."""


class Fault(Protocol):
    name: str
    is_told_at_once: bool
    """Whoever decides meets it at once; else he sleeps until it is over."""
    outlives_the_process: bool
    """It ends with a repair, and the gate is started again after it."""
    environment: Mapping[str, str]
    """What the gate's process is started with."""

    @property
    def has_begun(self) -> bool:
        """The next write meets it."""
        ...

    def begin(self, disk: Image) -> None: ...

    def end(self, disk: Image) -> None:
        """Comes back when it is over."""
        ...


class _OfTheDisk:
    is_told_at_once = True
    outlives_the_process = False
    environment: Mapping[str, str] = {}

    @property
    def has_begun(self) -> bool:
        return True


class Full(_OfTheDisk):
    name = "full"

    def begin(self, disk: Image) -> None:
        with (disk.mounted / FILLER).open("wb") as filler:
            for piece in (2**20, 4096):  # what is left of the last mebibyte counts too
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(filler.fileno(), filler.seek(0, os.SEEK_END), piece)

    def end(self, disk: Image) -> None:
        (disk.mounted / FILLER).unlink()


class ReadOnly(_OfTheDisk):
    """The file system is found damaged, and the kernel writes to it no more: nobody but a repair ends that."""

    name = "read-only"
    outlives_the_process = True

    def begin(self, disk: Image) -> None:
        disk.break_down()

    def end(self, disk: Image) -> None:
        disk.unmount()
        subprocess.run(["fsck.ext4", "-p", str(disk.device)], check=False, capture_output=True)  # 1: something was mended
        disk.mount()


class Gone(ReadOnly):
    """It answers nothing any more, neither to a write nor to a read, as a card whose contacts are bad; somebody puts it in again."""

    name = "gone"

    def begin(self, disk: Image) -> None:
        disk.cut()


class Errors(_OfTheDisk):
    """Every call that writes fails, from the ``first`` on: where in a commit that is, is another each time."""

    def __init__(self, folder: Path, first: int) -> None:
        """Raises MissingError."""
        self.name = f"errors from write {first} on"
        self._first = first
        control = folder / "control"
        control.write_bytes(bytes(mmap.PAGESIZE))
        with control.open("r+b") as file:
            self._control = vfs.control_in(mmap.mmap(file.fileno(), mmap.PAGESIZE))
        self.environment = {"LD_PRELOAD": str(vfs.build(folder)), vfs.ENVIRONMENT: str(control)}

    def begin(self, _disk: Image) -> None:
        if not self._control.calls:
            raise vfs.MissingError("the gate's SQLite is not the one that was looked for")
        self._control.fail(vfs.SQLITE_IOERR, after=self._first - 1)

    @property
    def has_begun(self) -> bool:
        return self._control.calls + 1 >= self._control.fail_from

    def end(self, _disk: Image) -> None:
        self._control.mend()


class Stalled(_OfTheDisk):
    name = f"stalls {STALL_S:.0f} s"
    is_told_at_once = False

    def begin(self, disk: Image) -> None:
        self._thawing = disk.freeze(STALL_S)

    def end(self, _disk: Image) -> None:
        self._thawing.wait(timeout=2 * STALL_S)


def _errors(first: int) -> Callable[[Path], Fault]:
    return lambda folder: Errors(folder, first)


FAULTS: dict[str, Callable[[Path], Fault]] = {
    "full": lambda _folder: Full(),
    "read-only": lambda _folder: ReadOnly(),
    "gone": lambda _folder: Gone(),
    "stalled": lambda _folder: Stalled(),
    **{f"errors-{first}": _errors(first) for first in FIRST_CALLS},
}
"""Each is made with a folder of its own, elsewhere than on the disk."""
