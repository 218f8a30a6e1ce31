"""What a lab program says: `ok` and `FAILED` lines, and whether anything failed."""

from __future__ import annotations


class Report:
    def __init__(self) -> None:
        self.failed = 0

    @property
    def status(self) -> int:
        return min(self.failed, 1)

    def check(self, what: str, expected: object, actual: object) -> bool:
        return self._say(what if expected == actual else f"{what}: expected {expected!r}, found {actual!r}", holds=expected == actual)

    def at_most(self, what: str, limit: float, actual: float) -> bool:
        return self._say(f"{what}: {actual:.3g} (at most {limit:g})", holds=actual <= limit)

    def _say(self, what: str, *, holds: bool) -> bool:
        self.failed += not holds
        print(f"{'ok    ' if holds else 'FAILED'} {what}", flush=True)
        return holds
