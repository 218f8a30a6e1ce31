"""What a policy that is not yet in force would decide, counted by the hour: a province sees whom it would refuse before it does."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from device.domain import Decision, Direction, Reason

HOUR_NS = 3600 * 1_000_000_000


@dataclass(slots=True)
class ShadowCount:
    """Of those who were let in, how many the shadow policy would have let in or refused, by its reason. An hour begins with its first."""

    _hour_began_ns: int | None = None
    _running: Counter[Reason] = field(default_factory=Counter)
    _over: Counter[Reason] = field(default_factory=Counter)

    def count(self, decided: Decision, shadow: Decision, now_ns: int) -> None:
        """Whoever leaves is let out by every policy, and whoever is refused already says nothing about the next one."""
        self._turn(now_ns)
        if not decided.admit or decided.direction is not Direction.ENTRY:
            return
        if self._hour_began_ns is None:
            self._hour_began_ns = now_ns
        self._running[shadow.reason] += 1

    def due(self, now_ns: int) -> dict[Reason, int]:
        """The counts of hours that are over, or an empty dict. ``settle`` forgets them once they are recorded."""
        self._turn(now_ns)
        return dict(self._over)

    def settle(self, recorded: dict[Reason, int]) -> None:
        self._over -= Counter(recorded)

    def _turn(self, now_ns: int) -> None:
        if self._hour_began_ns is not None and now_ns - self._hour_began_ns >= HOUR_NS:
            self._hour_began_ns = None
            self._over += self._running
            self._running.clear()
