"""Degraded modes: for everything that may be wrong with a gate, what it does then, what its lamps say, what operators are told, and what
somebody who stands there can do.

One table. The gate goes by it, the tests go through it row by row, README prints it, and so does `qrgate status`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from device.turnstile.signals import Signal


class Trouble(StrEnum):
    """What is wrong, the gravest first."""

    FREE = "free"
    RELAY_LOST = "relay_lost"
    NOT_READY = "not_ready"
    LOCKED = "locked"
    SERVICE = "service"
    STORE_FAILED = "store_failed"
    CAMERA_BLIND = "camera_blind"
    CLOCK_UNTRUSTED = "clock_untrusted"
    LISTS_STALE = "lists_stale"
    STORE_NEARLY_FULL = "store_nearly_full"
    STORE_FILLING = "store_filling"
    DISK_NEARLY_FULL = "disk_nearly_full"
    SENSOR_STUCK = "sensor_stuck"
    HELD = "held"
    ON_BATTERY = "on_battery"
    TAMPER = "tamper"
    BROKER_AWAY = "broker_away"


class Health(StrEnum):
    """The state on MQTT, the best first."""

    OK = "ok"
    DEGRADED = "degraded"
    OUT_OF_ORDER = "out_of_order"
    FREE = "free"


HEALTH_IN_WORDS: dict[Health, str] = {
    Health.OK: "all is well",
    Health.DEGRADED: "it serves, and somebody should look at it",
    Health.OUT_OF_ORDER: "it lets nobody in",
    Health.FREE: "the lane stands free",
}


@dataclass(frozen=True, slots=True)
class Conduct:
    """``entry`` and ``exit`` are what happens to people; ``signal`` stands at the lane whenever nobody is answered; ``hint`` is what to do."""

    when: str
    entry: str
    exit: str
    signal: Signal
    health: Health
    hint: str


_AS_EVER = "as ever"

CONDUCT: dict[Trouble, Conduct] = {
    Trouble.FREE: Conduct(
        "fire, break-glass, key or order (a drill is one); a fire that nobody has reset",
        "free",
        "free; each passage is counted",
        Signal.WAY_IS_FREE,
        Health.FREE,
        "who freed it ends it: after an alarm the key switch, turned to reset; a key, turned back; an order, `qrgate-provision command mode normal`",
    ),
    Trouble.RELAY_LOST: Conduct(
        "the relay board is unplugged or silent",
        "refused, `out_of_service`",
        "by the lane's own mechanics",
        Signal.OUT_OF_ORDER,
        Health.OUT_OF_ORDER,
        "look at the board's plug and power; it is taken back by itself",
    ),
    Trouble.NOT_READY: Conduct(
        "the turnstile's READY is gone",
        "refused, `out_of_service`",
        "is ordered as ever",
        Signal.OUT_OF_ORDER,
        Health.OUT_OF_ORDER,
        "look at the turnstile: its power, what it says itself, the READY wire (hardware/wiring.md)",
    ),
    Trouble.LOCKED: Conduct(
        "locked by order",
        "refused, `out_of_service`",
        _AS_EVER,
        Signal.OUT_OF_ORDER,
        Health.OUT_OF_ORDER,
        "whoever locked it ends it: `qrgate-provision command mode normal`",
    ),
    Trouble.SERVICE: Conduct(
        "a technician holds the set-up button for 5 s; ends by itself after 30 minutes",
        "refused, `out_of_service`",
        _AS_EVER,
        Signal.SERVICE,
        Health.OUT_OF_ORDER,
        "when the work is done, hold the set-up button for 5 s",
    ),
    Trouble.STORE_FAILED: Conduct(
        "nothing can be recorded: disk full, read-only, broken, or stalled; a gate that is started on such a disk does not start, and fire "
        "and exit are the wiring's then",
        "refused, without a record",
        "let out at an exit, recorded later",
        Signal.OUT_OF_ORDER,
        Health.OUT_OF_ORDER,
        "`df` and `dmesg` tell what the disk has; `sudo qrgate doctor` tries it; it goes on by itself when the disk does",
    ),
    Trouble.CAMERA_BLIND: Conduct(
        "no picture, a covered lens, no scan module, no reader",
        "nobody is read",
        "by the button or the lane's mechanics",
        Signal.OUT_OF_ORDER,
        Health.OUT_OF_ORDER,
        "clean the lens, look at the camera's ribbon or the module's plug; `systemctl status qrgate-reader` tells whether it is looked through",
    ),
    Trouble.CLOCK_UNTRUSTED: Conduct(
        "nothing vouches for the date",
        "as the policy says; what has a date is refused, `clock_untrusted`",
        _AS_EVER,
        Signal.DEGRADED,
        Health.DEGRADED,
        "`sudo qrgate doctor` tells what the clock lacks (battery clock: hardware/wiring.md)",
    ),
    Trouble.LISTS_STALE: Conduct(
        "a list that the policy goes by is missing or too old",
        "as the policy says: refused, `list_stale`, or let in",
        _AS_EVER,
        Signal.DEGRADED,
        Health.DEGRADED,
        "bring the list from the office: `sudo qrgate take FILE`",
    ),
    Trouble.STORE_NEARLY_FULL: Conduct(
        "90 % of what the store may hold is taken: events wait for their confirmation; from 99 % on nobody can be recorded as let in",
        _AS_EVER,
        _AS_EVER,
        Signal.DEGRADED,
        Health.DEGRADED,
        "let it deliver, soon: is the broker there, and does the recorder confirm? nothing that waits is dropped",
    ),
    Trouble.STORE_FILLING: Conduct(
        "80 % of it is taken",
        _AS_EVER,
        _AS_EVER,
        Signal.DARK,
        Health.DEGRADED,
        "let it deliver: is the broker there, and does the recorder confirm?",
    ),
    Trouble.DISK_NEARLY_FULL: Conduct(
        "less than 128 MiB are free",
        _AS_EVER,
        _AS_EVER,
        Signal.DEGRADED,
        Health.DEGRADED,
        "make room: `df` tells on which disk, `journalctl --vacuum-size=100M` empties old logs",
    ),
    Trouble.SENSOR_STUCK: Conduct(
        "a beam, loop, contact or button stays on for longer than anybody could have it so",
        "as ever; passages are assumed; a barrier is not lowered",
        _AS_EVER,
        Signal.DEGRADED,
        Health.DEGRADED,
        "what holds it: dirt, something in the beam, a wire? then `sudo qrgate test beams`, with the gate out of service",
    ),
    Trouble.HELD: Conduct(
        "somebody or something stands in the lane",
        "waits up to 3 s, then refused, `lane_busy`",
        "waits up to 3 s, then goes",
        Signal.DEGRADED,
        Health.DEGRADED,
        "look into the lane; if it is empty, at its beams",
    ),
    Trouble.ON_BATTERY: Conduct(
        "the mains are gone",
        _AS_EVER,
        _AS_EVER,
        Signal.DEGRADED,
        Health.DEGRADED,
        "look at the fuse and the plug; the battery does not last",
    ),
    Trouble.TAMPER: Conduct(
        "the housing is open",
        _AS_EVER,
        _AS_EVER,
        Signal.DARK,
        Health.DEGRADED,
        "look who opened it, then close it",
    ),
    Trouble.BROKER_AWAY: Conduct(
        "no session with the broker for a minute",
        "as ever; events wait in the store",
        _AS_EVER,
        Signal.DARK,
        Health.DEGRADED,
        "has this place a network? `sudo qrgate doctor` tries the way to the broker; nothing is lost meanwhile",
    ),
}


def signal(troubles: Iterable[Trouble]) -> Signal:
    """What the lamps say: the word of the gravest trouble that has one."""
    held = frozenset(troubles)
    said = (CONDUCT[each].signal for each in Trouble if each in held)
    return next((each for each in said if each is not Signal.DARK), Signal.DARK)


def health(troubles: Iterable[Trouble]) -> Health:
    """The worst of ``troubles``; a lane that stands free is told before all else."""
    order = list(Health)
    return max((CONDUCT[each].health for each in troubles), key=order.index, default=Health.OK)
