"""What is found in the runtime folder: does the gate run, and how is it, by its own last word? Whatever lies there, there is an answer."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from device.clock import NS
from device.degraded import Health
from device.gate.status_file import NAME, STATUS_MAX, process_started
from device.status.told import NotToldError, Told, read

SILENT_NS = 5 * NS
"""The gate writes every second. One that has not for so long waits for its disk, hangs, or has no room for the file."""


class Life(StrEnum):
    RUNS = "runs"
    SILENT = "silent"
    STARTS = "starts"
    STOPPED = "stopped"
    DIED = "died"
    NEVER = "never"  # not since this machine started
    NOT_TOLD = "not_told"


_START = "start it: `sudo systemctl start qrgate.target`"
_WHY = "`journalctl -u qrgate-gate -n 50` tells why, `sudo qrgate doctor` what to mend"

IN_WORDS: dict[Life, tuple[str, str]] = {
    Life.RUNS: ("it runs", ""),
    Life.SILENT: (
        "it is there and says nothing: it waits for its disk or hangs, and lets nobody in; or the runtime folder takes no file",
        "`dmesg` tells what the disk has, `df /run` whether there is room; it goes on when they do; else: `sudo systemctl restart qrgate-gate`",
    ),
    Life.STARTS: ("it is starting, or cannot say how it is", "ask again in half a minute; if it stays so: `journalctl -u qrgate-gate -n 50`"),
    Life.STOPPED: ("it does not run: somebody has stopped it", _START),
    Life.DIED: ("it does not run: it was killed or broke down", f"it should be back within seconds; if not, {_WHY}"),
    Life.NEVER: ("it does not run, and has not since this machine started", f"{_START}; {_WHY}"),
}
"""For each: what it means, and what to do."""


@dataclass(frozen=True, slots=True)
class Found:
    """``gate`` is what the gate told last (``gate/diagnostics.py``), ``age_s`` how long ago: ``None`` where nothing of use was told."""

    life: Life
    what: str
    hint: str
    age_s: float | None = None
    gate: dict[str, Any] | None = None

    @property
    def is_well(self) -> bool:
        """It runs, and nothing is wrong with it."""
        return self.life is Life.RUNS and self.gate is not None and self.gate["health"]["health"] == Health.OK


def look(runtime: Path, boot: str, now_ns: int, *, listens: bool) -> Found:
    """``boot`` and ``now_ns`` are this machine's; ``listens``: some gate process has the sockets in ``runtime``."""
    path = runtime / NAME
    try:
        told = read(_content(path), now_ns=now_ns, boot=boot)
    except NotToldError as error:
        return Found(Life.NOT_TOLD, f"{path} {error.what}", error.hint)
    except FileNotFoundError:
        life = Life.STARTS if listens else Life.NEVER
        return Found(life, *IN_WORDS[life])
    except PermissionError:
        return Found(Life.NOT_TOLD, f"{path} may not be read by you", "root and members of the group qrgate may: `sudo qrgate status`")
    except OSError as error:
        return Found(Life.NOT_TOLD, f"{path} cannot be read: {error.strerror}", "the gate makes it anew each second: what has taken its place?")
    life = _life(told, boot, now_ns, listens=listens)
    age_s = round((now_ns - told.at_ns) / NS, 1) if told.boot == boot else None
    return Found(life, *IN_WORDS[life], age_s, told.gate)


def _content(path: Path) -> bytes:
    """At most one byte more than there may be. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe in its place would hold us up
    with open(file, "rb") as reading:  # noqa: PTH123 - Path.open would wait at the pipe
        return reading.read(STATUS_MAX + 1)


def _life(told: Told, boot: str, now_ns: int, *, listens: bool) -> Life:
    if told.boot == boot and process_started(told.pid) == told.started and not told.stopped:
        return Life.RUNS if now_ns - told.at_ns <= SILENT_NS else Life.SILENT
    if listens:
        return Life.STARTS
    if told.boot != boot:
        return Life.NEVER
    return Life.STOPPED if told.stopped else Life.DIED
