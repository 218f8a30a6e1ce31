"""Room on the disk: what is kept free, so that letting events go, which writes too, is possible when nothing else is."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from device.errors import StoreError
from device.gate.write_log import WriteLog

RESERVE_BYTES = 32 * 1024 * 1024


class Room:
    """On the store's connection. Raises sqlite3.Error and OSError."""

    def __init__(self, database: sqlite3.Connection, folder: Path, log: WriteLog, reserve: int) -> None:
        """New facts leave ``reserve`` bytes of the disk free."""
        self._db = database
        self._folder = folder
        self._log = log
        self._reserve = reserve
        (self._page_bytes,) = database.execute("PRAGMA page_size").fetchone()

    def need(self) -> None:
        """Raises StoreError where there is none for new facts."""
        if self._free_on_disk() >= self._reserve or self._free() >= self._reserve:  # the disk first: nearly always that is all
            return
        self._log.shorten()
        if (free := self._free()) < self._reserve:
            raise StoreError(
                f"{free // 2**20} MiB are free at {self._folder}, and {self._reserve // 2**20} are kept for letting delivered events go",
                hint="does the uplink deliver? otherwise make room; `df` and `qrgate doctor` tell",
            )

    def taken(self) -> int:
        """Bytes of the file that hold something: it never shrinks."""
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        return int(pages * self._page_bytes) - self._empty()

    def _free(self) -> int:
        return self._free_on_disk() + self._empty()

    def _empty(self) -> int:
        """Bytes of the file that are free since events were let go."""
        (pages,) = self._db.execute("PRAGMA freelist_count").fetchone()
        return int(pages * self._page_bytes)

    def _free_on_disk(self) -> int:
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize
