"""What a policy that is not yet in force would decide, counted by the hour: a province sees whom it would refuse before it does."""

from __future__ import annotations

from dataclasses import dataclass

from device.admission.folded import FoldedCounts
from device.domain import Decision, Direction, Reason

HOUR_NS = 3600 * 1_000_000_000


@dataclass(slots=True)
class ShadowCount(FoldedCounts[Reason]):
    """Of those who were let in, how many the shadow policy would have let in or refused, by its reason. An hour begins with its first."""

    singly: int = 0
    period_ns: int = HOUR_NS

    def count(self, decided: Decision, shadow: Decision, now_ns: int) -> None:
        """Whoever leaves is let out by every policy, and whoever is refused already says nothing about the next one."""
        if decided.admit and decided.direction is Direction.ENTRY:
            self.folds(shadow.reason, now_ns)
