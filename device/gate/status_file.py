"""``RUNTIME/status.json``: how the gate is, written every second for `qrgate status`, which asks nobody and works without a network.

A gate that hangs or was killed writes no more: the file tells so by its age, and by the process that it names. It lies in memory, as
the runtime folder does, and holds nothing about a person. Root and the group of the gate's unit (``qrgate``) may read it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.clock import NS, monotonic_ns

log = logging.getLogger("qrgate.gate")

NAME = "status.json"
FORM = 1
"""Raised when a reader of the former form would misunderstand."""

STATUS_MAX = 16 * 1024
"""Bytes. With every trouble at once it has a quarter of that."""

EVERY_NS = NS
MODE = 0o640


@dataclass(slots=True)
class StatusFile:
    """One chore of the recording thread. ``diagnose`` answers with what is to be told, in terms of JSON.

    A folder that cannot be written to is a line in the log when that begins, and nothing else.
    """

    runtime: Path
    boot: str
    diagnose: Callable[[], dict[str, Any]]
    _told: dict[str, Any] = field(default_factory=dict)
    _looked_ns: int | None = None
    _failed: bool = False

    def look(self, now_ns: int) -> None:
        """Write it anew if it is time."""
        if self._looked_ns is not None and now_ns - self._looked_ns < EVERY_NS:
            return
        self._looked_ns = now_ns
        pid = os.getpid()
        process = {"pid": pid, "started": process_started(pid)}
        self._told = {"form": FORM, "boot": self.boot, "process": process, "at_ns": monotonic_ns(), "stopped": False, "gate": self.diagnose()}
        self._write()

    def close(self) -> None:
        """The gate stops in order, and says so: whoever finds no process then need not look for what killed it."""
        if self._told:
            self._told |= {"at_ns": monotonic_ns(), "stopped": True}
            self._write()

    def _write(self) -> None:
        path = self.runtime / NAME
        new = path.with_suffix(".new")
        try:
            with new.open("wb") as writing:
                os.fchmod(writing.fileno(), MODE)  # the unit's umask leaves it to the gate alone
                writing.write(json.dumps(self._told, separators=(",", ":")).encode())
            new.replace(path)
        except OSError as error:
            if not self._failed:
                log.warning("%s cannot be written, so `qrgate status` knows nothing: %s", path, error.strerror)
            self._failed = True
        else:
            self._failed = False


def process_started(pid: int) -> int | None:
    """When process ``pid`` began, in clock ticks since the machine's start: with its number the mark of one process.

    ``None``: there is none, or it is dead and not yet buried (man 5 proc).
    """
    with suppress(OSError, ValueError, IndexError):
        told = Path(f"/proc/{pid}/stat").read_bytes()
        state, *numbers = told[told.rindex(b")") + 1 :].split()
        return None if state in {b"Z", b"X"} else int(numbers[18])
    return None
