"""A reader that is started again and again pauses before it begins, so that a poster on which a decoder crashes costs no processor.

``qrgate run`` counts quick deaths itself. systemd starts a unit again after the same ``RestartSec`` for ever (Debian 12's 252
knows no other), so under systemd the reader keeps its own count, in the unit's runtime folder: it is there after a crash, and
gone after a boot.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from device.clock import NS

log = logging.getLogger("qrgate.reader")

WITHIN_NS = 60 * NS
FREE_STARTS = 2
"""In a minute: the first start and one after a crash; the person who stands there is read within 3 s."""

PAUSE_FIRST_S, PAUSE_MAX_S = 1.0, 10.0
STARTS_KEPT = 16

FILE = "starts.json"


def pause_s(starts_ns: Sequence[int], now_ns: int) -> float:
    """How long a reader that starts now waits first; ``starts_ns`` are the starts before it."""
    recent = sum(0 <= now_ns - start_ns < WITHIN_NS for start_ns in starts_ns)
    return 0.0 if recent < FREE_STARTS else min(PAUSE_FIRST_S * 2 ** (recent - FREE_STARTS), PAUSE_MAX_S)


class Restarts:
    def __init__(self, folder: Path | None) -> None:
        """``folder`` outlives this process; without one, somebody else counts."""
        self._file = folder / FILE if folder else None

    def begin(self, now_ns: int) -> float:
        """Note this start; the seconds to wait first."""
        if self._file is None:
            return 0.0
        before = self._read()
        try:
            self._file.write_text(json.dumps([*before, now_ns][-STARTS_KEPT:]), encoding="ascii")
        except OSError as error:  # a full /run must not keep the eyes shut
            log.warning("%s cannot be written, so this start is not counted: %s", self._file, error.strerror)
        return pause_s(before, now_ns)

    def ended_well(self) -> None:
        """Somebody wanted this end: the next start is a first one."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _read(self) -> list[int]:
        """Whatever stands there, since a crash may have come amid the writing: a count that is lost costs a start."""
        try:
            starts = json.loads(self._file.read_text("ascii")) if self._file else []
        except (OSError, ValueError):
            return []
        return [each for each in starts if type(each) is int] if isinstance(starts, list) else []


def restarts_of_unit() -> Restarts:
    """The unit's runtime folder, which systemd names in the environment."""
    folder = os.environ.get("RUNTIME_DIRECTORY")
    return Restarts(Path(folder) if folder else None)
