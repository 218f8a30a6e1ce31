"""Lanes as they are built, one of each kind and more, for the plays."""

from __future__ import annotations

from device.turnstile.contacts import NS_PER_MS
from device.turnstile.lane import Drive, Lane, LaneKind, Relay, Sensor

CONTACT, OUT, BEAMS, LOOP = Sensor.PASSED, Sensor.PASSED_OUT, (Sensor.OUTER_BEAM, Sensor.INNER_BEAM), Sensor.LOOP
ONE, BOTH, DOWN = (Relay.ENTRY, Relay.FREE), (Relay.ENTRY, Relay.EXIT, Relay.FREE), (Relay.ENTRY, Relay.LOWER, Relay.FREE)


def lane(kind: LaneKind, relays: tuple[Relay, ...], *sensors: Sensor, drive: Drive = Drive.PULSE, pulse_ms: int = 500, wait_ms: int = 5000) -> Lane:
    return Lane(
        kind,
        pulse_ns=pulse_ms * NS_PER_MS,
        max_on_ns=3000 * NS_PER_MS,
        wait_ns=wait_ms * NS_PER_MS,
        drive=drive,
        relays=frozenset(relays),
        sensors=frozenset(sensors),
    )


TRIPOD = lane(LaneKind.TRIPOD, ONE, CONTACT, OUT)
PLAIN = lane(LaneKind.TRIPOD, ONE, CONTACT)
WIDE_CONTACT = lane(LaneKind.WIDE, ONE, CONTACT)
FLAP = lane(LaneKind.FLAP, ONE, *BEAMS)
ONE_BEAM = lane(LaneKind.FLAP, ONE, Sensor.OUTER_BEAM)
GATE_BOTH_WAYS = lane(LaneKind.FLAP, BOTH, *BEAMS)
TWO_WAY = lane(LaneKind.TWO_WAY, BOTH, CONTACT, OUT)
WIDE = lane(LaneKind.WIDE, BOTH, *BEAMS)
HOLD = lane(LaneKind.TRIPOD, ONE, CONTACT, drive=Drive.HOLD, pulse_ms=2500)
HOLD_BOTH_WAYS = lane(LaneKind.TWO_WAY, BOTH, CONTACT, OUT, drive=Drive.HOLD, pulse_ms=2500)
BARRIER = lane(LaneKind.BARRIER, DOWN, LOOP, Sensor.OUTER_BEAM)
LONG_RAISING = lane(LaneKind.BARRIER, DOWN, LOOP, pulse_ms=2500)
SPRING_BARRIER = lane(LaneKind.BARRIER, ONE, LOOP)
NONE = lane(LaneKind.NONE, (), *BEAMS)
NONE_BLIND = lane(LaneKind.NONE, ())
