"""What the demo adds up from the events that reached the broker: was every presentation decided as it should be?"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

from device.clock import NS

Event = dict[str, Any]
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Expected:
    """One row of the recording's table: who is shown when, and the one decision that must follow."""

    name: str
    first_frame: int
    last_frame: int
    admit: bool
    reason: str
    payloads_sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """The table beside the recording."""

    frames_per_s: float
    frames: int
    expected: tuple[Expected, ...]

    @classmethod
    def read(cls, recording: Path) -> Script:
        content = json.loads((recording / "recording.json").read_text(encoding="utf-8"))
        rows = tuple(
            Expected(row["name"], row["first_frame"], row["last_frame"], row["admit"], row["reason"], tuple(row["payloads_sha256"]))
            for row in content["presentations"]
        )
        return cls(content["frames_per_s"], len(content["schedule"]), rows)

    @property
    def length_s(self) -> float:
        return self.frames / self.frames_per_s

    def shown_at(self, frame: int) -> Expected | None:
        return next((row for row in self.expected if row.first_frame <= frame <= row.last_frame), None)


@dataclass(slots=True)
class Tally:
    """Events by id, so that one that came twice counts once."""

    events: dict[str, Event] = field(default_factory=dict)
    repeated: int = 0

    def add(self, event: Event) -> bool:
        """Count ``event``; false if it came before."""
        if event["id"] in self.events:
            self.repeated += 1
            return False
        self.events[event["id"]] = event
        return True

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events.values() if event["type"] == f"qrgate.{kind}"]

    def reasons(self) -> Counter[tuple[bool, str]]:
        return Counter((event["data"]["admit"], event["data"]["reason"]) for event in self.of("decision"))

    def ended(self) -> bool:
        """Has the reader come to the end of its recording, as the gate reported it?"""
        return any(event["data"].get("state") == "ended" for event in self.of("alarm"))

    def open_grants(self) -> int:
        admitted = [event for event in self.of("decision") if event["data"]["admit"]]
        return len(admitted) - len(self.of("passage"))

    def gaps(self) -> int:
        """Sequences that are missing between the first and the last that came."""
        sequences = {int(event["sequence"]) for event in self.events.values()}
        return max(sequences, default=0) - len(sequences)

    # --- against the script ------------------------------------------------------------------------------------

    def deviations(self, script: Script) -> list[str]:
        """Every presentation without exactly its one decision, in words."""
        found: dict[str, list[Event]] = {row.name: [] for row in script.expected}
        wrong = []
        for event in self.of("decision"):
            row = script.shown_at(event["data"]["frame"])
            if row is None:
                wrong.append(f"a decision on frame {event['data']['frame']}, where nobody is shown: {_words(event)}")
            else:
                found[row.name].append(event)
        for row in script.expected:
            decisions = found[row.name]
            if [(each["data"]["admit"], each["data"]["reason"]) for each in decisions] != [(row.admit, row.reason)]:
                told = ", ".join(map(_words, decisions)) or "no decision"
                wrong.append(f"{row.name}: expected {'admitted' if row.admit else 'refused'} {row.reason}, got {told}")
        return wrong

    # --- how fast ----------------------------------------------------------------------------------------------

    def decoded_to_relay_ms(self) -> list[float]:
        return [(timing["opened_ns"] - timing["decoded_ns"]) / NS_PER_MS for timing in self._timings()]

    def readable_to_relay_ms(self, script: Script, readable: dict[str, int]) -> list[float]:
        """From the presentation's first readable frame (``readable``: name -> frame) to the closed relay contact."""
        decisions = {event["id"]: event["data"] for event in self.of("decision")}
        waits = []
        for passage in self.of("passage"):
            decision, timing = decisions[passage["data"]["decision"]], passage["data"].get("timing", {})
            row = script.shown_at(decision["frame"])
            if row and row.name in readable and timing.get("opened_ns"):
                ahead_ns = (decision["frame"] - readable[row.name]) / script.frames_per_s * NS
                waits.append((timing["opened_ns"] - decision["frame_ns"] + ahead_ns) / NS_PER_MS)
        return waits

    def _timings(self) -> list[dict[str, int]]:
        return [timing for event in self.of("passage") if (timing := event["data"].get("timing", {})).get("opened_ns")]


def percentiles(values: list[float]) -> tuple[float, float, float]:
    """p50, p95, p99; of few values the highest stands for the tail."""
    if len(values) < 2:
        return (values[0],) * 3 if values else (0.0, 0.0, 0.0)
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


def _words(event: Event) -> str:
    return f"{'admitted' if event['data']['admit'] else 'refused'} {event['data']['reason']}"
