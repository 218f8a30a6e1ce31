"""Roll-call at a quarantine site: who has reported is kept for some days, and at each hour it is told who has not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from device.admission import roll_call
from device.admission.lists import ListKind
from device.admission.policy import Policy
from device.clock import NS
from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreError
from device.gate.province import Tell
from device.gate.store import Store

log = logging.getLogger("qrgate.gate")

LOOK_NS = 20 * NS
EXPECTED_MAX = 20_000
"""People that one quarantine site holds, at most. Where the list says more, the roll-call is ``cut`` and an alarm."""
NAMED_MAX = 200
"""Of the missing, so many are named in one alarm by their entries in the list; the number is always whole."""
CLOCK_NS = 3600 * NS


class Expected(Protocol):
    """The list of who is expected (``lists.py``)."""

    def must_stay(self) -> Iterator[bytes]:
        """The entries of those who must stay."""

    def stale(self, now: Instant) -> frozenset[ListKind]:
        """The lists that are missing, or older than they may be."""


class RollCall:
    def __init__(self, store: Store, expected: Expected, *, now: Callable[[], Instant], tell: Tell) -> None:
        self._store = store
        self._expected = expected
        self._now = now
        self._tell = tell
        self._looked_ns: int | None = None
        self._blind_since_ns: int | None = None
        self._blind_told = False
        self._told_until: datetime | None = None  # also where the store could not keep it: a window is told once

    def look(self, policy: Policy, now_ns: int) -> None:
        """Judge the windows that have closed since the last look, and tell who is missing."""
        if not policy.roll_call or (self._looked_ns is not None and now_ns - self._looked_ns < LOOK_NS):
            return
        self._looked_ns, now = now_ns, self._now()
        if self._is_blind(now, now_ns):
            return
        try:
            with self._store.roll_calls() as reports:
                since = reports.judged()
                windows = [(window, reports.between(window.opens, window.closes)) for window in roll_call.due(policy.roll_call, since, now)]
            if since is not None and not windows:
                return
            for window, reported in windows:
                if self._told_until is None or window.closes > self._told_until:
                    self._judge(window, reported, now)
                    self._told_until = window.closes
            with self._store.transaction() as writing:
                writing.reports.judge(now.utc)
        except StoreError as error:
            log.error("roll-call cannot be judged now: %s", error)

    def _is_blind(self, now: Instant, now_ns: int) -> bool:
        """Without a clock that may be believed no hour closes; that is told once an hour of it has passed."""
        if now.trust is ClockTrust.TRUSTED:
            self._blind_since_ns, self._blind_told = None, False
            return False
        if self._blind_since_ns is None:
            self._blind_since_ns = now_ns
        if not self._blind_told and now_ns - self._blind_since_ns >= CLOCK_NS:
            self._blind_told = True
            self._tell(EventType.ALARM, {"what": "roll_call_blind"})
        return True

    def _judge(self, window: roll_call.Window, reported: frozenset[bytes], now: Instant) -> None:
        expected = list(islice(self._expected.must_stay(), EXPECTED_MAX + 1))
        cut, expected = len(expected) > EXPECTED_MAX, expected[:EXPECTED_MAX]
        stale = ListKind.EXPECTED in self._expected.stale(now)
        missing = roll_call.missing(expected, reported)
        facts: dict[str, Any] = {
            "what": "roll_call",
            "closes": window.closes.isoformat(),
            "late": window.late,
            "expected": len(expected),
            "missing": len(missing),
        }
        if missing:
            facts["entries"] = [entry.hex() for entry in missing[:NAMED_MAX]]
        if stale:  # nobody may be missing only because nobody is expected any more
            facts["list_stale"] = True
        if cut:
            facts["cut"] = True
        self._tell(EventType.ALARM if missing or stale or cut else EventType.AUDIT, facts)
