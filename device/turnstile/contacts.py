"""Contacts that bounce, made into what they say. Time comes in; no pin is touched.

A contact says something when it has kept its level for as long as its row in ``TIMES`` asks: longer for what is not to be
believed at once, shorter where somebody waits. What lasts longer than a person or a vehicle could bring about is stuck.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from device.turnstile.lane import CLOSED_AT_REST, NS_PER_S, Sensor

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds until a contact is believed when it begins and when it ends, and seconds until it counts as stuck."""

    begins_ms: int
    ends_ms: int
    stuck_s: int | None = None


TIMES: dict[Sensor, Times] = {
    # A mechanical contact bounces for some milliseconds; a turnstile's passage pulse lasts 0.3 s (TiSO).
    Sensor.PASSED: Times(10, 10, 60),
    Sensor.PASSED_OUT: Times(10, 10, 60),
    # Somebody who runs breaks a beam for 0.1 s.
    Sensor.OUTER_BEAM: Times(15, 30, 300),
    Sensor.INNER_BEAM: Times(15, 30, 300),
    Sensor.LOOP: Times(50, 300, 900),
    # Within 50 ms the lane stands free; that the fire is over may be said twice.
    Sensor.FIRE: Times(10, 1000),
    Sensor.BREAK_GLASS: Times(10, 1000),
    Sensor.TAMPER: Times(200, 1000),
    # A contactor's change from mains to generator is no power cut.
    Sensor.MAINS: Times(1000, 2000),
    Sensor.NOT_READY: Times(500, 500),
    Sensor.EXIT_BUTTON: Times(30, 30, 60),
    Sensor.ASSIST_BUTTON: Times(30, 30, 60),
    # Nobody holds a button for so long by chance.
    Sensor.SETUP_BUTTON: Times(5000, 30, 60),
    Sensor.KEY_FREE: Times(50, 50),
    Sensor.KEY_RESET: Times(100, 100, 300),
}

EVENTS = frozenset({*(Sensor.PASSED, Sensor.PASSED_OUT, Sensor.EXIT_BUTTON, Sensor.ASSIST_BUTTON, Sensor.SETUP_BUTTON), Sensor.KEY_RESET})
"""Sensors that tell of something somebody does. One that is closed when the gate starts tells of nothing until it was open."""


@dataclass(frozen=True, slots=True)
class Change:
    """``sensor`` says ``on``, or no longer, since ``at_ns``."""

    sensor: Sensor
    on: bool
    at_ns: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """``sensor`` has been on for longer than anybody could have it so; or it is no longer (``stuck`` false)."""

    sensor: Sensor
    stuck: bool
    at_ns: int


@dataclass(slots=True)
class _Contact:
    level: bool  # as the wire has it now: True means that the sensor says something
    level_since_ns: int
    says: bool = False
    says_since_ns: int = 0
    stuck: bool = False
    mute: bool = False  # it was on when the gate started: what it says is no news


class Contacts:
    """All contacts of a lane. What ``due`` tells is in order of time."""

    def __init__(self, closed: Iterable[tuple[Sensor, bool]], now_ns: int, *, believed: Collection[Sensor] = ()) -> None:
        """``closed``: every fitted sensor, and whether its contact is closed now; ``believed``: those of which it is known already that they
        say something.
        """
        self._contacts = {sensor: _Contact(_says(sensor, closed=is_closed), now_ns, sensor in believed, now_ns) for sensor, is_closed in closed}
        for sensor, contact in self._contacts.items():
            if contact.level and sensor in EVENTS:
                contact.says, contact.says_since_ns, contact.mute = True, now_ns, True

    def moved(self, sensor: Sensor, *, closed: bool, at_ns: int) -> list[Change | Stuck]:
        """The contact of ``sensor`` has closed or opened at ``at_ns``; what it had said until then."""
        contact = self._contacts[sensor]
        level = _says(sensor, closed=closed)
        if level == contact.level:
            return []
        told = self._settle(sensor, contact, at_ns)
        contact.level, contact.level_since_ns = level, at_ns
        return told

    def due(self, now_ns: int) -> list[Change | Stuck]:
        """What time has brought about."""
        told = [each for sensor, contact in self._contacts.items() for each in self._settle(sensor, contact, now_ns)]
        return sorted(told, key=lambda each: each.at_ns)

    def next_ns(self) -> int | None:
        """When ``due`` has something to tell by time alone."""
        moments = [moment for sensor, contact in self._contacts.items() if (moment := _next_ns(sensor, contact)) is not None]
        return min(moments, default=None)

    def _settle(self, sensor: Sensor, contact: _Contact, now_ns: int) -> list[Change | Stuck]:
        told: list[Change | Stuck] = []
        if contact.level != contact.says and now_ns >= contact.level_since_ns + _delay_ns(sensor, contact):
            contact.says, contact.says_since_ns = contact.level, contact.level_since_ns
            if contact.mute:
                contact.mute = contact.says
            else:
                told.append(Change(sensor, contact.says, contact.says_since_ns))
            if not contact.says and contact.stuck:
                contact.stuck = False
                told.append(Stuck(sensor, stuck=False, at_ns=contact.says_since_ns))
        if contact.says and not contact.stuck and (limit_ns := _stuck_ns(sensor, contact)) is not None and now_ns >= limit_ns:
            contact.stuck = True
            told.append(Stuck(sensor, stuck=True, at_ns=limit_ns))
        return told


def _says(sensor: Sensor, *, closed: bool) -> bool:
    return closed is not (sensor in CLOSED_AT_REST)


def _delay_ns(sensor: Sensor, contact: _Contact) -> int:
    times = TIMES[sensor]
    return (times.begins_ms if contact.level else times.ends_ms) * NS_PER_MS


def _stuck_ns(sensor: Sensor, contact: _Contact) -> int | None:
    stuck_s = TIMES[sensor].stuck_s
    return None if stuck_s is None else contact.says_since_ns + stuck_s * NS_PER_S


def _next_ns(sensor: Sensor, contact: _Contact) -> int | None:
    if contact.level != contact.says:
        return contact.level_since_ns + _delay_ns(sensor, contact)
    return _stuck_ns(sensor, contact) if contact.says and not contact.stuck else None
