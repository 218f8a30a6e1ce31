"""One list in the gate's memory: a mapped memfd that nobody can change or cut short."""

from __future__ import annotations

import fcntl
import mmap
import os
from dataclasses import dataclass

from device.admission.lists import RECORD, Body
from device.domain import ClockTrust, Instant
from device.gate.list_order import SEALS, Handed


@dataclass(frozen=True, slots=True)
class ListState:
    """How a list in force stands. Where the clock is not trusted, nobody knows its age, nor whether it is ``stale``."""

    version: int
    entries: int
    age_s: int | None
    stale: bool | None


class Mapped:
    """One list in memory."""

    def __init__(self, told: Handed, descriptor: int) -> None:
        """Raises OSError, ValueError where the memfd cannot be mapped, or is not what was told."""
        if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALS != SEALS or os.fstat(descriptor).st_size != told.entries * RECORD.size:
            raise ValueError("it is not sealed, or of another length")
        self.told = told
        self._mapping = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) if told.entries else None  # nothing cannot be mapped
        self.body: Body = memoryview(self._mapping) if self._mapping is not None else b""

    def state(self, now: Instant) -> ListState:
        if now.trust is not ClockTrust.TRUSTED:
            return ListState(self.told.version, self.told.entries, None, None)
        age_s = max(int(now.utc.timestamp()) - self.told.issued_s, 0)
        return ListState(self.told.version, self.told.entries, age_s, age_s > self.told.valid_for_s)

    def close(self) -> None:
        if isinstance(self.body, memoryview):
            self.body.release()
        if self._mapping is not None:
            self._mapping.close()
