"""What the gate looks after by itself, once a second: clock, lists, disk, broker, and the note that it is alive."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from device.admission.lists import ListKind
from device.admission.policy import Mode, Policy
from device.clock import NS
from device.degraded import Trouble
from device.domain import ClockTrust, Instant
from device.gate.alive import Alive
from device.gate.condition import Condition

EVERY_NS = NS
NEARLY_FULL_BYTES = 128 * 1024 * 1024
"""Four times what the store keeps free for letting delivered events go: days of a busy gate."""

BROKER_AWAY_NS = 60 * NS
"""A broker that is restarted, or a cell that is changed, is no trouble yet."""


class Lists(Protocol):
    def stale(self, now: Instant) -> frozenset[ListKind]:
        """The lists that are missing, or older than they may be."""


def free_bytes(folder: Path) -> int:
    """What is free on the disk of ``folder``; nothing, where that cannot even be asked."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


class Rounds:
    def __init__(  # noqa: PLR0913 - the composition root hands everything in, once
        self,
        condition: Condition,
        *,
        state: Path,
        alive: Alive,
        lists: Lists,
        now: Callable[[], Instant],
        policy: Callable[[], Policy],
        clock_matters: bool,
        free_bytes: Callable[[Path], int] = free_bytes,
    ) -> None:
        """``clock_matters``: something is to vouch for the date here. A gate without a clock, by its settings, is in no trouble."""
        self._condition = condition
        self._state = state
        self._alive = alive
        self._lists = lists
        self._now = now
        self._policy = policy
        self._clock_matters = clock_matters
        self._free_bytes = free_bytes
        self._looked_ns: int | None = None
        self._broker_lost_ns: int | None = None
        self._broker_was_there = False

    def broker(self, now_ns: int, *, connected: bool) -> None:
        """The uplink tells of its session with the broker, or is gone itself."""
        self._broker_was_there = connected
        self._broker_lost_ns = None if connected else (self._broker_lost_ns if self._broker_lost_ns is not None else now_ns)

    def look(self, now_ns: int) -> None:
        if self._looked_ns is not None and now_ns - self._looked_ns < EVERY_NS:
            return
        if self._looked_ns is None and not self._broker_was_there and self._broker_lost_ns is None:
            self._broker_lost_ns = now_ns
        self._looked_ns = now_ns
        now = self._now()
        self._alive.look(now, now_ns)
        self._condition.set(Trouble.CLOCK_UNTRUSTED, on=self._clock_matters and now.trust is not ClockTrust.TRUSTED)
        stale = sorted(_needed(self._policy()) & self._lists.stale(now))
        self._condition.set(Trouble.LISTS_STALE, on=bool(stale), about=", ".join(stale))
        self._condition.set(Trouble.DISK_NEARLY_FULL, on=self._free_bytes(self._state) < NEARLY_FULL_BYTES)
        lost_ns = self._broker_lost_ns
        self._condition.set(Trouble.BROKER_AWAY, on=lost_ns is not None and now_ns - lost_ns >= BROKER_AWAY_NS)


def _needed(policy: Policy) -> frozenset[ListKind]:
    """The lists that ``policy`` goes by."""
    needed = set(policy.lists)
    if policy.mode is Mode.LIST:
        needed.add(ListKind.ALLOW)
    if policy.declaration is not None:
        needed.add(ListKind.DECLARED)
    if policy.roll_call:
        needed.add(ListKind.EXPECTED)
    return frozenset(needed)
