"""When the gate asks the recorder what time it is: as soon as there is a broker, then from time to time, more often while nobody knows."""

from __future__ import annotations

from collections.abc import Callable

from device.clock import NS
from device.commands import signed_time
from device.commands.challenges import Challenges
from device.commands.signed_time import Question
from device.domain import ClockTrust, Instant

TOPIC = "request/time"
EVERY_NS = 6 * 3600 * NS
"""A monotonic clock may be 100 ppm wrong: 2 s by then."""
AGAIN_NS = 15 * 60 * NS
"""Where the answer made no date believable."""
SOON_NS = 60 * NS
"""Where nobody has answered, for the question or the answer may have been lost on the way; then twice as long each time, up to ``AGAIN_NS``."""


class TimeAsking:
    def __init__(
        self, challenges: Challenges, say: Callable[[str, bytes], object], *, gate: str, boot: str, now: Callable[[], Instant], there_is_one: bool
    ) -> None:
        """``there_is_one``: a recorder whose word counts. ``say`` publishes below the gate's topics, or drops it."""
        self._challenges = challenges
        self._say = say
        self._gate = gate
        self._boot = boot
        self._now = now
        self._there_is_one = there_is_one
        self._connected = False
        self._asked_ns: int | None = None
        self._answered = False
        self._patience_ns = SOON_NS

    def broker(self, *, connected: bool) -> None:
        """There is a session with the broker now, or none."""
        if connected and not self._connected and not self._answered:
            self._asked_ns = None  # what was asked before may have reached nobody
        self._connected = connected

    def answered(self) -> None:
        """The time has come, and was taken."""
        self._answered = True

    def look(self, now_ns: int) -> None:
        if not (self._connected and self._there_is_one and self._is_due(now_ns)):
            return
        challenge = self._challenges.give_own(now_ns, lifetime_s=signed_time.WITHIN_S)
        unheard = self._asked_ns is not None and not self._answered
        self._patience_ns = min(2 * self._patience_ns, AGAIN_NS) if unheard else SOON_NS
        self._asked_ns, self._answered = now_ns, False
        self._say(TOPIC, signed_time.encode(Question(self._gate, self._boot, challenge)))

    def _is_due(self, now_ns: int) -> bool:
        return self._asked_ns is None or now_ns - self._asked_ns >= self._wait_ns()

    def _wait_ns(self) -> int:
        if self._answered:
            return EVERY_NS if self._now().trust is ClockTrust.TRUSTED else AGAIN_NS
        return self._patience_ns
