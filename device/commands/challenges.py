"""Challenges: random bytes that this gate gave out in this very life, each good for one order and for a short time.

No clock can be trusted to tell how old an order is, so the gate counts itself, on the monotonic clock, from the moment it was
asked. Time is passed in.

Anybody who reaches the gate's topics may ask, as fast as the line is, so nothing that was given is ever made void to make room: what
bounds how many there are is how fast they are given. A flood therefore makes others ask again, the oftener the faster it is, for nobody
can tell whose question is whose; and what the gate itself asks for stands apart, where no flood comes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from device.commands.judge import Refusal
from device.commands.order import CHALLENGE_BYTES, TOGETHER_WITHIN_S

NS = 1_000_000_000
AT_ONCE = 30
EVERY_NS = NS // 10
"""Challenges that are given at once after a quiet time, and from one to the next then. The uplink says one thing at a time, and a line
carries ten or so a second there and back: more would push the answers to orders out of the way. In the worst of floods 6,030 are held,
1.7 MB."""
LIFE_NS = TOGETHER_WITHIN_S * NS
"""Older than this none is good."""
OWN_MAX = 4
"""The gate's own, the latest: an uplink that loses its broker again and again is asked again and again."""


@dataclass(slots=True)
class _Given:
    at_ns: int
    until_ns: int
    is_used: bool = False


class Challenges:
    def __init__(self, random: Callable[[int], bytes]) -> None:
        """``random`` gives so many unguessable bytes."""
        self._random = random
        self._given: OrderedDict[bytes, _Given] = OrderedDict()  # the oldest first, used ones too, until they are too old in any case
        self._own: OrderedDict[bytes, _Given] = OrderedDict()
        self._paid_ns = 0  # those that were given count as spread out, one every EVERY_NS, up to this moment

    def give(self, now_ns: int, *, lifetime_s: int) -> bytes | None:
        """A fresh one for whoever asks, or ``None`` where too many ask: who asks again has the same chance as they."""
        while self._given and next(iter(self._given.values())).at_ns + LIFE_NS < now_ns:
            self._given.popitem(last=False)
        paid_ns = max(self._paid_ns, now_ns)
        if paid_ns - now_ns > (AT_ONCE - 1) * EVERY_NS:
            return None
        self._paid_ns = paid_ns + EVERY_NS
        return self._keep(self._given, now_ns, lifetime_s)

    def give_own(self, now_ns: int, *, lifetime_s: int) -> bytes:
        """A fresh one for a question of this gate: there always is one, and only a later question of its own makes it void."""
        while len(self._own) >= OWN_MAX:
            self._own.popitem(last=False)
        return self._keep(self._own, now_ns, lifetime_s)

    def redeem(self, challenge: bytes, now_ns: int, *, within_s: int) -> int | Refusal:
        """When it was given, if it is good now and no more than ``within_s`` old. It is good no more then, whatever the answer."""
        given = self._own.get(challenge) or self._given.get(challenge)
        if given is None:
            return Refusal.UNKNOWN_CHALLENGE
        if given.is_used:
            return Refusal.REPLAYED
        given.is_used = True
        return given.at_ns if now_ns <= min(given.until_ns, given.at_ns + within_s * NS) else Refusal.EXPIRED

    def _keep(self, held: OrderedDict[bytes, _Given], now_ns: int, lifetime_s: int) -> bytes:
        challenge = self._random(CHALLENGE_BYTES)
        held[challenge] = _Given(now_ns, now_ns + min(lifetime_s, TOGETHER_WITHIN_S) * NS)
        return challenge
