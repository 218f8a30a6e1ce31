"""What `qrgate-provision command diagnostics` shows of a gate: its state in figures and words, and nothing about a person."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from device.clock import monotonic_ns
from device.domain import Instant
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.lane_mode import OrderedMode
from device.gate.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """``health`` is the body of the message of that name, ``versions`` the numbers of the bundles in force."""

    boot: str
    state: Path
    store: Store
    mode: OrderedMode
    lane: Callable[[], LaneState]
    health: Callable[[], bytes]
    versions: Callable[[], dict[str, int]]
    now: Callable[[], Instant]

    def __call__(self) -> dict[str, Any]:
        now, lane = self.now(), self.lane()
        return {
            "version": _version(),
            "boot": self.boot,
            "up_s": monotonic_ns() // 1_000_000_000,
            "time": now.utc.isoformat(timespec="milliseconds"),
            "clock": now.trust.value,
            "mode": self.mode.mode.value,
            "drill": self.mode.is_drill,
            "lane": {"service": lane.service.value, "free_by": lane.free_by and lane.free_by.value, "serves_entry": lane.serves_entry},
            "health": json.loads(self.health()),
            "bundles": self.versions(),
            "store": {"epoch": self.store.epoch, "last_sequence": self.store.last_sequence, **self._filling()},
        }

    def _filling(self) -> dict[str, Any]:
        """A store that fails is what somebody may be looking for: the rest is told all the same."""
        try:
            free = shutil.disk_usage(self.state).free
            return {"unconfirmed": self.store.unconfirmed(), "fill": round(self.store.fill().share, 4), "disk_free_mib": free // 2**20}
        except (StoreError, OSError) as error:
            return {"fails": type(error).__name__}


def _version() -> str:
    try:
        return metadata.version("qrgate")
    except metadata.PackageNotFoundError:
        return "unknown"
