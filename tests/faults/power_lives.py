"""Lives of a gate that end with the power, each a child of this process: short, many, and the same from the same seed."""

from __future__ import annotations

import logging
import mmap
import os
import struct
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from device.errors import QrgateError
from tests.faults.power_day import Day, Found, Holdings

FLAWS_TOLD_MAX = 10
NO_MORE = 3
"""How a life ends whose store takes no more."""
BUG = 1


@dataclass
class Tally:
    """What came of some cuts. ``acknowledged`` and ``lost`` count events that the recorder had not yet confirmed."""

    cuts: int = 0
    acknowledged: int = 0
    lost: int = 0
    broken: int = 0
    flaws: list[str] = field(default_factory=list)

    def add(self, acknowledged: Holdings, found: Found) -> None:
        self.cuts += 1
        self.acknowledged += acknowledged.last - acknowledged.confirmed
        self.lost += found.lost
        self.broken += bool(found.flaws)
        self.flaws += [f"cut {self.cuts}, after step {acknowledged.step}: {flaw}" for flaw in found.flaws][: FLAWS_TOLD_MAX - len(self.flaws)]

    @property
    def is_whole(self) -> bool:
        return not self.lost and not self.broken


class Notice:
    """The last step that was acknowledged, in memory that outlives the child who writes it there."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)

    def write(self, step: int) -> None:
        struct.pack_into("=q", self._memory, 0, step)

    def after(self, begun: Holdings) -> Holdings:
        """What the store must hold at least, of a life that began with ``begun``."""
        (step,) = struct.unpack_from("=q", self._memory, 0)
        holds = begun
        while holds.step < step:
            holds = holds.after_next()
        return holds


def live(path: Path, begun: Holdings, notice: Notice, synchronous: str) -> NoReturn:
    """One step after the other, until the power goes. Raises StoreError, StoreDamagedError where the disk is gone, and the process is not."""
    notice.write(begun.step)
    day = Day(path, begun, synchronous=synchronous)
    while True:
        notice.write(day.take())


def fork(life: Callable[[], object]) -> int:
    """Begin ``life`` as a child; its process id. The caller has one thread only."""
    child = os.fork()
    if child == 0:
        code = BUG
        logging.disable()  # on a disk without power the store has much to say
        try:
            life()
        except QrgateError:
            code = NO_MORE
        except BaseException:  # noqa: BLE001 - nothing of the parent may run in the child
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def end_of(child: int) -> int:
    """The exit code of ``child``, below zero where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
