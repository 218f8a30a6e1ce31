"""The uplink's word on its session with the broker: handed on at once, and once a second where it says it more often.

Whoever has captured the uplink says it as fast as the link is. Each word without a session is answered by a head that is signed for it,
and each change is told to all who go by it.
"""

from __future__ import annotations

from collections.abc import Callable

from device.clock import NS
from device.links import BrokerState

APART_NS = NS


class SessionWord:
    def __init__(self, hand_on: Callable[[BrokerState], None]) -> None:
        self._hand_on = hand_on
        self._handed_ns: int | None = None
        self._waiting: BrokerState | None = None

    def take(self, word: BrokerState, now_ns: int) -> None:
        """The latest counts: one that waits makes way. Raises whatever ``hand_on`` raises."""
        self._waiting = word
        self.look(now_ns)

    def look(self, now_ns: int) -> None:
        """Once a turn."""
        if self._waiting is None or (self._handed_ns is not None and now_ns - self._handed_ns < APART_NS):
            return
        word, self._waiting, self._handed_ns = self._waiting, None, now_ns
        self._hand_on(word)

    def forget(self) -> None:
        """Whoever said it is gone."""
        self._waiting = None
