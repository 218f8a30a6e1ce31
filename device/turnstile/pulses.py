"""Which relays are on, since when, and when each must go off: never later than its hard maximum, whatever else happens."""

from __future__ import annotations

from device.turnstile.actions import SwitchRelay
from device.turnstile.lane import Lane, Relay

REST_NS = 200_000_000
"""A drive counts edges: a contact that opens and closes again in one breath is one pulse to it. Makers such as PERCo ask
for 100 ms at least; the rest is a relay's own slowness, and room for a thread that is late."""


class Pulses:
    """Of the relays that let people through and move a barrier. The free relay has no pulse, and is not here."""

    def __init__(self, lane: Lane) -> None:
        self._length_ns = min(lane.pulse_ns, lane.max_on_ns)
        self._on_since_ns: dict[Relay, int] = {}
        self._rested_ns: dict[Relay, int] = {}
        self._forgotten: set[Relay] = set()

    def on(self, relay: Relay, now_ns: int) -> SwitchRelay:
        self._on_since_ns[relay] = now_ns
        return SwitchRelay(relay, on=True)

    def off(self, relay: Relay, now_ns: int) -> list[SwitchRelay]:
        """End the pulse of ``relay``, if it has one."""
        if self._on_since_ns.pop(relay, None) is None:
            return []
        self._rested_ns[relay] = now_ns + REST_NS
        return [SwitchRelay(relay, on=False)]

    def due(self, now_ns: int) -> list[SwitchRelay]:
        """The pulses that are over."""
        over = [relay for relay, since_ns in self._on_since_ns.items() if now_ns >= since_ns + self._length_ns]
        return [each for relay in over for each in self.off(relay, now_ns)]

    def forget(self) -> None:
        """The relays cannot be reached any more; whoever reaches them again switches them off first (``all_off``)."""
        self._forgotten |= self._on_since_ns.keys()
        self._on_since_ns.clear()

    def all_off(self, now_ns: int) -> None:
        """The relays are reached again: what was on when they were lost may have been on until now."""
        self._rested_ns |= dict.fromkeys(self._forgotten, now_ns + REST_NS)
        self._forgotten.clear()

    def is_on(self, relay: Relay | None = None) -> bool:
        """Is ``relay`` on, or any?"""
        return bool(self._on_since_ns) if relay is None else relay in self._on_since_ns

    def rested_ns(self, relay: Relay | None) -> int:
        """From when on ``relay`` may close again."""
        return 0 if relay is None else self._rested_ns.get(relay, 0)

    def next_ns(self) -> int | None:
        """When the next one is over."""
        return min((since_ns + self._length_ns for since_ns in self._on_since_ns.values()), default=None)
