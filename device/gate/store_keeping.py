"""What the store needs beside commits: checkpoints, an eye on how full it is, and an end to what has been kept long enough."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from device.admission.presence import Moment
from device.clock import NS
from device.degraded import Trouble
from device.domain import EventType, Instant
from device.errors import StoreDamagedError, StoreError
from device.gate.condition import Condition
from device.gate.keys import PseudonymKey
from device.gate.province import Tell
from device.gate.salvage import erase_set_aside
from device.gate.store import Store

log = logging.getLogger("qrgate.gate")

LOOK_NS = NS
RETENTION_NS = 60 * NS
EXPIRY_NS = 3600 * NS
"""What expires leaves a record of how much: one an hour."""

FILLING, NEARLY_FULL = 0.8, 0.9
"""Shares of the store's limits at which operators are told. From the second on what is telemetry only is not written (``limits.py``)."""


@dataclass(slots=True, kw_only=True)
class StoreKeeping:
    """One chore of the recording thread, once a turn. ``retention_days`` counts where nobody confirms (``has_recorder`` is false), and for
    damaged files that were set aside beside ``path``.
    """

    store: Store
    path: Path
    condition: Condition
    pseudonyms: PseudonymKey
    now: Callable[[], Moment]
    has_recorder: bool
    retention_days: int
    tell: Tell
    _looked_ns: int | None = None
    _retained_ns: int | None = None
    _expired_ns: int | None = None
    _failed: bool = False

    def look(self, now_ns: int) -> None:
        """Raises StoreDamagedError: the process must end, and its start sets the file aside. A disk that will not do waits for the next turn."""
        try:
            self.store.tidy(now_ns)
            if self._looked_ns is None or now_ns - self._looked_ns >= LOOK_NS:
                self._looked_ns = now_ns
                self._tell_fill()
            if self._retained_ns is None or now_ns - self._retained_ns >= RETENTION_NS:
                self._retain()
                self._retained_ns = now_ns
            if not self.has_recorder and (self._expired_ns is None or now_ns - self._expired_ns >= EXPIRY_NS):
                self._expired_ns = None if self._expire() else now_ns  # the rest with the next turn
            self._failed = False
        except StoreDamagedError:
            raise
        except StoreError as error:
            if not self._failed:
                log.error("the store could not be looked after, it is tried again: %s", error)
            self._failed = True

    def outbox(self) -> dict[str, Any]:
        """What waits for its confirmation: how many events, and since when the first of them; nothing where the store cannot be asked."""
        try:
            oldest = self.store.oldest_waiting()
            since = {"since": oldest.isoformat(timespec="seconds").replace("+00:00", "Z")} if oldest is not None else {}
            return {"waiting": self.store.unconfirmed(), "full_percent": round(100 * self.store.fill().share)} | since
        except StoreError:
            return {}

    def _tell_fill(self) -> None:
        share = self.store.fill().share
        self.condition.set(Trouble.STORE_FILLING, on=FILLING <= share < NEARLY_FULL)
        self.condition.set(Trouble.STORE_NEARLY_FULL, on=share >= NEARLY_FULL)

    def _retain(self) -> None:
        now = self.now()
        self.pseudonyms.today(now.instant)  # at midnight yesterday's key is destroyed, whether or not somebody comes
        for alarm in self.pseudonyms.alarms():
            self.tell(EventType.ALARM, alarm)
        if not self.has_recorder:
            self.store.expire_originals(now, self.retention_days)
        erase_set_aside(self.path, now.instant, self.retention_days)

    def _expire(self) -> int:
        now = self.now().instant
        before = Instant(now.utc - timedelta(days=self.retention_days), now.trust)
        return self.store.expire(before, now)
