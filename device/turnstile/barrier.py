"""When a vehicle barrier may come down: never onto anything that its loop or its light barrier knows of, and never blindly.

Lowering takes its drive some seconds after the order. Whoever drives or walks in below it meanwhile has it raised again at once.
"""

from __future__ import annotations

from device.turnstile.actions import SwitchRelay
from device.turnstile.lane import NS_PER_S, Lane, Relay, Sensor
from device.turnstile.pulses import Pulses

CLEAR_NS = 2 * NS_PER_S
"""Nothing below it for so long: a lorry's trailer leaves a gap over the loop."""

CLEAR_AT_START_NS = 10 * NS_PER_S
"""A gate that has just started does not know whether the barrier is up, nor who is about to drive off."""

LOWERING_NS = 8 * NS_PER_S
"""An arm of six metres takes up to this long; parking arms take 2 to 4 s (makers' sheets)."""


class Barrier:
    """``in_use``: somebody is being let through. ``free``: the lane is to stand free."""

    def __init__(self, lane: Lane, pulses: Pulses) -> None:
        self._lowers = {Relay.LOWER} <= lane.relays and {Sensor.LOOP} <= lane.sensors
        self._pulses = pulses
        self._below: set[Sensor] = set()
        self._stuck: set[Sensor] = set()
        self._may_be_up = True
        self._clear_from_ns: int | None = None  # it may be lowered then, if nothing comes
        self._lowering_until_ns = 0
        self._owed = False  # it is to be raised as soon as its relay can be reached, and has rested
        self._lost = False

    @property
    def is_blind(self) -> bool:
        """Is a sensor stuck that must say that nothing is below?"""
        return bool(self._stuck)

    # --- what happens ------------------------------------------------------------------------------------------

    def leave(self, now_ns: int, *, at_start: bool = False) -> None:
        """Nobody is to drive in any more. ``at_start``: of the gate, or of its relays."""
        self._may_be_up |= at_start
        self._clear_from_ns = now_ns + (CLEAR_AT_START_NS if at_start else CLEAR_NS)

    def lost(self, *, lost: bool) -> None:
        """The relays cannot be reached, or again. To be told before their pulses are forgotten: an order to rise may not have come through."""
        self._owed |= lost and self._pulses.is_on(Relay.ENTRY)
        self._lost = lost

    def below(self, sensor: Sensor, now_ns: int, *, occupied: bool) -> list[SwitchRelay]:
        """Loop or beam says whether something is below: a barrier on its way down onto it rises again."""
        if occupied:
            self._below.add(sensor)
            return self._raise_again(now_ns) if now_ns < self._lowering_until_ns else []
        self._below.discard(sensor)
        if self._clear_from_ns is not None:
            self._clear_from_ns = max(self._clear_from_ns, now_ns + CLEAR_NS)
        return []

    def stuck(self, sensor: Sensor, now_ns: int, *, stuck: bool) -> list[SwitchRelay]:
        """``sensor`` is not to be believed, or again: a barrier on its way down that becomes blind rises again."""
        (self._stuck.add if stuck else self._stuck.discard)(sensor)
        return self._raise_again(now_ns) if stuck and now_ns < self._lowering_until_ns else []

    # --- its orders --------------------------------------------------------------------------------------------

    def open(self, now_ns: int) -> list[SwitchRelay]:
        """Raise it."""
        if self._pulses.is_on(Relay.ENTRY):
            return []
        self._owed = self._lost or now_ns < self._pulses.rested_ns(Relay.ENTRY)
        if self._owed:
            return []
        self._may_be_up, self._clear_from_ns, self._lowering_until_ns = True, None, 0
        return [self._pulses.on(Relay.ENTRY, now_ns)]

    def become_free(self, now_ns: int) -> list[SwitchRelay]:
        return self._raise_again(now_ns)

    def tick(self, now_ns: int, *, in_use: bool, free: bool) -> list[SwitchRelay]:
        """What time has brought about."""
        if self._owed and not self._lost:
            self._owed = free or bool(self._below)
            raised = self._raise_again(now_ns) if self._owed and now_ns >= self._pulses.rested_ns(Relay.ENTRY) else []
        else:
            raised = []
        if not in_use and self._may_be_up and self._clear_from_ns is None:
            self.leave(now_ns)
        return raised

    def lower(self, now_ns: int, *, in_use: bool, free: bool) -> list[SwitchRelay]:
        """If it is time. To be asked after everybody who may be let through was."""
        lower_ns = self._lower_ns(in_use=in_use, free=free)
        if lower_ns is None or now_ns < lower_ns:
            return []
        self._may_be_up, self._clear_from_ns, self._lowering_until_ns = False, None, now_ns + LOWERING_NS
        return [self._pulses.on(Relay.LOWER, now_ns)]

    def next_ns(self, *, in_use: bool, free: bool) -> int | None:
        """When it is to be raised or lowered next, as things are."""
        return self._pulses.rested_ns(Relay.ENTRY) if self._owed and not self._lost else self._lower_ns(in_use=in_use, free=free)

    def _raise_again(self, now_ns: int) -> list[SwitchRelay]:
        """Whatever it is at: never both orders at once."""
        return [*self._pulses.off(Relay.LOWER, now_ns), *self.open(now_ns)]

    @property
    def _is_clear(self) -> bool:
        """Is it known that nothing is below?"""
        return not self._below and not self._stuck

    def _lower_ns(self, *, in_use: bool, free: bool) -> int | None:
        if not (self._lowers and self._may_be_up and self._is_clear) or self._clear_from_ns is None:
            return None
        if in_use or free or self._lost or self._pulses.is_on():
            return None
        rested_ns = max(self._pulses.rested_ns(Relay.LOWER), self._pulses.rested_ns(Relay.ENTRY))  # it must be able to rise again at once
        return max(self._clear_from_ns, rested_ns)
