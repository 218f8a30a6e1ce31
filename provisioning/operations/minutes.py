"""What the recorder's log says, and how seldom: one line a minute and kind, however much happens. Time is passed in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

REPORT_S = 60.0


@dataclass(slots=True)
class Tally:
    """What became of the messages since the start."""

    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    ignored: Counter[str] = field(default_factory=Counter)
    confirmations: int = 0

    def __str__(self) -> str:
        counts = [f"{self.stored} stored", f"{self.duplicates} duplicates", f"{self.conflicts} conflicts", f"{self.confirmations} confirmations"]
        return ", ".join([*counts, *(f"{count} ignored ({why})" for why, count in sorted(self.ignored.items()) if count)])


class Minutes:
    """What came since the last line of the log: one line a minute at most, none where nothing came."""

    def __init__(self, now_s: float) -> None:
        self._told_s = now_s
        self._told = (0, 0, 0)

    def line(self, tally: Tally, now_s: float) -> str:
        """The line that is due now, or an empty text."""
        if now_s - self._told_s < REPORT_S:
            return ""
        self._told_s = now_s
        counts = (tally.stored, tally.duplicates, tally.confirmations)
        stored, duplicates, confirmations = (now - before for now, before in zip(counts, self._told, strict=True))
        self._told = counts
        if not (stored or duplicates or confirmations):
            return ""
        return f"in the last minute: {stored} stored, {duplicates} duplicates, {confirmations} confirmations"


class Seldom:
    """The first of a kind is told at once, then one a minute, with how many were not. Kinds are a closed list of words."""

    def __init__(self) -> None:
        self._told_s: dict[str, float] = {}
        self._silent: Counter[str] = Counter()

    def line(self, kind: str, what: str, now_s: float) -> str:
        """``what`` if it is to be told now, or an empty text."""
        if kind in self._told_s and now_s - self._told_s[kind] < REPORT_S:
            self._silent[kind] += 1
            return ""
        self._told_s[kind] = now_s
        silent = self._silent.pop(kind, 0)
        return f"{what} (and {silent} more like it)" if silent else what
