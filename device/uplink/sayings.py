"""What the gate says once: an answer to an order, a question for the time. A short queue.

Nothing here is an event: what an order did is recorded by the gate, and delivered like all that is recorded. So a saying
that the broker refuses is dropped, as is one that was under way when a session ended.
"""

from __future__ import annotations

from collections import deque

from device.uplink.actions import Tell
from device.uplink.backoff import Backoff
from device.uplink.word import Word

WAITING_MAX = 64
"""A megabyte at most. More than the challenges that a gate gives at once (``commands/challenges.py``): who floods it with questions
must not push the answer to an order out of the way.
"""


class Sayings(Word):
    def __init__(self, backoff: Backoff, *, answer_within_ns: int, lingers_ns: int = 0) -> None:
        super().__init__("answers", backoff, answer_within_ns=answer_within_ns, lingers_ns=lingers_ns)
        self._waiting: deque[Tell] = deque(maxlen=WAITING_MAX)

    def put(self, topic: str, body: bytes) -> bool:
        """False where the oldest had to give way."""
        full = len(self._waiting) == WAITING_MAX
        self._waiting.append(Tell(topic, body, retained=False))
        return not full

    def forget(self) -> None:
        self._waiting.clear()

    def session_began(self) -> None:
        """What waits is said in it."""

    def _first(self) -> Tell | None:
        return self._waiting[0] if self._waiting else None

    def _taken(self, _tell: Tell) -> None:
        self._waiting.popleft()
