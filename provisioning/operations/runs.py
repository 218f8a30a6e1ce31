"""Which sequences of one epoch are there, as unbroken runs, and whether the hash chain holds where two of them meet. Pure.

A run knows the hash that its first event names as the one before it, and the hash that the event after its last must name. So the
chain is checked at every place where both neighbours are there, in whatever order they came, and a million events cost two numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]
"""First and last sequence, both included."""


@dataclass(slots=True)
class Run:
    """Events ``first`` to ``last``. A hash that nobody knows is ``None`` and contradicts nothing."""

    first: int
    last: int
    before: bytes | None
    link: bytes | None


class Runs:
    """The runs of one epoch of one gate. ``changed`` and ``removed`` (both by ``first``) are what has to be written down."""

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._runs = sorted(runs, key=lambda run: run.first)
        self.changed: dict[int, Run] = {}
        self.removed: set[int] = set()

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs)

    @property
    def last(self) -> int:
        """The highest sequence that is there; 0 where there is none."""
        return self._runs[-1].last if self._runs else 0

    def add(self, sequence: int, *, before: bytes | None, link: bytes) -> bool:
        """Put in one event that was not there. ``before`` is the hash it names, ``link`` the one that its successor must name.

        Returns whether both agree with the neighbours that are there.
        """
        at = self._at(sequence)
        left = self._runs[at] if at >= 0 and self._runs[at].last == sequence - 1 else None
        right = self._runs[at + 1] if at + 1 < len(self._runs) and self._runs[at + 1].first == sequence + 1 else None
        sound = _agree(left.link if left else None, before) and _agree(link, right.before if right else None)
        if left is None:
            left = Run(sequence, sequence, before, link)
            self._runs.insert(at + 1, left)
        left.last, left.link = sequence, link
        if right is not None:
            left.last, left.link = right.last, right.link
            self._runs.remove(right)
            self.changed.pop(right.first, None)
            self.removed.add(right.first)
        self.changed[left.first] = left
        self.removed.discard(left.first)
        return sound

    def missing(self, settled: Iterable[Range] = ()) -> Iterator[Range]:
        """The ranges below the highest sequence that are neither there nor ``settled``, in order."""
        due = 1
        for first, last in sorted([*((run.first, run.last) for run in self._runs), *((first, min(last, self.last)) for first, last in settled)]):
            if due < first:
                yield due, first - 1
            due = max(due, last + 1)

    def _at(self, sequence: int) -> int:
        """The place of the last run that begins at or before ``sequence``; -1 where none does."""
        return bisect_right(self._runs, sequence, key=lambda run: run.first) - 1


def _agree(one: bytes | None, other: bytes | None) -> bool:
    return one is None or other is None or one == other
