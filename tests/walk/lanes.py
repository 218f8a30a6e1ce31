"""Every lane that can be built: its kind, its drive, what is fitted. And times as makers ask for them, and at the edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from device.turnstile.contacts import NS_PER_MS
from device.turnstile.lane import Drive, Lane, LaneKind, Relay, Sensor

EVERYWHERE = frozenset(
    {
        *(Sensor.FIRE, Sensor.BREAK_GLASS, Sensor.KEY_FREE, Sensor.KEY_RESET, Sensor.NOT_READY, Sensor.TAMPER, Sensor.MAINS),
        *(Sensor.EXIT_BUTTON, Sensor.ASSIST_BUTTON, Sensor.SETUP_BUTTON),
    }
)

_CONTACT, _OUT = Sensor.PASSED, Sensor.PASSED_OUT
_OUTER, _INNER, _LOOP = Sensor.OUTER_BEAM, Sensor.INNER_BEAM, Sensor.LOOP
_ON_FOOT = ((), (_CONTACT,), (_CONTACT, _OUT), (_OUTER,), (_OUTER, _INNER), (_CONTACT, _OUTER, _INNER))
SENSORS: dict[LaneKind, tuple[tuple[Sensor, ...], ...]] = dict.fromkeys(LaneKind, _ON_FOOT) | {
    LaneKind.BARRIER: ((), (_LOOP,), (_OUTER,), (_LOOP, _OUTER), (_LOOP, _OUTER, _INNER), (_CONTACT, _LOOP)),
}

_IN, _WAY_OUT, _DOWN, _FREE = Relay.ENTRY, Relay.EXIT, Relay.LOWER, Relay.FREE
RELAYS: dict[LaneKind, tuple[tuple[Relay, ...], ...]] = {
    LaneKind.TRIPOD: ((_IN,), (_IN, _FREE)),
    LaneKind.FLAP: ((_IN, _FREE), (_IN, _WAY_OUT, _FREE)),
    LaneKind.TWO_WAY: ((_IN, _WAY_OUT), (_IN, _WAY_OUT, _FREE)),
    LaneKind.WIDE: ((_IN, _FREE), (_IN, _WAY_OUT, _FREE)),
    LaneKind.BARRIER: ((_IN, _FREE), (_IN, _DOWN), (_IN, _DOWN, _FREE)),
    LaneKind.NONE: ((), (_IN, _FREE)),
}


@dataclass(frozen=True, slots=True)
class Times:
    pulse_ms: int
    max_on_ms: int
    wait_ms: int
    held_ms: int


TIMES = (
    Times(pulse_ms=500, max_on_ms=3000, wait_ms=5000, held_ms=15_000),
    Times(pulse_ms=100, max_on_ms=200, wait_ms=500, held_ms=2000),
    Times(pulse_ms=3000, max_on_ms=3000, wait_ms=1000, held_ms=2000),  # longer than a barrier waits before it comes down
    Times(pulse_ms=10_000, max_on_ms=3000, wait_ms=30_000, held_ms=300_000),  # the maximum cuts the pulse
)

LANES: tuple[Lane, ...] = tuple(
    Lane(
        kind,
        pulse_ns=times.pulse_ms * NS_PER_MS,
        max_on_ns=times.max_on_ms * NS_PER_MS,
        wait_ns=times.wait_ms * NS_PER_MS,
        held_ns=times.held_ms * NS_PER_MS,
        drive=drive,
        relays=frozenset(relays),
        sensors=EVERYWHERE | frozenset(sensors),
    )
    for kind in LaneKind
    for relays, sensors, drive, times in product(RELAYS[kind], SENSORS[kind], Drive, TIMES)
)


def name(lane: Lane) -> str:
    fitted = "+".join(sorted(lane.relays)) or "no relay"
    senses = "+".join(sorted(lane.sensors - EVERYWHERE)) or "no sensor"
    return f"{lane.kind}, {lane.drive}, {fitted}, {senses}, pulse {lane.pulse_ns // NS_PER_MS} of {lane.max_on_ns // NS_PER_MS} ms"
