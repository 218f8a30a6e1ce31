"""What is safe and not yet confirmed. It is put into words only when it can be sent, so what comes meanwhile joins it. Pure.

A fleet that sends faster than it can be answered one by one gets fewer and longer confirmations, not later ones without end.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable

from device.events.confirmation import RANGE_MAX, Confirmation
from device.events.topics import Topics
from provisioning.operations.arrivals import Arrival


class Confirming:
    """Two devices with one identity never stand in one confirmation, for their boots differ: each learns what of its own is safe."""

    def __init__(self) -> None:
        self._hashes: OrderedDict[tuple[Topics, str, str], dict[int, bytes]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """Events that wait."""
        return self._count

    def add(self, safe: Iterable[Arrival]) -> None:
        for each in safe:
            hashes = self._hashes.setdefault((each.topics, each.epoch, each.boot), {})
            self._count += each.sequence not in hashes
            hashes[each.sequence] = each.hash

    def next(self) -> tuple[str, Confirmation] | None:
        """Topic and confirmation of the first unbroken run of whoever has waited longest; ``None`` where nobody waits."""
        if not self._hashes:
            return None
        place, hashes = next(iter(self._hashes.items()))
        first = last = min(hashes)
        while last + 1 in hashes and last + 1 - first < RANGE_MAX:
            last += 1
        digest = hashlib.sha256(b"".join(hashes.pop(sequence) for sequence in range(first, last + 1))).digest()
        self._count -= last + 1 - first
        if not hashes:
            del self._hashes[place]
        topics, epoch, _ = place
        return topics.confirmation, Confirmation(topics.gate, epoch, first, last, digest)
