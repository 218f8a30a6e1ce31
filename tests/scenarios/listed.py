"""The province's lists of a story, in memory: the one place where the gate's own lists (``device/gate/lists.py``) take over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce

from device.admission.lists import HASH_BYTES, MUST_STAY, OF_SEVERAL, ListKind
from device.domain import Instant


class StoryLists:
    """What one gate has of the lists. A list that never came is missing, and so is stale."""

    def __init__(self) -> None:
        self._entries: dict[ListKind, dict[bytes, int]] = {}
        self._old: set[ListKind] = set()

    # --- as device.gate.recall.Lists ---------------------------------------------------------------------------

    def look_up(self, names: Iterable[bytes]) -> Mapping[ListKind, int]:
        names = list(names)
        values = {kind: [entries[name] for name in names if name in entries] for kind, entries in self._entries.items()}
        return {kind: reduce(OF_SEVERAL[kind], found) for kind, found in values.items() if found}

    def stale(self, now: Instant) -> frozenset[ListKind]:  # noqa: ARG002 - a story says itself when a list has become old
        return frozenset(ListKind) - self._entries.keys() | self._old

    def expected(self, names: Iterable[bytes]) -> bytes | None:
        entries = self._entries.get(ListKind.EXPECTED, {})
        return next((_entry(name) for name in names if name in entries), None)

    def must_stay(self) -> Iterator[bytes]:
        return (_entry(name) for name, value in self._entries.get(ListKind.EXPECTED, {}).items() if value == MUST_STAY)

    # --- the story ---------------------------------------------------------------------------------------------

    def arrives(self, kind: ListKind, entries: Mapping[bytes, int]) -> None:
        self._entries[kind] = dict(entries)
        self._old.discard(kind)

    def grows_old(self, kind: ListKind) -> None:
        self._old.add(kind)


def _entry(name: bytes) -> bytes:
    """An entry names nobody, as in the real lists."""
    return hashlib.sha256(name).digest()[:HASH_BYTES]
