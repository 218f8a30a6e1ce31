"""The gate's word about its own health on its way to the broker: one slot, and the newest wins.

A state that flutters must not flood the broker: a second lies between two words, and the last one of a flutter is always
said. One is under way at a time, so they arrive in order. Each connection hears it anew, after its birth message.

Events never wait for it. Some brokers hang up at what they do not allow (mosquitto 2.0.11 refuses and hangs up), and a
word that is said again with each connection would end each of them, before an event got out. So after one that was
refused, or unanswered when the session ended, the next try waits, longer each time.
"""

from __future__ import annotations

from dataclasses import dataclass

from device.uplink.backoff import Backoff
from device.uplink.drain import NS, Stuck, Wait


@dataclass(frozen=True, slots=True)
class Say:
    body: bytes


class HealthSlot:
    """Times are monotonic nanoseconds; ``mid`` is the MQTT packet identifier of the word under way, or ``None``."""

    def __init__(self, backoff: Backoff, *, apart_ns: int, answer_within_ns: int) -> None:
        self.mid: int | None = None
        self.was_refused = False
        self._backoff = backoff
        self._apart_ns = apart_ns
        self._answer_within_ns = answer_within_ns
        self._newest: bytes | None = None
        self._said: bytes | None = None  # in this session, answered or not
        self._refused: bytes | None = None
        self._sent_ns = 0
        self._earliest_ns = 0

    # --- what happened -----------------------------------------------------------------------------------------

    def put(self, body: bytes) -> None:
        """The gate's newest word."""
        self._newest = body

    def forget(self) -> None:
        """The gate that said it is gone: what it had left to say is nobody's word any more, and a new one begins afresh."""
        self._newest = self._refused = None

    def session_began(self) -> None:
        self._said = None

    def session_ended(self, now_ns: int) -> None:
        if self.under_way:
            self.postponed(now_ns)

    def sent(self, mid: int, now_ns: int) -> None:
        """What ``next`` said to say is on its way."""
        self.mid, self._sent_ns = mid, now_ns
        self._earliest_ns = now_ns + self._apart_ns

    def acknowledged(self) -> None:
        self.mid = self._refused = None
        self.was_refused = False
        self._backoff.reset()

    def refused(self, now_ns: int) -> None:
        """The broker will never take it: forgotten, over all connections, until the gate says another."""
        self._refused = self._said
        self.was_refused = True
        self.postponed(now_ns)

    def postponed(self, now_ns: int) -> None:
        """The broker did not take it, and may later: the newest is tried then."""
        self.mid = self._said = None
        self._earliest_ns = max(self._earliest_ns, now_ns + int(self._backoff.wait_s() * NS))

    @property
    def under_way(self) -> bool:
        return self.mid is not None

    # --- what to do --------------------------------------------------------------------------------------------

    def next(self, now_ns: int, room: int) -> Say | Stuck | Wait:
        """What to do now, with ``room`` publishes left in the window. Say must be followed by ``sent`` or ``refused``."""
        if self.under_way:
            waited_ns = now_ns - self._sent_ns
            return Stuck(waited_ns) if waited_ns >= self._answer_within_ns else Wait(self._sent_ns + self._answer_within_ns)
        if self._newest is None or self._newest in (self._said, self._refused):
            return Wait(None)
        if now_ns < self._earliest_ns:
            return Wait(self._earliest_ns)
        if room <= 0:
            return Wait(None)  # the answer that makes room wakes the loop
        self._said = self._newest
        return Say(self._newest)
