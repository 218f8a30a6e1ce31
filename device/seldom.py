"""A log that strangers cannot fill: of each kind of line a few at once, then one a minute, with the number of those that were left out.

A captured broker sends thousands of messages a second, refuses every event, or greets and hangs up again and again; and each line wears
the disk that the store lies on.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from device.clock import NS, monotonic_ns

AT_ONCE = 5
"""A change of causes is told whole: the connection broke, nobody is there, the certificate is not yet valid."""
APART_NS = 60 * NS


class Seldom:
    """``what`` in the methods is a text of this program, never a stranger's: it is the kind. They answer whether the line was written."""

    def __init__(self, log: logging.Logger, ticks: Callable[[], int] = monotonic_ns) -> None:
        self._log = log
        self._ticks = ticks
        self._paid_ns: dict[str, int] = {}  # until when the lines written so far would do, one each APART_NS
        self._left_out: Counter[str] = Counter()

    def info(self, what: str, *about: object) -> bool:
        return self._write(logging.INFO, what, about)

    def warning(self, what: str, *about: object) -> bool:
        return self._write(logging.WARNING, what, about)

    def error(self, what: str, *about: object) -> bool:
        return self._write(logging.ERROR, what, about)

    def _write(self, level: int, what: str, about: tuple[object, ...]) -> bool:
        now_ns = self._ticks()
        paid_ns = max(self._paid_ns.get(what, now_ns), now_ns)
        if paid_ns - now_ns > (AT_ONCE - 1) * APART_NS:
            self._left_out[what] += 1
            return False
        self._paid_ns[what] = paid_ns + APART_NS
        left_out = self._left_out.pop(what, 0)
        self._log.log(level, f"{what} (and %d more since)" if left_out else what, *about, *([left_out] if left_out else []))
        return True
