"""Challenges: random bytes that this gate gave out in this very life, each good for one order and for a short time.

No clock can be trusted to tell how old an order is, so the gate counts itself, on the monotonic clock, from the moment it was
asked. Time is passed in.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from device.commands.judge import Refusal
from device.commands.order import CHALLENGE_BYTES, TOGETHER_WITHIN_S

NS = 1_000_000_000
OPEN_MAX = 16
"""Challenges open at a time. One more makes the oldest void: whoever asks in bad faith makes others ask again, and no more."""
A_MINUTE = 30
MINUTE_NS = 60 * NS


class Challenges:
    def __init__(self, random: Callable[[int], bytes]) -> None:
        """``random`` gives so many unguessable bytes."""
        self._random = random
        self._open: OrderedDict[bytes, tuple[int, int]] = OrderedDict()  # and when it was given, and until when it is good
        self._used: deque[bytes] = deque(maxlen=OPEN_MAX)
        self._given_ns: deque[int] = deque(maxlen=A_MINUTE)

    def give(self, now_ns: int, *, lifetime_s: int) -> bytes | None:
        """A fresh one, or ``None`` where too many were asked for within a minute."""
        if len(self._given_ns) == A_MINUTE and now_ns - self._given_ns[0] < MINUTE_NS:
            return None
        self._given_ns.append(now_ns)
        challenge = self._random(CHALLENGE_BYTES)
        self._open[challenge] = now_ns, now_ns + min(lifetime_s, TOGETHER_WITHIN_S) * NS
        while len(self._open) > OPEN_MAX:
            self._open.popitem(last=False)
        return challenge

    def redeem(self, challenge: bytes, now_ns: int, *, within_s: int) -> int | Refusal:
        """When it was given, if it is good now and no more than ``within_s`` old. It is good no more then, whatever the answer."""
        if challenge in self._used:
            return Refusal.REPLAYED
        if challenge not in self._open:
            return Refusal.UNKNOWN_CHALLENGE
        given_ns, until_ns = self._open.pop(challenge)
        self._used.append(challenge)
        return given_ns if now_ns <= min(until_ns, given_ns + within_s * NS) else Refusal.EXPIRED
