"""What the gate can switch: relays, lamps, buzzer. One file a kind of relay; a kind is imported only when chosen."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Protocol

from device import keeper
from device.errors import HardwareError
from device.gate import pins
from device.settings import FurtherRelay, RelayKind, Settings
from device.turnstile.lane import Relay
from device.turnstile.signals import Indicator


class Lost(HardwareError):  # noqa: N818 - a state that passes
    """A relay board is gone or silent, for now. What its relays are is unknown until it is back; then they are off."""


class Switch(Protocol):
    """One thing that is on or off. It is off when made (``Relay.FREE``: as it was asked for).

    Contract (``tests/device/gate/outputs/test_contract.py``): switching is idempotent; after ``on`` the thing stays on
    until ``off``; a switch whose hardware is gone raises HardwareError: ``Lost`` where it may come back, any other where
    the process has to end.
    """

    def on(self) -> None: ...
    def off(self) -> None: ...


class Closable(Switch, Protocol):
    """A switch that has its hardware for itself. It is off after ``close``."""

    def close(self) -> None: ...


class Relays(Protocol):
    """All relays of a gate, by what they are for."""

    @property
    def switches(self) -> Mapping[Relay, Switch]: ...

    def lost(self) -> str | None:
        """Why the relays do not obey just now, ``None`` while all is well. It never waits; a loss lasts for longer than half a second."""
        ...

    def close(self) -> None:
        """Switch everything off and let go of it, except ``Relay.FREE``, which stays as it is: to stop is no reason to close.

        ``failsafe`` follows, and knows whether the lane must be free. Raises HardwareError.
        """
        ...


RELAYS = {
    RelayKind.GPIO: "device.gate.outputs.gpio:open_relays",
    RelayKind.LCUS: "device.gate.outputs.lcus:open_relays",
    RelayKind.MODBUS: "device.gate.outputs.modbus:open_relays",
}


def open_relays(settings: Settings, *, free: bool = False) -> Relays:
    """Every relay that is fitted, off; ``Relay.FREE`` on from its first moment if the lane is to be ``free``.

    A keeper that ``failsafe`` left behind is ended just before. Raises HardwareError where a pin or the board is not there.
    """
    module, _, function = RELAYS[settings.relay.kind].partition(":")
    open_kind: Callable[[Settings, bool], Relays] = getattr(importlib.import_module(module), function)
    if settings.relay.kind is RelayKind.GPIO and settings.relay.pin is not None:
        pins.factory(settings.pins, settings.board.model)  # before the keeper lets go: it takes a second on a small Pi
    try:
        keeper.end_keeper(settings.paths.runtime)
    except OSError as error:
        hint = f"`fuser {settings.paths.runtime / keeper.RECORD}` names it: kill it; until then the lane stays free"
        raise HardwareError(f"failsafe's keeper does not let go of its pins: {error}", hint=hint) from None
    return open_kind(settings, free)


def open_indicators(settings: Settings) -> dict[Indicator, Closable]:
    """Every lamp that is fitted, and the buzzer, off. After ``open_relays``. Raises HardwareError."""
    from device.gate.outputs import gpio  # noqa: PLC0415 - it is made of this module's words

    lamps = {Indicator.GREEN: settings.lamps.green_pin, Indicator.RED: settings.lamps.red_pin, Indicator.AMBER: settings.lamps.amber_pin}
    fitted: dict[Indicator, Closable] = {name: gpio.open_switch(settings, number) for name, number in lamps.items() if number is not None}
    if settings.buzzer.pin is not None:
        fitted[Indicator.BUZZER] = gpio.open_buzzer(settings, settings.buzzer.pin, settings.buzzer.tone_hz)
    return fitted


def further_relays(settings: Settings) -> dict[Relay, FurtherRelay]:
    """The tables of the relays beside the first."""
    return {Relay.EXIT: settings.exit_relay, Relay.LOWER: settings.lower_relay, Relay.FREE: settings.free_relay}
