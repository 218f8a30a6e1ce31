"""The 40-pin header as data: where each pin is, which way it is pulled while nobody drives it, and who else wants it.

Pins are BCM numbers, as everywhere. The header is the same on every Raspberry Pi since the B+.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from device.settings import BoardModel, ClockSource, DisplayBus, DisplayKind, Inputs, RelayKind

HEADER: dict[int, int] = dict(
    enumerate((27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16, 18, 22, 37, 13)),
)
"""BCM number -> number on the header."""
HEADER_GROUND = (6, 9, 14, 20, 25, 30, 34, 39)
HEADER_3V3 = (1, 17)
HEADER_5V = (2, 4)

PULLED_UP = frozenset(range(9))
"""Pins that a Raspberry Pi pulls up from power-on until somebody drives them; it pulls 9 to 27 down.

BCM2835 ARM Peripherals, table 6-31, and BCM2711 ARM Peripherals, GPIO_PUP_PDN_CNTRL, agree. The Pi 5's RP1 is taken to do the
same: `pinctrl` tells on the machine itself.
"""


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    chip_label: str  # of the gpiochip that the header hangs on; its number changes with the kernel
    has_clock: bool = False  # False: a battery clock hangs on I2C


MODELS: dict[BoardModel, Model] = {
    BoardModel.PI4: Model("Raspberry Pi 4", "pinctrl-bcm2711"),
    BoardModel.PI5: Model("Raspberry Pi 5", "pinctrl-rp1", has_clock=True),
    BoardModel.ZERO2W: Model("Raspberry Pi Zero 2 W", "pinctrl-bcm2835"),
}
"""``other`` is not here: nothing is known of it but that its pins have BCM numbers."""

RELAYS = ("relay", "exit_relay", "lower_relay", "free_relay")
FURTHER_RELAYS = RELAYS[1:]
_INDICATORS = (("lamps", "green_pin"), ("lamps", "red_pin"), ("lamps", "amber_pin"), ("buzzer", "pin"))
_INPUTS = (("passage", "pin"), ("passage", "exit_pin"), *(("inputs", each.name) for each in fields(Inputs)))
_DISPLAY = (("display", "data_pin"), ("display", "reset_pin"))

Value = Callable[[str, str], Any]
"""Table and key -> value; ``None`` where there is none."""


class Use(NamedTuple):
    table: str
    key: str
    pin: int

    def __str__(self) -> str:
        return f"{self.table}.{self.key} {self.pin}"


def uses(value: Value) -> list[Use]:
    """Every pin in use, outputs first."""
    places = [*((table, "pin") for table in RELAYS), *_INDICATORS, *_INPUTS, *_DISPLAY]
    found = [Use(table, key, pin) for table, key in places if isinstance(pin := value(table, key), int)]
    return [use for use in found if _counts(use, value)]


def _counts(use: Use, value: Value) -> bool:
    if use.table in RELAYS:
        return value("relay", "kind") is RelayKind.GPIO
    return use.table != "display" or value("display", "kind") not in (None, DisplayKind.NONE)


def reserved(value: Value) -> dict[int, str]:
    """Pins that these settings cannot have, and who has them: fixed duties of the model, and buses that are in use."""
    taken: dict[int, str] = {}
    model = MODELS.get(value("board", "model"))
    if model:
        taken |= dict.fromkeys((0, 1), "the memory by which a HAT tells what it is")
        taken |= dict.fromkeys((14, 15), "the serial console, which moves them at boot")
        if value("clock", "source") is ClockSource.RTC and not model.has_clock:
            taken |= dict.fromkeys((2, 3), "I2C, where the battery clock is")
    if value("display", "kind") not in (None, DisplayKind.NONE):
        if value("display", "bus") is DisplayBus.I2C:
            taken |= dict.fromkeys((2, 3), "I2C, where the display is")
        elif value("display", "bus") is DisplayBus.SPI:
            taken |= dict.fromkeys(range(7, 12), "SPI, where the display is")
    return taken


class Doubt(NamedTuple):
    """What is wrong with one use of a pin, and what to do about it."""

    use: Use
    what: str
    hint: str


def doubts(value: Value) -> Iterator[Doubt]:
    """Pins that are used twice, that belong to somebody else, or that are on while nobody drives them."""
    first: dict[int, Use] = {}
    taken = reserved(value)
    for use in uses(value):
        if use.pin in first:
            other = first[use.pin]
            yield Doubt(use, f"{use} is also {other.table}.{other.key}", "one pin, one use")
            continue
        first[use.pin] = use
        if use.pin in taken:
            yield Doubt(use, f"{use} belongs to {taken[use.pin]}", "another pin")
        elif _is_on_at_rest(use, value):
            yield Doubt(use, *_ON_AT_REST[use.pin in PULLED_UP](use))


def _is_on_at_rest(use: Use, value: Value) -> bool:
    """Whether the pull of a pin that nobody drives switches on what hangs on it: at power-on, at boot, after a crash."""
    active_high: bool | None = True
    if use.table in RELAYS:
        active_high = value(use.table, "active_high")
    elif (use.table, use.key) not in _INDICATORS:
        return False
    return active_high is not None and active_high == (use.pin in PULLED_UP)


_ON_AT_REST: dict[bool, Callable[[Use], tuple[str, str]]] = {
    True: lambda use: (f"{use} is pulled up while nobody drives it, and so it would be on", "active-high outputs: 9 to 27, which are pulled down"),
    False: lambda use: (
        f"{use} is pulled down while nobody drives it, and so it would be on, for a low level is on",
        "active-low outputs: 4 to 8, which are pulled up; or set the board to active-high, and active_high = true",
    ),
}
