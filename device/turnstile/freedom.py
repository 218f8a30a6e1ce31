"""What keeps a lane free, and what ends it. Nothing that a person shows, and nothing that a command says, ends it against a fire.

Fire and break-glass latch: when the contact is closed again, the lane stays free until somebody who is there turns the key to
*reset*. People are freed by the wiring, which cuts the lock supply; this only never works against it.
"""

from __future__ import annotations

from enum import StrEnum

from device.turnstile.lane import Sensor


class Cause(StrEnum):
    """Why a lane stands free; the first that applies is told."""

    FIRE = "fire"
    BREAK_GLASS = "break_glass"
    LATCHED = "latched"  # the alarm is over, and nobody has reset it
    KEY = "key"
    ORDER = "order"


class Freedom:
    def __init__(self, *, latched: bool = False, ordered: bool = False, key: bool = False) -> None:
        """``latched`` and ``ordered`` as they were when the gate ended, ``key`` as it is turned now."""
        self._alarms: set[Sensor] = set()
        self.key = key
        self.latched = latched
        self.ordered = ordered

    @property
    def cause(self) -> Cause | None:
        """``None`` while the lane is not free."""
        applies = {
            Cause.FIRE: Sensor.FIRE in self._alarms,
            Cause.BREAK_GLASS: Sensor.BREAK_GLASS in self._alarms,
            Cause.LATCHED: self.latched,
            Cause.KEY: self.key,
            Cause.ORDER: self.ordered,
        }
        return next((cause for cause, holds in applies.items() if holds), None)

    def change(self, sensor: Sensor, *, on: bool) -> None:
        """Fire contact, emergency button or key have changed."""
        if sensor is Sensor.KEY_FREE:
            self.key = on
        elif sensor is Sensor.KEY_RESET:
            if on and not self._alarms:
                self.latched = False
        elif on:
            self._alarms.add(sensor)
            self.latched = True
        else:
            self._alarms.discard(sensor)
