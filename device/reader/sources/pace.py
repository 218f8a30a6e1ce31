"""Wait for the moment of a frame, never longer than allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from device.clock import NS, monotonic_ns


@dataclass(frozen=True, slots=True)
class Pace:
    """A clock and a way to wait on it. A test passes its own pair, so that no test sleeps."""

    clock: Callable[[], int] = monotonic_ns
    sleep: Callable[[float], None] = time.sleep

    def reach(self, due_ns: int, timeout_s: float) -> bool:
        """Wait until ``due_ns``, but at most ``timeout_s``; is it reached?"""
        wait_s = (due_ns - self.clock()) / NS
        if wait_s > 0:
            self.sleep(min(wait_s, timeout_s))
        return wait_s <= timeout_s


REAL_PACE = Pace()
