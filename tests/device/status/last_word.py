"""What a gate that is well writes of itself."""

from __future__ import annotations

import copy
from typing import Any

from device.clock import NS
from device.gate.status_file import FORM

BOOT = "boot-1"
NOW_NS = 5000 * NS

GATE: dict[str, Any] = {
    "version": "1.2.3",
    "boot": BOOT,
    "up_s": 5000,
    "running_s": 3725,
    "time": "2027-01-02T03:04:05.000+00:00",
    "clock": "trusted",
    "mode": "normal",
    "drill": False,
    "lane": {"service": "normal", "free_by": None, "serves_entry": True},
    "health": {"health": "ok", "troubles": [], "outbox": {"waiting": 1, "full_percent": 0, "since": "2027-01-02T03:00:00Z"}},
    "policy": "verify",
    "bundles": {"policy": 7, "trust": 3},
    "lists": {"deny": {"version": 12, "entries": 120_331, "age_s": 60, "stale": False}},
    "store": {"epoch": "0123456789abcdef", "last_sequence": 90, "unconfirmed": 1, "fill": 0.0412, "disk_free_mib": 8123},
    "broker": {"connected": True, "for_s": 3700},
    "eyes": "ok",
    "last": {"frame_s": 0, "decision_s": 12, "confirmation_s": 90_000},
}


def gate(**changes: Any) -> dict[str, Any]:
    """``changes`` in its uppermost table."""
    return copy.deepcopy(GATE) | changes


def file(*, pid: int = 1, started: int = 1, **changes: Any) -> dict[str, Any]:
    """The whole file, by default of a process that is none."""
    process = {"pid": pid, "started": started}
    return {"form": FORM, "boot": BOOT, "process": process, "at_ns": NOW_NS - NS // 2, "stopped": False, "gate": gate()} | changes
