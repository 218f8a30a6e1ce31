"""What is connected to what, read from the tables of a ``gate.toml``: the wires of a gate, before anybody draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from device import board
from device.settings import BoardModel, ClockSource, DisplayBus, DisplayKind, Inputs, RelayKind
from device.turnstile.lane import CLOSED_AT_REST, PROFILES, Drive, LaneKind, PowerLoss, Sensor

Tables = Mapping[str, Any]
"""Table -> its values, as ``config.load_bench`` gives them."""


class Duty(StrEnum):
    """What a pin of the header is there for. Each looks different on paper, also without colours."""

    RELAY = "relay"
    INDICATOR = "lamp, buzzer"
    CONTACT = "contact"
    BUS = "bus"
    SUPPLY = "3.3 V, 5 V"
    GROUND = "ground"


@dataclass(frozen=True, slots=True)
class Wire:
    """From the computer to a terminal called ``end``. ``header`` is the number on the header; ``None``: it comes from elsewhere."""

    header: int | None
    name: str
    duty: Duty
    end: str

    @property
    def start(self) -> str:
        return f"{self.name} ({self.header})" if self.header else self.name


@dataclass(frozen=True, slots=True)
class RelayWires:
    """One relay: what drives it, and which input of the drive its dry contact closes."""

    drives: Wire | None  # None: it is driven over the serial port
    name: str  # of the relay on its board
    orders: str
    pull: str  # resistor at the board's end of the wire; empty: none
    limit_s: float | None  # of a one-shot timer relay behind its contact; None: it must be able to stay on


@dataclass(frozen=True, slots=True)
class RelayBoard:
    about: str
    supplies: tuple[Wire, ...]
    relays: tuple[RelayWires, ...]
    needs_timer: bool  # it keeps its relays when the computer dies


@dataclass(frozen=True, slots=True)
class Contact:
    wire: Wire
    what: str
    closed_at_rest: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A module on a bus."""

    title: str
    about: str
    wires: tuple[Wire, ...]


RELAY_GROUND, DRIVER_GROUND, CONTACT_GROUND, I2C_GROUND, SPI_GROUND = 14, 20, 39, 9, 25
"""Which of the grounds each group of wires takes; they are all one."""

DRIVES: dict[LaneKind, str] = {
    LaneKind.TRIPOD: "tripod turnstile",
    LaneKind.FLAP: "flap gate",
    LaneKind.TWO_WAY: "two-way turnstile",
    LaneKind.WIDE: "wide lane",
    LaneKind.BARRIER: "vehicle barrier",
    LaneKind.NONE: "a passage in which nothing moves",
}
LOSS_OF_POWER: dict[PowerLoss, str] = {
    PowerLoss.OPEN: "it stands open",
    PowerLoss.CLOSED: "it stays shut; people need another way out, and the drive a hand crank",
    PowerLoss.ARM_DROPS: "the arm drops, and people walk through",
}
CONTACTS: dict[str, str] = {
    "outer_beam_pin": "light barrier, outer side",
    "inner_beam_pin": "light barrier, inner side",
    "loop_pin": "loop detector under the boom",
    "fire_pin": "fire alarm, its second pole",
    "break_glass_pin": "break-glass, its second pole",
    "tamper_pin": "switch at the housing's door",
    "mains_pin": "mains monitor",
    "exit_button_pin": "button: let me out",
    "assist_button_pin": "button: I need help",
    "setup_button_pin": "button: set-up, inside the housing",
    "key_free_pin": "key switch, position free",
    "key_reset_pin": "key switch, position reset",
}


def model_name(tables: Tables) -> str:
    model: BoardModel = tables["board"].model
    return board.MODELS[model].name if model in board.MODELS else "Computer with a 40-pin header"


def power_loss(tables: Tables) -> PowerLoss:
    return tables["lane"].power_loss or PROFILES[tables["lane"].profile].power_loss


def moves(tables: Tables) -> bool:
    return PROFILES[tables["lane"].profile].moves


# --- relays ----------------------------------------------------------------------------------------------------


def relay_board(tables: Tables) -> RelayBoard | None:
    """``None`` where nothing moves."""
    if not moves(tables):
        return None
    kind: RelayKind = tables["relay"].kind
    fitted = [name for name in board.RELAYS if (tables[name].pin if kind is RelayKind.GPIO else tables[name].channel) is not None]
    relays = tuple(_relay(tables, name, number) for number, name in enumerate(fitted, start=1))
    if kind is not RelayKind.GPIO:
        about = "LCUS, on USB" if kind is RelayKind.LCUS else f"Modbus, address {tables['relay'].address}"
        port = Wire(None, "USB", Duty.BUS, "USB" if kind is RelayKind.LCUS else "A, B (RS-485)")
        return RelayBoard(about, (port,), relays, needs_timer=True)
    ground = Wire(RELAY_GROUND, "GND", Duty.GROUND, "GND")
    coils = Wire(2, "5 V", Duty.SUPPLY, "VCC")
    if all(tables[name].active_high for name in fitted):
        return RelayBoard("active-high", (coils, ground), relays, needs_timer=False)
    # With 5 V at the opto-couplers of an active-low board, our high level of 3.3 V would not surely be off.
    opto = Wire(17, "3.3 V", Duty.SUPPLY, "VCC")
    return RelayBoard("active-low", (opto, replace(coils, end="JD-VCC"), ground), relays, needs_timer=False)


