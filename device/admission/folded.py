"""Counts by what is counted, folded into one record a period: what comes too often to be recorded one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

What = TypeVar("What", bound=Hashable)


@dataclass(slots=True)
class FoldedCounts(Generic[What]):
    """The first ``singly`` of a period stand by themselves, the rest is counted. A period begins with its first."""

    singly: int
    period_ns: int
    _began_ns: int | None = None
    _stood: int = 0
    _running: Counter[What] = field(default_factory=Counter)
    _over: Counter[What] = field(default_factory=Counter)

    def folds(self, what: What, now_ns: int, times: int = 1) -> bool:
        """Is this one only counted, as so many? If not, it stands by itself and is not counted."""
        self._turn(now_ns)
        if self._began_ns is None:
            self._began_ns = now_ns
        if self._stood < self.singly:
            self._stood += 1
            return False
        self._running[what] += times
        return True

    def due(self, now_ns: int) -> dict[What, int]:
        """The counts of periods that are over, or an empty dict. ``settle`` forgets them once they are recorded."""
        self._turn(now_ns)
        return dict(self._over)

    def settle(self, recorded: dict[What, int]) -> None:
        self._over -= Counter(recorded)

    def _turn(self, now_ns: int) -> None:
        """End a period that is over, before the next one's first is counted."""
        if self._began_ns is not None and now_ns - self._began_ns >= self.period_ns:
            self._began_ns, self._stood = None, 0
            self._over += self._running
            self._running.clear()
