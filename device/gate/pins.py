"""GPIO pins through gpiozero, with the pin factory that the settings name: never guessed, never another one.

gpiozero would try driver after driver and fall back with a warning; a gate whose relay hangs on a fallback stays shut or
open without anybody knowing why.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import gpiozero

from device.errors import HardwareError
from device.settings import PinFactory, Pins

FACTORIES = {
    PinFactory.LGPIO: ("gpiozero.pins.lgpio:LGPIOFactory", True),
    PinFactory.MOCK: ("gpiozero.pins.mock:MockFactory", False),
}


BOUNCE_S = 0.01
"""A mechanical contact bounces for some milliseconds; a turnstile's passage pulse lasts 0.3 s (TiSO)."""


@cache
def factory(pins: Pins) -> Any:
    """The one pin factory of this process. Raises HardwareError where its driver is missing or the chip is not there."""
    name, takes_chip = FACTORIES[pins.factory]
    module, _, kind = name.partition(":")
    hint = f"pins.factory is '{pins.factory}'; on a Pi: apt install python3-lgpio, and the user must be in group gpio"
    try:
        make = getattr(importlib.import_module(module), kind)
        return make(chip=pins.chip) if takes_chip else make()
    except ImportError as error:
        raise HardwareError(f"no driver for the pins: {error}", hint=hint) from None
    except Exception as error:  # noqa: BLE001 - lgpio.error, PinUnsupported, OSError …: drivers share no root
        raise HardwareError(f"the pins cannot be used: {error}", hint=hint) from None


def output(pins: Pins, number: int, *, active_high: bool = True) -> gpiozero.DigitalOutputDevice:
    """Pin ``number`` as an output that is off. Raises HardwareError where it is busy or cannot be driven."""
    try:
        return gpiozero.DigitalOutputDevice(number, active_high=active_high, initial_value=False, pin_factory=factory(pins))
    except Exception as error:  # noqa: BLE001 - see above
        raise HardwareError(f"pin {number} cannot be an output: {error}", hint="is another program using it? `gpioinfo` tells") from None


def contact_to_ground(pins: Pins, number: int) -> gpiozero.DigitalInputDevice:
    """Pin ``number`` as an input with pull-up: active while a contact closes it to ground. Raises HardwareError."""
    try:
        return gpiozero.DigitalInputDevice(number, pull_up=True, bounce_time=BOUNCE_S, pin_factory=factory(pins))
    except Exception as error:  # noqa: BLE001 - see above
        raise HardwareError(f"pin {number} cannot be an input: {error}", hint="is another program using it? `gpioinfo` tells") from None
