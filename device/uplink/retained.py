"""What the broker keeps for whoever subscribes later, such as the gate's health: one slot, and the newest wins.

A state that flutters must not flood the broker: a second lies between two words, and the last one of a flutter is always
said. One is under way at a time, so they arrive in order. Each connection hears it anew, after its birth message.
"""

from __future__ import annotations

from device.uplink.actions import Tell
from device.uplink.backoff import Backoff
from device.uplink.word import Word


class Retained(Word):
    def __init__(self, name: str, topic: str, backoff: Backoff, *, apart_ns: int, answer_within_ns: int, lingers_ns: int = 0) -> None:
        super().__init__(name, backoff, answer_within_ns=answer_within_ns, lingers_ns=lingers_ns)
        self._topic = topic
        self._apart_ns = apart_ns
        self._newest: bytes | None = None
        self._said: bytes | None = None  # in this session, answered or not
        self._refused: bytes | None = None

    def put(self, body: bytes) -> None:
        """The gate's newest word."""
        self._newest = body

    def forget(self) -> None:
        """What the gate had left to say is nobody's word any more, and a new one begins afresh."""
        self._newest = self._refused = None

    def session_began(self) -> None:
        self._said = None

    def sent(self, mid: int, now_ns: int) -> None:
        super().sent(mid, now_ns)
        self._earliest_ns = now_ns + self._apart_ns

    def acknowledged(self, now_ns: int) -> None:
        super().acknowledged(now_ns)
        self._refused = None

    def refused(self, now_ns: int) -> None:
        """Forgotten, over all connections, until the gate says another."""
        self._refused = self._said
        super().refused(now_ns)

    def postponed(self, now_ns: int) -> None:
        """The newest is tried then."""
        super().postponed(now_ns)
        self._said = None

    def _first(self) -> Tell | None:
        if self._newest is None or self._newest in (self._said, self._refused):
            return None
        return Tell(self._topic, self._newest, retained=True)

    def _taken(self, tell: Tell) -> None:
        self._said = tell.body
