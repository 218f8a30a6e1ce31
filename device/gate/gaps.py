"""What is missing among numbers that come in order, in a bounded number of ranges."""

from __future__ import annotations

from collections.abc import Iterable

GAPS_MAX = 100
"""Ranges, each a signed event. Beyond that the last one covers what is left: what it covers and was saved all the same has come by then."""


class Gaps:
    def __init__(self) -> None:
        self._gaps: list[tuple[int, int]] = []
        self._next = 1

    def add(self, numbers: Iterable[int]) -> None:
        """These are there; numbers are higher from one to the next."""
        for number in numbers:
            if number > self._next:
                self._gaps.append((self._next, number - 1))
                if len(self._gaps) > GAPS_MAX:
                    (first, _), (_, last) = self._gaps[-2:]
                    self._gaps[-2:] = [(first, last)]
            self._next = number + 1

    def until(self, last: int) -> list[tuple[int, int]]:
        """All that is missing from 1 to ``last``."""
        end = [(self._next, last)] if self._next <= last else []
        return self._gaps + end
