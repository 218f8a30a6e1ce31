"""Refusals have a budget, so that a phone full of junk cannot fill the store; admissions have none."""

from __future__ import annotations

from dataclasses import dataclass

from device.admission.folded import FoldedCounts
from device.domain import Reason

MINUTE_NS = 60_000_000_000
SINGLY_A_MINUTE = 30


@dataclass(slots=True)
class RefusalBudget(FoldedCounts[Reason]):
    """Up to 30 refusals a minute are recorded singly; the rest of that minute becomes one counted record."""

    singly: int = SINGLY_A_MINUTE
    period_ns: int = MINUTE_NS

    def allows(self, reason: Reason, now_ns: int) -> bool:
        """May this refusal be recorded by itself? If not, it is counted for the minute's record."""
        return not self.folds(reason, now_ns)
