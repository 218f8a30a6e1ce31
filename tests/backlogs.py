"""A backlog in a gate's store, as if nobody had confirmed anything for days."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from device.domain import ClockTrust, EventType, Instant
from device.gate.store import Store

BATCH = 1_000
"""Events in one commit: nobody waits for a relay here."""


def fill(path: Path, events: int, *, gate: str, boot: str) -> None:
    """Record decisions of ``events`` people in the store at ``path``, which is made where there is none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    now = Instant(datetime.now(UTC), ClockTrust.TRUSTED)
    with closing(Store(path, gate=gate, boot=boot)) as store:
        for begin in range(0, events, BATCH):
            with store.transaction() as writing:
                for number in range(begin, min(begin + BATCH, events)):
                    writing.append(EventType.DECISION, decision(number), subject=f"0badcafe-{number}", now=now)


def decision(number: int) -> dict[str, object]:
    return {
        "presentation": f"0badcafe-{number}",
        "direction": "entry",
        "admit": True,
        "reason": "admitted",
        "credential": "kd1",
        "proof": "signed",
        "person": f"{number:032x}",
        "frame": number,
        "frame_ns": number * 10**9,
        "decoded_ns": number * 10**9 + 10**7,
        "stage": "half",
    }
