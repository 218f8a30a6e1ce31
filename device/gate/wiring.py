"""What one lane is made of, opened by its settings and put together: contacts, relays, lamps, the turnstile, the thread that acts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from device import clock
from device.errors import HardwareError
from device.gate import pins
from device.gate.act import Act, Broken, Contact, Fact
from device.gate.guard import Guard
from device.gate.lamps import Lamps
from device.gate.latch import Latch
from device.gate.outputs import open_indicators, open_relays
from device.gate.outputs.telling import open_telling
from device.settings import Settings
from device.turnstile.contacts import TIMES
from device.turnstile.lane import Lane, Relay, Sensor
from device.turnstile.machine import Turnstile

log = logging.getLogger("qrgate.gate")


def contacts_of(settings: Settings) -> dict[Sensor, int]:
    """Every contact that is fitted, and its pin."""
    inputs, passage = settings.inputs, settings.passage
    fitted = {
        Sensor.PASSED: passage.pin,
        Sensor.PASSED_OUT: passage.exit_pin,
        Sensor.OUTER_BEAM: inputs.outer_beam_pin,
        Sensor.INNER_BEAM: inputs.inner_beam_pin,
        Sensor.LOOP: inputs.loop_pin,
        Sensor.FIRE: inputs.fire_pin,
        Sensor.BREAK_GLASS: inputs.break_glass_pin,
        Sensor.TAMPER: inputs.tamper_pin,
        Sensor.MAINS: inputs.mains_pin,
        Sensor.EXIT_BUTTON: inputs.exit_button_pin,
        Sensor.ASSIST_BUTTON: inputs.assist_button_pin,
        Sensor.SETUP_BUTTON: inputs.setup_button_pin,
        Sensor.KEY_FREE: inputs.key_free_pin,
        Sensor.KEY_RESET: inputs.key_reset_pin,
        Sensor.NOT_READY: inputs.ready_pin,
    }
    return {sensor: pin for sensor, pin in fitted.items() if pin is not None}


def lane_of(settings: Settings, relays: frozenset[Relay]) -> Lane:
    """The lane as the turnstile's rules know it."""
    return Lane(
        kind=settings.lane.profile,
        pulse_ns=int(settings.relay.pulse_s * clock.NS),
        max_on_ns=int(settings.relay.max_on_s * clock.NS),
        wait_ns=int(settings.passage.wait_s * clock.NS),
        held_ns=int(settings.lane.held_s * clock.NS),
        drive=settings.relay.drive,
        relays=relays,
        sensors=frozenset(contacts_of(settings)),
    )


def start_lane(settings: Settings, latch: Latch, tell: Callable[[Fact], None], closing: ExitStack, *, alive: Callable[[], bool]) -> Act:
    """Open everything, the free relay first and at once as it must be; the acting thread runs at the end.

    Raises:
        HardwareError: something is missing; what was opened is let go by ``closing``.
        StoreError: whether the lane must be free cannot be known.
    """
    latched, ordered = latch.read()
    key_free = _key_is_turned(settings)
    relays = open_relays(settings, free=latched or ordered or key_free)
    closing.callback(_close, "the relays", relays.close)
    indicators = open_indicators(settings)
    for name, switch in indicators.items():
        closing.callback(_close, f"the {name}", switch.close)
    telling = open_telling(settings, _log_broken)
    closing.callback(telling.close)
    turnstile = Turnstile(
        lane_of(settings, frozenset(relays.switches)), latched=latched, ordered_free=ordered, key_free=key_free, service=latch.service()
    )
    guard = Guard(relays.switches, turnstile.lane.max_on_ns, broken=lambda error: tell(Broken(error)), lost=relays.lost)
    act = Act(
        turnstile,
        guard.relays,
        Lamps(indicators, (telling.tell,)),
        tell,
        lost=relays.lost,
        mark=latch.mark,
        alive=alive,
    )
    wired: dict[Sensor, Contact] = {}
    for sensor, number in contacts_of(settings).items():
        contact = pins.contact(settings, number, partial(_moved, act, sensor))
        closing.callback(contact.close)
        wired[sensor] = contact
    latch.mark(turnstile.free_by, turnstile.service)  # a key that was turned back while no gate ran must not keep the lane free for failsafe
    guard.start()
    closing.callback(guard.stop)
    act.start(wired)
    closing.callback(act.stop)
    return act


def _key_is_turned(settings: Settings) -> bool:
    """Is the key switch at *free*, for as long as a contact bounces? Asked before the relays are opened, so that a restart locks nobody in."""
    number = settings.inputs.key_free_pin
    if number is None:
        return False
    try:
        contact = pins.contact(settings, number, lambda _closed, _at_ns: None)
    except HardwareError:
        return False  # it is opened once more after the relays, and told then: a lane that is latched is freed before that
    try:
        was_closed = contact.is_closed()
        time.sleep(TIMES[Sensor.KEY_FREE].begins_ms / 1000)
        return was_closed and contact.is_closed()
    finally:
        contact.close()


def _moved(act: Act, sensor: Sensor, closed: bool, at_ns: int) -> None:  # noqa: FBT001 - as pins.contact calls it
    act.moved(sensor, closed=closed, at_ns=at_ns)


def _log_broken(which: str, why: str) -> None:
    log.error("the %s does not work, and people pass without it: %s", which, why)


def _close(what: str, close: Callable[[], None]) -> None:
    try:
        close()
    except HardwareError as error:
        log.error("%s: %s", what, error)
