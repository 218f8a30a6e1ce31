"""Faults that somebody might make, one at a time: a walk that does not find each of them proves nothing."""

from __future__ import annotations

from typing import Any

from device.domain import Direction, Grant, PassageOutcome
from device.turnstile.actions import Action, Report, SwitchRelay
from device.turnstile.barrier import Barrier
from device.turnstile.contacts import Change
from device.turnstile.freedom import Freedom
from device.turnstile.lane import Lane, Relay, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.pulses import Pulses


def _replace(turnstile: Turnstile, pulses: Pulses) -> None:
    turnstile._pulses = pulses
    if turnstile._barrier is not None:
        turnstile._barrier._pulses = pulses


class ForgetsThePulse(Turnstile):
    """It is ended by the next event, and by nothing else."""

    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        _replace(self, _NeverOver(lane))


class _NeverOver(Pulses):
    def due(self, now_ns: int) -> list[SwitchRelay]:
        return super().due(now_ns - 1)


class LooksTooLate(Turnstile):
    def next_ns(self) -> int | None:
        next_ns = super().next_ns()
        return None if next_ns is None else next_ns + 1


class LooksAllTheTime(Turnstile):
    def next_ns(self) -> int | None:
        return None if super().next_ns() is None else 0


class IgnoresTheMaximum(Turnstile):
    """And holds the relay for the whole pulse."""

    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        self._pulses._length_ns = lane.pulse_ns


class TakesNoRest(Turnstile):
    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        _replace(self, _Restless(lane))


class _Restless(Pulses):
    def rested_ns(self, relay: Relay | None) -> int:  # noqa: ARG002
        return 0


class ReleasesBothWays(Turnstile):
    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        _replace(self, _OneAtATime(lane))


class _OneAtATime(Pulses):
    """Each relay looks at itself."""

    def is_on(self, relay: Relay | None = None) -> bool:
        return relay is not None and super().is_on(relay)


class RelocksByAScan(Turnstile):
    def grant(self, grant: Grant, now_ns: int) -> list[Action]:
        self._freedom.latched = False
        self._freedom._alarms.clear()
        return super().grant(grant, now_ns)


class OpensByAScanWhileFree(Turnstile):
    """The pulse makes a drive close behind it."""

    def grant(self, grant: Grant, now_ns: int) -> list[Action]:
        pulse: list[Action] = [SwitchRelay(Relay.ENTRY, on=True)] if self.free_by and not self._pulses.is_on() else []
        return pulse + super().grant(grant, now_ns)


class EndsAFireByOrder(Turnstile):
    def order_free(self, now_ns: int, *, free: bool) -> list[Action]:
        self._freedom.latched = self._freedom.latched and free
        return super().order_free(now_ns, free=free)


class EndsAFireByItself(Turnstile):
    """As soon as the contact is closed again."""

    def sense(self, change: Change, now_ns: int) -> list[Action]:
        if change.sensor is Sensor.FIRE and not change.on:
            self._freedom.latched = False
        return super().sense(change, now_ns)


class ResetsDuringAFire(Turnstile):
    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        self._freedom = _Obedient(latched=self.is_latched, ordered=kept["ordered_free"])


class _Obedient(Freedom):
    def change(self, sensor: Sensor, *, on: bool) -> None:
        if sensor is Sensor.KEY_RESET:
            self.latched = False
        super().change(sensor, on=on)


class ForgetsTheLatch(Turnstile):
    """With the power."""

    @property
    def is_latched(self) -> bool:
        return False


class ForgetsTheFireWithTheRelays(Turnstile):
    def relay_back(self, now_ns: int) -> list[Action]:
        return [each for each in super().relay_back(now_ns) if not (isinstance(each, SwitchRelay) and each.relay is Relay.FREE)]


class RefusesExitsOutOfService(Turnstile):
    @property
    def serves_entry(self) -> bool:
        return self.service is Service.NORMAL

    def grant(self, grant: Grant, now_ns: int) -> list[Action]:
        if self.serves_entry or grant.direction is Direction.ENTRY:
            return super().grant(grant, now_ns)
        return [Report(_refused(grant, now_ns)), *self.tick(now_ns)]


def _refused(grant: Grant, now_ns: int) -> Any:
    from device.domain import Passage  # noqa: PLC0415

    return Passage(grant.id, PassageOutcome.OUT_OF_SERVICE, None, now_ns, 0)


class ServesInOrderOfComing(Turnstile):
    """In before out."""

    def _next_wanted(self) -> Direction | None:
        return self._waiting[0].direction if self._waiting else super()._next_wanted()


class HearsNoExitButton(Turnstile):
    """While it is out of service."""

    def sense(self, change: Change, now_ns: int) -> list[Action]:
        if change.sensor is Sensor.EXIT_BUTTON and not self.serves_entry:
            return self.tick(now_ns)
        return super().sense(change, now_ns)


class OpensAfterTheDeadline(Turnstile):
    def _turn_away(self, now_ns: int) -> list[Action]:
        return super()._turn_away(now_ns - 1)


class ReportsTwice(Turnstile):
    def _turn_away(self, now_ns: int) -> list[Action]:
        told = super()._turn_away(now_ns)
        return told + told[:1]


class ReportsNothingOfTheLate(Turnstile):
    def _turn_away(self, now_ns: int) -> list[Action]:
        return [each for each in super()._turn_away(now_ns) if not (isinstance(each, Report) and each.passage.outcome is PassageOutcome.TOO_LATE)]


class LowersBlindly(Turnstile):
    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        self._barrier = self._barrier and _Blind(lane, self._pulses)


class _Blind(Barrier):
    @property
    def _is_clear(self) -> bool:
        return True


class BelievesAStuckLoop(Turnstile):
    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        self._barrier = self._barrier and _Credulous(lane, self._pulses)


class _Credulous(Barrier):
    @property
    def _is_clear(self) -> bool:
        return self._below <= self._stuck


class GoesOnLowering(Turnstile):
    """Onto what has come below meanwhile."""

    def __init__(self, lane: Lane, **kept: Any) -> None:
        super().__init__(lane, **kept)
        self._barrier = self._barrier and _Stubborn(lane, self._pulses)


class _Stubborn(Barrier):
    def below(self, sensor: Sensor, now_ns: int, *, occupied: bool) -> list[SwitchRelay]:
        if not occupied:
            return super().below(sensor, now_ns, occupied=occupied)
        self._below.add(sensor)
        return []


class AccusesWithoutEnd(Turnstile):
    def sense(self, change: Change, now_ns: int) -> list[Action]:
        self._witness._accused_ns = None
        return super().sense(change, now_ns)


FAULTS: tuple[type[Turnstile], ...] = (
    *(ForgetsThePulse, LooksTooLate, LooksAllTheTime, IgnoresTheMaximum, TakesNoRest, ReleasesBothWays),
    *(RelocksByAScan, OpensByAScanWhileFree, EndsAFireByOrder, EndsAFireByItself, ResetsDuringAFire, ForgetsTheLatch),
    *(ForgetsTheFireWithTheRelays, RefusesExitsOutOfService, ServesInOrderOfComing, HearsNoExitButton, OpensAfterTheDeadline),
    *(ReportsTwice, ReportsNothingOfTheLate, LowersBlindly, BelievesAStuckLoop, GoesOnLowering, AccusesWithoutEnd),
)