def _relay(tables: Tables, name: str, number: int) -> RelayWires:
    relay, lane = tables[name], tables["lane"].profile
    limit_s = None if name == "free_relay" else tables["relay"].max_on_s
    if tables["relay"].kind is not RelayKind.GPIO:
        return RelayWires(None, f"relay {relay.channel}", _order(tables, name, lane), "", limit_s)
    drives = Wire(board.HEADER[relay.pin], f"GPIO {relay.pin}", Duty.RELAY, f"IN{number}")
    return RelayWires(drives, f"IN{number}", _order(tables, name, lane), "10 kΩ to GND" if relay.active_high else "10 kΩ to 3.3 V", limit_s)


def _order(tables: Tables, name: str, lane: LaneKind) -> str:
    if name == "relay":
        word = "RAISE" if lane is LaneKind.BARRIER else "UNLOCK" if tables["relay"].drive is Drive.HOLD else "OPEN"
        exits = any(getattr(tables["exit_relay"], key) is not None for key in ("pin", "channel"))
        return f"{word}, in" if exits else word
    return {"exit_relay": "OPEN, out", "lower_relay": "LOWER", "free_relay": "EMERGENCY"}[name]


# --- lamps, contacts, buses ------------------------------------------------------------------------------------


def indicators(tables: Tables) -> list[tuple[Wire, str]]:
    """Each with what hangs behind its driver."""
    lamps, buzzer = tables["lamps"], tables["buzzer"]
    sound = f"buzzer, passive, {buzzer.tone_hz} Hz" if buzzer.tone_hz else "buzzer, active"
    named = [(lamps.green_pin, "green lamp"), (lamps.red_pin, "red lamp"), (lamps.amber_pin, "amber lamp"), (buzzer.pin, sound)]
    return [(_gpio(pin, Duty.INDICATOR), what) for pin, what in named if pin is not None]


def drive_contacts(tables: Tables) -> list[Contact]:
    """What the drive itself tells."""
    passage, inputs = tables["passage"], tables["inputs"]
    word = "PASS" if passage.exit_pin is None else "PASS, in"
    named = [(passage.pin, word, False), (passage.exit_pin, "PASS, out", False), (inputs.ready_pin, "READY", True)]
    return [Contact(_gpio(pin, Duty.CONTACT), what, closed) for pin, what, closed in named if pin is not None]


def contacts(tables: Tables) -> list[Contact]:
    found = []
    for key in (each.name for each in fields(Inputs) if each.name in CONTACTS):
        pin = getattr(tables["inputs"], key)
        if pin is not None:
            closed = Sensor(key.removesuffix("_pin")) in CLOSED_AT_REST
            found.append(Contact(_gpio(pin, Duty.CONTACT), CONTACTS[key], closed))
    return found


def parts(tables: Tables) -> list[Part]:
    """The battery clock and the display."""
    return [*_on_i2c(tables), *_on_spi(tables)]


def _on_i2c(tables: Tables) -> list[Part]:
    display, model = tables["display"], board.MODELS.get(tables["board"].model)
    on_i2c = []
    if tables["clock"].source is ClockSource.RTC and model and not model.has_clock:
        on_i2c.append("battery clock DS3231")
    if display.kind is not DisplayKind.NONE and display.bus is DisplayBus.I2C:
        on_i2c.append(f"display {display.kind.upper()} at 0x{display.address:02X}")
    if not on_i2c:
        return []
    data, clock = _gpio(2, Duty.BUS, "SDA"), _gpio(3, Duty.BUS, "SCL")
    wires = (Wire(1, "3.3 V", Duty.SUPPLY, "VCC"), data, clock, Wire(I2C_GROUND, "GND", Duty.GROUND, "GND"))
    return [Part(on_i2c[0], f"and beside it: {on_i2c[1]}" if len(on_i2c) > 1 else "", wires)]


def _on_spi(tables: Tables) -> list[Part]:
    display = tables["display"]
    if display.kind is DisplayKind.NONE or display.bus is not DisplayBus.SPI:
        return []
    lines = [(10, "MOSI"), (11, "SCLK"), (8, "CS"), (display.data_pin, "D/C"), (display.reset_pin, "RST")]
    driven = [_gpio(pin, Duty.BUS, end) for pin, end in lines if pin is not None]
    wires = (Wire(1, "3.3 V", Duty.SUPPLY, "VCC"), *driven, Wire(SPI_GROUND, "GND", Duty.GROUND, "GND"))
    return [Part(f"display {display.kind.upper()}", "", wires)]


def second_pole(tables: Tables, key: str) -> str:
    """Where the second pole of a contact goes whose first frees people without the gate; empty where it has none."""
    pin = getattr(tables["inputs"], key)
    return "" if pin is None else f"second pole: {_gpio(pin, Duty.CONTACT).start}"


def _gpio(pin: int, duty: Duty, end: str = "") -> Wire:
    return Wire(board.HEADER[pin], f"GPIO {pin}", duty, end)
