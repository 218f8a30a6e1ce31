"""Power cuts on a disk below SQLite that loses what was not synced: anywhere, in every order, and torn; no root needed."""

from __future__ import annotations

import mmap
import random
import shutil
from pathlib import Path

from tests.faults import vfs
from tests.faults.power_day import Holdings, look
from tests.faults.power_lives import Notice, Tally, end_of, fork, live
from tests.faults.vfs import EXIT_CUT, MissingError, Survivors

LIVES = 6
"""Of one store: the first is cut while it is made, the others while they mend what the one before has left."""
CALLS_MAX = 1500
"""Calls that write: about a hundred steps."""


def cut_often(folder: Path, cuts: int, *, seed: int, synchronous: str = "FULL") -> Tally:
    """Raises MissingError where the disk cannot be had."""
    library, control, notice = vfs.build(folder), vfs.control_in(mmap.mmap(-1, mmap.PAGESIZE)), Notice()
    chance, tally, holds = random.Random(seed), Tally(), Holdings()
    while tally.cuts < cuts:
        store = folder / "state" / "events.db"
        if tally.cuts % LIVES == 0 or holds.step == 0:
            shutil.rmtree(store.parent, ignore_errors=True)
            store.parent.mkdir()
            holds = Holdings()
        control.calls, control.cut_at = 0, chance.randint(1, CALLS_MAX)
        control.survivors, control.seed = chance.choice(list(Survivors)), chance.getrandbits(32)

        def life(path: Path = store, begun: Holdings = holds) -> None:
            vfs.install(library, control)
            live(path, begun, notice, synchronous)

        ended = end_of(fork(life))
        if not control.calls:
            raise MissingError("Python uses another libsqlite3.so.0")
        acknowledged = notice.after(holds)
        # What is looked at is a copy: the next life finds the file as the cut has left it, and may be cut while it mends it.
        looked_at = shutil.copytree(store.parent, folder / "looked-at")
        found = look(looked_at / store.name, acknowledged)
        shutil.rmtree(looked_at)
        if ended != EXIT_CUT:
            found.flaws.append(f"the day ended before the power went: {ended}")
        tally.add(acknowledged, found)
        holds = found.holds or Holdings()
    return tally
