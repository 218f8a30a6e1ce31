"""GPIO pins through gpiozero, with the pin factory that the settings name: never guessed, never another one.

gpiozero would try driver after driver and fall back with a warning; a gate whose relay hangs on a fallback stays shut or
open without anybody knowing why.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import gpiozero

from device import failsafe
from device.errors import HardwareError
from device.settings import BoardModel, PinFactory, Pins, Settings

NS_PER_S = 1_000_000_000

LGPIO, MOCK = "device.gate.lgpio_pins", "gpiozero.pins.mock"
"""Named, not imported: the first needs lgpio, which many machines lack."""

Changed = Callable[[bool, int], None]
"""(closed, at_ns): what a contact is since the moment ``at_ns`` on the monotonic clock."""


@cache
def factory(pins: Pins, model: BoardModel) -> Any:
    """The one pin factory of this process. Raises HardwareError where its driver is missing or the chip is not there."""
    hint = f"pins.factory is '{pins.factory}'; on a Pi: apt install python3-lgpio, and the user must be in group gpio"
    try:
        if pins.factory is PinFactory.MOCK:
            return importlib.import_module(MOCK).MockFactory()
        return importlib.import_module(LGPIO).Factory(chip_number(pins, model), model)
    except HardwareError:
        raise
    except ImportError as error:
        raise HardwareError(f"no driver for the pins: {error}", hint=hint) from None
    except Exception as error:  # noqa: BLE001 - lgpio.error, PinUnsupported, OSError …: drivers share no root
        raise HardwareError(f"the pins cannot be used: {error}", hint=hint) from None


def chip_number(pins: Pins, model: BoardModel) -> int:
    """The gpiochip that has the pins: by its number, or by the label that such a board's has. Raises HardwareError.

    Numbers differ from kernel to kernel: the header of a Pi 5 was gpiochip4, became gpiochip0, and may be above 10.
    """
    if pins.chip is not None:
        return pins.chip
    try:
        return failsafe.find_chip(model)
    except OSError as error:
        raise HardwareError(str(error), hint="`gpiodetect` lists the chips; is board.model right? pins.chip may name the number") from None


def output(settings: Settings, number: int, *, active_high: bool = True, on: bool = False) -> gpiozero.DigitalOutputDevice:
    """Pin ``number`` as an output that is off, or ``on``, from its first moment. Raises HardwareError where it is busy or cannot be driven."""
    made_by = factory(settings.pins, settings.board.model)
    try:
        return gpiozero.DigitalOutputDevice(number, active_high=active_high, initial_value=on, pin_factory=made_by)
    except Exception as error:  # noqa: BLE001 - see above
        raise HardwareError(f"pin {number} cannot be an output: {error}", hint="is another program using it? `gpioinfo` tells") from None


class Contact:
    """An input with pull-up, closed while a contact connects it to ground.

    It tells every edge, those of a bouncing contact too, as long as somebody holds a reference to it.
    """

    def __init__(self, device: gpiozero.InputDevice, changed: Changed) -> None:
        self._device = device
        self._changed = changed
        device.pin.when_changed = self._edge  # gpiozero keeps no more than a weak reference

    def is_closed(self) -> bool:
        """As it is now. Raises HardwareError."""
        try:
            return bool(self._device.is_active)
        except Exception as error:  # noqa: BLE001 - see above
            raise HardwareError(f"{self._device!r} cannot be read: {error}", hint="qrgate doctor checks the pins") from None

    def close(self) -> None:
        if not self._device.closed:
            self._device.pin.when_changed = None
            self._device.close()

    def _edge(self, ticks: float, state: float) -> None:
        """In the driver's thread. ``ticks`` are seconds on CLOCK_MONOTONIC: lgpio has the kernel's time of the edge."""
        self._changed(not state, int(ticks * NS_PER_S))


def contact(settings: Settings, number: int, changed: Changed) -> Contact:
    """Pin ``number`` as a contact to ground. Raises HardwareError.

    ``changed`` is called in the driver's thread, which serves all pins: it must return at once and raise nothing. What the
    contact is at first is not told: ask ``is_closed`` afterwards.
    """
    made_by = factory(settings.pins, settings.board.model)
    try:
        return Contact(gpiozero.InputDevice(number, pull_up=True, pin_factory=made_by), changed)
    except Exception as error:  # noqa: BLE001 - see above
        raise HardwareError(f"pin {number} cannot be an input: {error}", hint="is another program using it? `gpioinfo` tells") from None
