"""The store alone on a disk whose calls fail, wherever they stand in a commit, a checkpoint or the making of the file; and then its power goes.

What a step of the day was refused is tried again, as a gate does with every view of a code, and the store is opened again where even that
failed, as systemd does. So every step is done in the end, once.
"""

from __future__ import annotations

import mmap
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from device.errors import StoreError
from tests.faults import vfs
from tests.faults.power_day import Day, Holdings, look
from tests.faults.power_lives import Notice, Tally, end_of, fork
from tests.faults.vfs import EXIT_CUT, SQLITE_FULL, SQLITE_IOERR, MissingError, Survivors

CALLS_MAX = 600
"""Calls that write until the first failure: about forty steps, and letting go what was confirmed."""
CALLS_AFTER_MAX = 200
TIMES = (1, 2, 10, 50)
"""So many calls fail, one after the other. Each attempt meets one at least, and is the last but one."""

T = TypeVar("T")


def fail_often(folder: Path, faults: int, *, seed: int) -> Tally:
    """Raises MissingError where the disk cannot be had."""
    library, control, notice = vfs.build(folder), vfs.control_in(mmap.mmap(-1, mmap.PAGESIZE)), Notice()
    chance, tally = random.Random(seed), Tally()
    store = folder / "state" / "events.db"
    while tally.cuts < faults:
        store.parent.mkdir()
        times, control.calls = chance.choice(TIMES), 0
        control.fail(chance.choice((SQLITE_IOERR, SQLITE_FULL)), after=chance.randint(0, CALLS_MAX), times=times)
        control.cut_at = control.fail_to + chance.randint(1, CALLS_AFTER_MAX)
        control.survivors, control.seed = chance.choice(list(Survivors)), chance.getrandbits(32)

        def life(attempts: int = times + 1) -> None:
            vfs.install(library, control)
            _live(store, notice, attempts)

        ended = end_of(fork(life))
        if not control.calls:
            raise MissingError("Python uses another libsqlite3.so.0")
        acknowledged = notice.after(Holdings())
        found = look(store, acknowledged)
        if ended != EXIT_CUT:
            found.flaws.append(f"the store does not go on when the disk does: {ended}")
        tally.add(acknowledged, found)
        shutil.rmtree(store.parent)
    return tally


def _live(path: Path, notice: Notice, attempts: int) -> NoReturn:
    notice.write(0)
    day = _tried(attempts, lambda: Day(path, Holdings()))
    while True:
        notice.write(_tried(attempts, day.take))


def _tried(attempts: int, action: Callable[[], T]) -> T:
    """Raises StoreError where not even the last attempt does."""
    for _ in range(attempts - 1):
        try:
            return action()
        except StoreError:
            continue
    return action()
