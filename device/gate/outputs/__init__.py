"""What the gate can switch: relay, lamps, buzzer. One file a kind of switch; a kind is imported only when chosen."""

from __future__ import annotations

import importlib
from typing import Protocol

from device.settings import RelayKind, Settings


class Switch(Protocol):
    """One thing that is on or off. It is off when made, and off after ``close``.

    Contract (``tests/device/gate/outputs/test_contract.py``): switching is idempotent; after ``on`` the thing stays on
    until ``off`` or ``close``; a switch whose hardware is gone raises HardwareError.
    """

    def on(self) -> None: ...
    def off(self) -> None: ...
    def close(self) -> None: ...


RELAYS = {
    RelayKind.GPIO: "device.gate.outputs.gpio:open_relay",
    RelayKind.LCUS: "device.gate.outputs.lcus:open_relay",
}


def open_relay(settings: Settings) -> Switch:
    """The relay that the settings name, off. Raises HardwareError."""
    module, _, function = RELAYS[settings.relay.kind].partition(":")
    relay: Switch = getattr(importlib.import_module(module), function)(settings)
    return relay
