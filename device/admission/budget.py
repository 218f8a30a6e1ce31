"""Refusals have a budget, so that a phone full of junk cannot fill the store; admissions have none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from device.domain import Reason

MINUTE_NS = 60_000_000_000
SINGLY_A_MINUTE = 30


@dataclass(slots=True)
class RefusalBudget:
    """Up to 30 refusals a minute are recorded singly; the rest of that minute becomes one counted record."""

    singly_a_minute: int = SINGLY_A_MINUTE
    _minute_began_ns: int | None = None
    _singly: int = 0
    _folded: Counter[Reason] = field(default_factory=Counter)
    _over: Counter[Reason] = field(default_factory=Counter)

    def allows(self, reason: Reason, now_ns: int) -> bool:
        """May this refusal be recorded by itself? If not, it is counted for the minute's record."""
        self._turn(now_ns)
        if self._minute_began_ns is None:
            self._minute_began_ns = now_ns
        if self._singly < self.singly_a_minute:
            self._singly += 1
            return True
        self._folded[reason] += 1
        return False

    def due(self, now_ns: int) -> dict[Reason, int]:
        """The counts of a minute that is over, or an empty dict. ``settle`` forgets them once they are recorded."""
        self._turn(now_ns)
        return dict(self._over)

    def settle(self, recorded: dict[Reason, int]) -> None:
        self._over -= Counter(recorded)

    def _turn(self, now_ns: int) -> None:
        """End a minute that is over; the next one begins with its first refusal."""
        if self._minute_began_ns is not None and now_ns - self._minute_began_ns >= MINUTE_NS:
            self._minute_began_ns, self._singly = None, 0
            self._over += self._folded
            self._folded.clear()
