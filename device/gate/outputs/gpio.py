"""A relay, a lamp or a buzzer on a pin."""

from __future__ import annotations

from contextlib import ExitStack

import gpiozero

from device.errors import HardwareError
from device.gate import pins
from device.gate.outputs import Switch, further_relays
from device.settings import PinFactory, Settings
from device.turnstile.lane import Relay

HALF = 0.5
"""A square wave: as long high as low, which sounds loudest."""


class GpioSwitch:
    def __init__(self, device: gpiozero.DigitalOutputDevice) -> None:
        self._device = device

    def on(self) -> None:
        self._switch(on=True)

    def off(self) -> None:
        self._switch(on=False)

    def _switch(self, *, on: bool) -> None:
        try:
            self._set(on=on)
        except Exception as error:  # noqa: BLE001 - lgpio.error, DeviceClosed …: drivers share no root
            raise HardwareError(f"{self._device!r} does not switch: {error}", hint="qrgate doctor checks the pins") from None

    def _set(self, *, on: bool) -> None:
        self._device.value = on

    def close(self) -> None:
        try:
            self.off()
        finally:
            self._device.close()


class PassiveBuzzer(GpioSwitch):
    """A buzzer without an oscillator of its own. The wave runs while it sounds only: lgpio makes it in a thread, edge by edge."""

    def __init__(self, device: gpiozero.DigitalOutputDevice, tone_hz: int) -> None:
        super().__init__(device)
        self._tone_hz = tone_hz

    def _set(self, *, on: bool) -> None:
        if self._device.closed:
            raise gpiozero.DeviceClosed("it was closed")
        self._device.pin.frequency = self._tone_hz if on else None
        self._device.pin.state = HALF if on else 0  # a wave that stops may leave its last level


class GpioRelays:
    def __init__(self, switches: dict[Relay, GpioSwitch]) -> None:
        self._fitted = switches
        self.switches: dict[Relay, Switch] = {**switches}

    def lost(self) -> str | None:
        """Never: a pin that does not switch is no loss that passes."""
        return None

    def close(self) -> None:
        """``Relay.FREE`` is not even given back: the kernel takes it when the process ends, and ``failsafe`` follows at once."""
        with ExitStack() as closing:  # each by itself: one that is broken must not keep another on
            for relay, switch in self._fitted.items():
                if relay is not Relay.FREE:
                    closing.callback(switch.close)


def open_relays(settings: Settings, free: bool) -> GpioRelays:  # noqa: FBT001 - one of RELAYS
    """Raises HardwareError. ``Relay.FREE`` comes first: people may be waiting for it."""
    further = {relay: (table.pin, table.active_high) for relay, table in further_relays(settings).items()}
    tables = {Relay.FREE: further.pop(Relay.FREE), Relay.ENTRY: (settings.relay.pin, settings.relay.active_high), **further}
    return GpioRelays(
        {
            relay: open_switch(settings, number, active_high=active_high, on=free and relay is Relay.FREE)
            for relay, (number, active_high) in tables.items()
            if number is not None
        }
    )


def open_switch(settings: Settings, number: int, *, active_high: bool = True, on: bool = False) -> GpioSwitch:
    """Raises HardwareError."""
    return GpioSwitch(pins.output(settings, number, active_high=active_high, on=on))


def open_buzzer(settings: Settings, number: int, tone_hz: int) -> GpioSwitch:
    """``tone_hz`` 0: an active one. Mock pins have no frequency: theirs are on while the buzzer would sound. Raises HardwareError."""
    device = pins.output(settings, number)
    return PassiveBuzzer(device, tone_hz) if tone_hz and settings.pins.factory is not PinFactory.MOCK else GpioSwitch(device)
