"""Power cuts on a file system: ext4 on a loop device is shut down without a flush of its log, and mounted again (root).

What counts as acknowledged is what was so before the shutdown began. It is not the instant that it stands for: an fdatasync that is under way
then answers with success now and then, and what it was to save is gone (measured with plain appends: 12 of 60 on kernel 6.18; never with
overwrites). A machine without power tells nobody.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path

from tests.faults.disk_image import Image
from tests.faults.power_day import Holdings, look
from tests.faults.power_lives import NO_MORE, Notice, Tally, end_of, fork, live

SIZE_MIB = 128
LIVES = 8
LIFE_S = (0.001, 0.1)
OPENING_SHARE = 0.25
"""Of the lives so many may end while the store is opened; the others have taken one step at least."""
OPENS_WITHIN_S = 10.0


def cut_often(folder: Path, cuts: int, *, seed: int, synchronous: str = "FULL") -> Tally:
    """Raises NoDiskError. ``disk_image.leave_the_others`` comes before."""
    chance, tally, notice, holds = random.Random(seed), Tally(), Notice(), Holdings()
    with closing(Image(folder, size_mib=SIZE_MIB)) as disk:
        while tally.cuts < cuts:
            store = disk.mounted / "state" / "events.db"
            if tally.cuts % LIVES == 0 or holds.step == 0:
                _clear(store.parent)
                holds = Holdings()

            def life(path: Path = store, begun: Holdings = holds) -> None:
                live(path, begun, notice, synchronous)

            notice.write(holds.step)
            child = fork(life)
            if chance.random() > OPENING_SHARE:
                _await_step(notice, holds)
            time.sleep(chance.uniform(*LIFE_S))  # a random instant is what this test is made of
            acknowledged = notice.after(holds)
            disk.cut()
            ended = end_of(child)
            begun = notice.after(holds).after_next()
            disk.unmount()
            disk.mount()
            found = look(store, acknowledged, begun)
            if ended not in {NO_MORE, -signal.SIGBUS}:  # SIGBUS: mapped memory of a file that can no longer be read
                found.flaws.append(f"the day did not end with the disk: {ended}")
            tally.add(acknowledged, found)
            holds = found.holds or Holdings()
    return tally


def _await_step(notice: Notice, begun: Holdings) -> None:
    give_up_s = time.monotonic() + OPENS_WITHIN_S
    while notice.after(begun).step == begun.step and time.monotonic() < give_up_s:
        time.sleep(0.001)  # the child tells by memory alone


def _clear(folder: Path) -> None:
    """An empty folder, durably: the first cut may come before anybody else has synced anything."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)
