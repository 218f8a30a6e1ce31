"""When the gate was last alive, written down every minute: at the next start an event tells from when to when nothing was recorded."""

from __future__ import annotations

import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

from device.clock import NS
from device.domain import Instant

log = logging.getLogger("qrgate.gate")

EVERY_NS = 60 * NS
NAME = "alive"


class Alive:
    def __init__(self, state: Path) -> None:
        self._file = state / NAME
        self._written_ns: int | None = None

    def gap(self, now: Instant) -> dict[str, Any] | None:
        """From when to when the gate was not recording, for an event; ``None`` at its first start. Each end says whether its clock was trusted."""
        try:
            before = json.loads(self._file.read_text(encoding="ascii"))
            datetime.fromisoformat(before["at"])
        except (OSError, ValueError, KeyError, TypeError):  # a power cut may leave it empty: then the gap is as long as anybody likes
            return None
        return {"from": before["at"], "from_clock": before.get("clock"), "to": _text(now), "to_clock": now.trust}

    def look(self, now: Instant, now_ns: int) -> None:
        """Write it down if it is time. A disk that will not do is told of by others."""
        if self._written_ns is not None and now_ns - self._written_ns < EVERY_NS:
            return
        self._written_ns = now_ns
        new = self._file.with_suffix(".new")
        try:
            new.write_text(json.dumps({"at": _text(now), "clock": now.trust}), encoding="ascii")
            new.replace(self._file)  # no fsync: ext4 writes a file out before it takes the name of another
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error.strerror)


def _text(now: Instant) -> str:
    return now.utc.isoformat(timespec="seconds")
