"""What is safe and not yet confirmed. It is put into words only when it can be sent, so what comes meanwhile joins it. Pure.

A fleet that sends faster than it can be answered one by one gets fewer and longer confirmations, not later ones without end.
Gates take turns, one confirmation each: whoever has many gaps waits for his own, and nobody else does.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from device.events.confirmation import RANGE_MAX, Confirmation
from device.events.topics import Topics
from provisioning.operations.arrivals import Arrival

GATE_MAX = 2000
"""Events of one gate that wait: a tenth of what stops the recorder from taking more (``intake.py``), and ten windows of the broker."""

Place = tuple[Topics, str, str]
"""With epoch and boot."""


@dataclass(slots=True)
class _Gate:
    """Hashes by sequence. Its epochs and boots take turns, too."""

    places: OrderedDict[Place, dict[int, bytes]] = field(default_factory=OrderedDict)
    count: int = 0


class Confirming:
    """Two devices with one identity never stand in one confirmation, for their boots differ: each learns what of its own is safe."""

    def __init__(self) -> None:
        self._gates: OrderedDict[str, _Gate] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """Events that wait."""
        return self._count

    def add(self, safe: Iterable[Arrival]) -> int:
        """How many found no room. Their gates send them again, as all that nobody has confirmed."""
        return sum(not self._put(each) for each in safe)

    def next(self) -> tuple[str, Confirmation] | None:
        """Topic and confirmation of the first unbroken run of the gate whose turn it is; ``None`` where nobody waits."""
        if not self._gates:
            return None
        name, gate = self._gates.popitem(last=False)
        place, hashes = gate.places.popitem(last=False)
        first = last = min(hashes)
        while last + 1 in hashes and last + 1 - first < RANGE_MAX:
            last += 1
        digest = hashlib.sha256(b"".join(hashes.pop(sequence) for sequence in range(first, last + 1))).digest()
        self._count -= last + 1 - first
        gate.count -= last + 1 - first
        if hashes:
            gate.places[place] = hashes
        if gate.places:
            self._gates[name] = gate
        topics, epoch, _ = place
        return topics.confirmation, Confirmation(topics.gate, epoch, first, last, digest)

    def _put(self, each: Arrival) -> bool:
        gate = self._gates.setdefault(each.topics.gate, _Gate())
        place = (each.topics, each.epoch, each.boot)
        is_new = each.sequence not in gate.places.get(place, {})
        if is_new and gate.count >= GATE_MAX:
            return False
        gate.places.setdefault(place, {})[each.sequence] = each.hash
        self._count += is_new
        gate.count += is_new
        return True
