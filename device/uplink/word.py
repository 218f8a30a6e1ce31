"""What this gate says beside its events: one word at a time is under way, and events never wait for it.

Some brokers hang up at what they do not allow, and a word that is said again with each connection would end each of them, before
an event got out. So after one that was refused, or that may be why a session ended, the next try waits, longer each time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from device.clock import NS
from device.uplink.actions import Stuck, Tell, Wait
from device.uplink.backoff import Backoff


class Word(ABC):
    """Times are monotonic nanoseconds; ``mid`` is the MQTT packet identifier of the word under way, or ``None``."""

    def __init__(self, name: str, backoff: Backoff, *, answer_within_ns: int, lingers_ns: int) -> None:
        """``name`` is what it is called in the log. ``lingers_ns``: a session that ends so soon after the broker took a word may
        have ended because of it (``culprit.py``).
        """
        self.name = name
        self.mid: int | None = None
        self.was_refused = False
        self._backoff = backoff
        self._answer_within_ns = answer_within_ns
        self._lingers_ns = lingers_ns
        self._sent_ns = 0
        self._answered_ns: int | None = None
        self._earliest_ns = 0

    # --- what happened -----------------------------------------------------------------------------------------

    @abstractmethod
    def forget(self) -> None:
        """The gate that said it is gone."""

    @abstractmethod
    def session_began(self) -> None: ...

    def session_ended(self, now_ns: int) -> None:
        if self.may_be_why(now_ns):
            self.postponed(now_ns)

    def sent(self, mid: int, now_ns: int) -> None:
        """What ``next`` said to tell is on its way."""
        self.mid, self._sent_ns = mid, now_ns

    def acknowledged(self, now_ns: int) -> None:
        self.mid, self._answered_ns = None, now_ns
        self.was_refused = False

    def refused(self, now_ns: int) -> None:
        """The broker will never take it."""
        self.was_refused = True
        self.postponed(now_ns)

    def postponed(self, now_ns: int) -> None:
        """The broker did not take it, and may take another later."""
        self.mid = self._answered_ns = None
        self._earliest_ns = max(self._earliest_ns, now_ns + int(self._backoff.wait_s() * NS))

    @property
    def under_way(self) -> bool:
        return self.mid is not None

    def may_be_why(self, now_ns: int) -> bool:
        """Whether the broker may have ended the session because of it."""
        return self.under_way or self._lingers(now_ns)

    # --- what to do --------------------------------------------------------------------------------------------

    def next(self, now_ns: int, room: int) -> Tell | Stuck | Wait:
        """What to do now, with ``room`` publishes left in the window. Tell must be followed by ``sent`` or ``refused``."""
        if self.under_way:
            waited_ns = now_ns - self._sent_ns
            return Stuck(waited_ns) if waited_ns >= self._answer_within_ns else Wait(self._sent_ns + self._answer_within_ns)
        tell = self._first()
        if tell is None:
            return Wait(None)
        if now_ns < self._earliest_ns:
            return Wait(self._earliest_ns)
        if room <= 0:
            return Wait(None)  # the answer that makes room wakes the loop
        if self._answered_ns is not None and not self._lingers(now_ns):
            self._backoff.reset()
        self._taken(tell)
        return tell

    def _lingers(self, now_ns: int) -> bool:
        return self._answered_ns is not None and now_ns - self._answered_ns < self._lingers_ns

    @abstractmethod
    def _first(self) -> Tell | None:
        """What there is to tell, if anything."""

    @abstractmethod
    def _taken(self, tell: Tell) -> None:
        """``tell``, which was the first, is said now."""
