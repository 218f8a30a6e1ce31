"""Figures and what they are to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from device.reader.second_chance import BUDGET_MS

Figures: TypeAlias = dict[str, tuple[float, str]]
"""Name → value and unit."""

Progress: TypeAlias = Callable[[str], None]

NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True)
class Bound:
    """The project's own target for one figure, and what the figure says in words."""

    limit: float
    meaning: str
    at_least: bool = False

    def keeps(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


BOUNDS = {
    "idle_cost_vs_pyzbar": Bound(0.01, "empty frame, CPU against `pyzbar.decode`, the worst of four scenes"),
    "idle_cost_vs_zxing": Bound(0.2, "the same against zxing-cpp's defaults"),
    "idle_worst": Bound(15.0, "the costliest empty frame"),
    "passing_cost_vs_pyzbar": Bound(0.1, "people walk past without a code, CPU against `pyzbar.decode`"),
    "frames_read_vs_pyzbar": Bound(1.25, "frames read while codes are brought and held, against `pyzbar.decode`", at_least=True),
    "frames_read_vs_zxing": Bound(1.05, "the same against zxing-cpp's defaults", at_least=True),
    "late_sequences": Bound(0, "sequences first read more than one frame later than by zxing-cpp's defaults"),
    "busy_cost_vs_pyzbar": Bound(0.05, "frames with a code, CPU against `pyzbar.decode`"),
    "low_light_gain": Bound(2.0, "presentations read at dusk, against the better of zxing-cpp's defaults and half > full", at_least=True),
    "fusion_gain": Bound(1.3, "the same, against half > full > the single frame smoothed", at_least=True),
    "low_light_second_chance": Bound(BUDGET_MS, "CPU that a missed frame at dusk is given beyond the first look, against the budget"),
    "photos_exact": Bound(0.971, "photographs read to the byte, of 244", at_least=True),
    "bent_gain": Bound(
        2.0, "codes read on creased paper, cloth and cups, one still picture of each, against zxing-cpp's defaults in 15", at_least=True
    ),
    "wrong_payloads": Bound(0, "payloads that nobody showed, in all of this"),
    "reader_overhead_p50": Bound(0.3, "the loop without decoders and picture reduction"),
    "frame_age_p50": Bound(33.4, "age of a frame when it is decoded, decoder three times slower than the camera"),
    "decoded_to_relay_p99": Bound(50.0, "from the end of decoding to the closed relay contact"),
    "decoded_to_relay_beyond_commit_p50": Bound(2.0, "the same without the disk's share"),
    "decide_unsigned_p99": Bound(1.0, "from the bytes of a citizen card to the decision"),
    "decide_hc1_p99": Bound(5.0, "the same for a vaccine passport, with its signature and 20 health rules"),
    "list_lookup_p50": Bound(10.0, "one name in a list of 1,000,000, its keyed hash included"),
    "list_resident": Bound(20.0, "memory that such a list takes, mapped pages counted"),
    "list_swap_delay_max": Bound(5.0, "a decision or a fire input waits while such a list is proven and swapped, at worst"),
    "fire_to_open_p99": Bound(50.0, "from the fire contact that opens to the free relay's contact, at a gate under full load"),
    "commit_vs_fdatasync": Bound(1.5, "durable commit of a decision, against 4 KiB overwritten and synced in a file that lies there already"),
    "bytes_written_per_event": Bound(12.0, "what a day writes for an event, with its passes through log and file, history, and deletion (`wchar`)"),
    "commit_slowdown_at_1m": Bound(1.1, "a commit with 1,000,000 events that wait, against an empty store"),
    "junk_day_share": Bound(0.2, "what a day of junk at 10 codes a second takes of the store"),
    "decision_p99_draining_vs_quiet": Bound(1.1, "p99 of a decision while a backlog drains, against without"),
    "drain_vs_paho": Bound(0.5, "events a second that leave the gate confirmed, against a bare paho loop with the same window", at_least=True),
}

ADDED_UP = frozenset({"wrong_payloads", "wrong_payloads_pyzbar"})
"""Counted by several parts of the benchmark: the sum is the figure."""


def added(figures: Figures, more: Figures) -> Figures:
    """Both; what is counted by several parts is added up, anything else may be in one only.

    Raises:
        ValueError: two parts gave the same name.
    """
    if twice := sorted((figures.keys() & more.keys()) - ADDED_UP):
        raise ValueError(f"measured twice: {', '.join(twice)}")
    summed = {name: (figures[name][0] + value, unit) if name in figures else (value, unit) for name, (value, unit) in more.items()}
    return figures | summed


def ratio(ours: float, theirs: float) -> float:
    """Where they have nothing at all, one is meant."""
    return ours / max(theirs, 1)
