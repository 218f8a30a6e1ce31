"""A log that strangers cannot fill: what they cause is one line of a kind in ten seconds, and the number of those that were not written.

A captured broker or uplink sends thousands of messages a second, and each line wears the disk that the store is on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from device.clock import NS, monotonic_ns

APART_NS = 10 * NS


@dataclass(slots=True)
class Seldom:
    """``what`` in the methods is a text of this program, never a stranger's: it is the kind."""

    log: logging.Logger
    ticks: Callable[[], int] = monotonic_ns
    _told_ns: dict[str, int] = field(default_factory=dict)
    _left_out: dict[str, int] = field(default_factory=dict)

    def warning(self, what: str, *about: object) -> None:
        now_ns = self.ticks()
        if what in self._told_ns and now_ns - self._told_ns[what] < APART_NS:
            self._left_out[what] = self._left_out.get(what, 0) + 1
            return
        self._told_ns[what] = now_ns
        more = self._left_out.pop(what, 0)
        self.log.warning(f"{what} (and %d more since)" if more else what, *about, *([more] if more else []))
