"""Events that the broker refused for good. The gate keeps them and gives them again, but sending them again helps nobody.

Over all connections, because some brokers hang up at such an event: sent again at each connection, it would block all
others for ever. After an hour it is tried once more, if the gate still gives it: somebody may have mended the broker's access list.
"""

from __future__ import annotations

from device.domain import StoredEvent

NS = 1_000_000_000
RESTS_NS = 3600 * NS
MOST = 1000  # beyond it the oldest is forgotten, and so tried again; the gate makes voids of a hundred (``voids.py``)


class Refusals:
    """Times are monotonic nanoseconds."""

    def __init__(self) -> None:
        self._refused: dict[int, tuple[StoredEvent, int]] = {}  # by sequence, oldest first

    def add(self, event: StoredEvent, now_ns: int) -> None:
        self._refused.pop(event.sequence, None)
        self._refused[event.sequence] = (event, now_ns)
        if len(self._refused) > MOST:
            self._refused.pop(next(iter(self._refused)))

    def hold(self, event: StoredEvent, now_ns: int) -> bool:
        """Whether exactly this event, byte for byte, was refused within the hour; what replaces it is another."""
        refused, since_ns = self._refused.get(event.sequence, (None, 0))
        return refused == event and now_ns - since_ns < RESTS_NS
