"""What the turnstile asks to be done, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from device.domain import Crossing, Passage, Reason
from device.turnstile.lane import Relay, Sensor
from device.turnstile.signals import Signal


class Mishap(StrEnum):
    """What operators are told of a lane. Most begin and end; each is told when it does."""

    FREE = "free"  # the lane stands free; the alarm says by what
    FIRE = "fire"
    BREAK_GLASS = "break_glass"
    HELD = "held"  # somebody or something stands in the lane
    BARRIER_STAYS_UP = "barrier_stays_up"  # its loop is stuck: it is not lowered blindly
    SENSOR_STUCK = "sensor_stuck"
    RELAY_LOST = "relay_lost"
    NOT_READY = "not_ready"
    TAMPER = "tamper"
    ON_BATTERY = "on_battery"
    ASSIST = "assist"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class SwitchRelay:
    relay: Relay
    on: bool


@dataclass(frozen=True, slots=True)
class Show:
    """Tell the person at the lane ``signal``, and why."""

    signal: Signal
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class ShowTryAgain:
    """Tell who stands at the free lane that the code was good, and came too late: once more, please."""


@dataclass(frozen=True, slots=True)
class Report:
    """A grant has ended."""

    passage: Passage


@dataclass(frozen=True, slots=True)
class ReportCrossing:
    """Somebody went through without a grant."""

    crossing: Crossing


@dataclass(frozen=True, slots=True)
class Alarm:
    """``what`` begins, or ends. ``about`` says more: the cause of a free lane, or the sensor that is stuck."""

    what: Mishap
    on: bool
    at_ns: int
    about: str = ""


Action = SwitchRelay | Show | ShowTryAgain | Report | ReportCrossing | Alarm

SAID_BY: dict[Sensor, Mishap] = {
    Sensor.FIRE: Mishap.FIRE,
    Sensor.BREAK_GLASS: Mishap.BREAK_GLASS,
    Sensor.TAMPER: Mishap.TAMPER,
    Sensor.MAINS: Mishap.ON_BATTERY,
    Sensor.NOT_READY: Mishap.NOT_READY,
    Sensor.ASSIST_BUTTON: Mishap.ASSIST,
}
"""Sensors whose word is an alarm by itself."""
