"""A relay, a lamp or a buzzer on a pin."""

from __future__ import annotations

import gpiozero

from device.errors import HardwareError
from device.gate import pins
from device.settings import Pins, Settings


class GpioSwitch:
    def __init__(self, device: gpiozero.DigitalOutputDevice) -> None:
        self._device = device

    def on(self) -> None:
        self._switch(on=True)

    def off(self) -> None:
        self._switch(on=False)

    def _switch(self, *, on: bool) -> None:
        try:
            self._device.value = on
        except Exception as error:  # noqa: BLE001 - lgpio.error, DeviceClosed …: drivers share no root
            raise HardwareError(f"{self._device!r} does not switch: {error}", hint="qrgate doctor checks the pins") from None

    def close(self) -> None:
        try:
            self.off()
        finally:
            self._device.close()


def open_switch(settings: Pins, number: int, *, active_high: bool = True) -> GpioSwitch:
    """Raises HardwareError."""
    return GpioSwitch(pins.output(settings, number, active_high=active_high))


def open_relay(settings: Settings) -> GpioSwitch:
    """Raises HardwareError. ``config`` has made sure that the pin is named."""
    assert settings.relay.pin is not None  # noqa: S101
    return open_switch(settings.pins, settings.relay.pin, active_high=settings.relay.active_high)
