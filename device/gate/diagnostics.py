"""What `qrgate status` and `qrgate-provision command diagnostics` show of a gate: its state in figures and words, and nothing about a person."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from device.admission.lists import ListKind
from device.admission.policy import Policy
from device.clock import NS, monotonic_ns
from device.domain import Instant
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.lane_mode import OrderedMode
from device.gate.lately import Lately
from device.gate.list_mapped import ListState
from device.gate.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """``health`` is the body of the message of that name, ``versions`` the numbers of the bundles in force, ``lists`` are those in force."""

    boot: str
    state: Path
    store: Store
    mode: OrderedMode
    lane: Callable[[], LaneState]
    health: Callable[[], bytes]
    policy: Callable[[], Policy]
    versions: Callable[[], dict[str, int]]
    lists: Callable[[Instant], Mapping[ListKind, ListState]]
    lately: Lately
    now: Callable[[], Instant]

    def __call__(self) -> dict[str, Any]:
        now, now_ns, lane = self.now(), monotonic_ns(), self.lane()
        return {
            "version": _version(),
            "boot": self.boot,
            "up_s": now_ns // NS,
            "time": now.utc.isoformat(timespec="milliseconds"),
            "clock": now.trust.value,
            "mode": self.mode.mode.value,
            "drill": self.mode.is_drill,
            "lane": {"service": lane.service.value, "free_by": lane.free_by and lane.free_by.value, "serves_entry": lane.serves_entry},
            "health": json.loads(self.health()),
            "policy": self.policy().mode.value,
            "bundles": self.versions(),
            "lists": {kind.value: asdict(state) for kind, state in self.lists(now).items()},
            "store": {"epoch": self.store.epoch, "last_sequence": self.store.last_sequence, **self._filling()},
            **self.lately.told(now_ns),
        }

    def _filling(self) -> dict[str, Any]:
        """A store that fails is what somebody may be looking for: the rest is told all the same."""
        try:
            free = shutil.disk_usage(self.state).free
            return {"unconfirmed": self.store.unconfirmed(), "fill": round(self.store.fill().share, 4), "disk_free_mib": free // 2**20}
        except (StoreError, OSError) as error:
            return {"fails": type(error).__name__}


@cache  # of the program that runs, not of one that was put in its place since
def _version() -> str:
    try:
        return metadata.version("qrgate")
    except metadata.PackageNotFoundError:
        return "unknown"
