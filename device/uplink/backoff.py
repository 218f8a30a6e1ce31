"""Full-jitter back-off: thousands of gates that lost one broker must not come back in step."""

from __future__ import annotations

import random
from collections.abc import Callable

LASTED_S = 1.0
"""A session must have lasted this long, or longer than the ceiling of the waits, to count as a success: a broker that
accepts and then hangs up at once is not asked again at the pace of the first attempt."""


_evenly = random.SystemRandom().random


class Backoff:
    """Waits drawn evenly from zero to a ceiling that doubles from ``first_s`` to ``most_s``."""

    def __init__(self, first_s: float, most_s: float, *, draw: Callable[[], float] = _evenly) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._draw = draw
        self._ceiling_s = first_s

    def wait_s(self) -> float:
        """The next wait, in seconds."""
        ceiling_s = self._ceiling_s
        self._ceiling_s = min(self._most_s, 2 * ceiling_s)
        return self._draw() * ceiling_s

    def lasted(self, duration_s: float) -> None:
        """A session lasted ``duration_s``: begin again with short waits if that was long enough."""
        if duration_s >= max(LASTED_S, self._ceiling_s):
            self.reset()

    def reset(self) -> None:
        self._ceiling_s = self._first_s
