from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from device import board, failsafe
from device.settings import GATE_TABLES, BoardModel, ClockSource, DisplayBus, DisplayKind, RelayKind


def value(given: dict[str, Any]) -> board.Value:
    """As of settings in which only ``given`` ({"relay.pin": 17}) differs from the defaults."""
    defaults = {f"{table}.{each.name}": each.default for table, kind in GATE_TABLES.items() for each in fields(kind)}
    return lambda table, key: {**defaults, **given}[f"{table}.{key}"]


def told(given: dict[str, Any]) -> list[tuple[str, str]]:
    return [(doubt.what, doubt.hint) for doubt in board.doubts(value(given))]


def test_the_header_has_every_number_once() -> None:
    named = [*board.HEADER.values(), *board.HEADER_GROUND, *board.HEADER_3V3, *board.HEADER_5V]
    assert sorted(named) == list(range(1, 41))


def test_every_pin_of_every_table_is_in_use_where_it_is_named() -> None:
    names = [
        f"{table}.{each.name}" for table, kind in GATE_TABLES.items() for each in fields(kind) if each.name == "pin" or each.name.endswith("_pin")
    ]
    given = {name: number for number, name in enumerate(names)}
    uses = board.uses(value({**given, "display.kind": DisplayKind.ST7789}))
    assert {f"{use.table}.{use.key}": use.pin for use in uses} == given
    assert len(uses) == len(names)


def test_pins_of_what_is_not_fitted_are_free() -> None:
    given = {"relay.kind": RelayKind.MODBUS, "relay.pin": 17, "free_relay.pin": 18, "display.data_pin": 25, "buzzer.pin": 17}
    assert board.uses(value(given)) == [("buzzer", "pin", 17)]


UP = "is pulled up while nobody drives it, and so it would be on"
DOWN = "is pulled down while nobody drives it, and so it would be on, for a low level is on"
TAKE_HIGH = "active-high outputs: 9 to 27, which are pulled down"
TAKE_LOW = "active-low outputs: 4 to 8, which are pulled up; or set the board to active-high, and active_high = true"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"relay.pin": 8}, [(f"relay.pin 8 {UP}", TAKE_HIGH)], id="an active-high relay on a pin that is pulled up"),
        pytest.param({"relay.pin": 9}, [], id="on one that is pulled down"),
        pytest.param(
            {"relay.pin": 9, "relay.active_high": False}, [(f"relay.pin 9 {DOWN}", TAKE_LOW)], id="an active-low relay on one that is pulled down"
        ),
        pytest.param({"relay.pin": 8, "relay.active_high": False}, [], id="an active-low relay on one that is pulled up"),
        pytest.param(
            {"free_relay.pin": 4, "relay.active_high": False}, [(f"free_relay.pin 4 {UP}", TAKE_HIGH)], id="each relay has a polarity of its own"
        ),
        pytest.param({"lower_relay.pin": 4}, [(f"lower_relay.pin 4 {UP}", TAKE_HIGH)], id="a barrier that comes down at boot"),
        pytest.param({"exit_relay.pin": 4}, [(f"exit_relay.pin 4 {UP}", TAKE_HIGH)], id="an exit that opens at boot"),
        pytest.param({"buzzer.pin": 4}, [(f"buzzer.pin 4 {UP}", TAKE_HIGH)], id="a buzzer that howls at boot"),
        pytest.param({"lamps.amber_pin": 4}, [(f"lamps.amber_pin 4 {UP}", TAKE_HIGH)], id="a lamp that is lit at boot"),
        pytest.param({"inputs.fire_pin": 4, "passage.pin": 20}, [], id="contacts are pulled up by us, whatever the pin does before"),
        pytest.param({"relay.pin": 17, "buzzer.pin": 17}, [("buzzer.pin 17 is also relay.pin", "one pin, one use")], id="two uses"),
        pytest.param({"relay.pin": 17, "relay.active_high": None}, [], id="a polarity that is wrong itself"),
    ],
)
@pytest.mark.parametrize("model", BoardModel)
def test_an_output_must_be_off_while_nobody_drives_it(given: dict[str, Any], expected: list[tuple[str, str]], model: BoardModel) -> None:
    assert told({**given, "board.model": model}) == expected


HAT = "the memory by which a HAT tells what it is"
CONSOLE = "the serial console, which moves them at boot"
FIXED = {0: HAT, 1: HAT, 14: CONSOLE, 15: CONSOLE}
CLOCK = "I2C, where the battery clock is"
I2C, SPI = "I2C, where the display is", "SPI, where the display is"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"board.model": BoardModel.OTHER, "clock.source": ClockSource.RTC}, {}, id="of another board nothing is known"),
        pytest.param({"board.model": BoardModel.PI4}, FIXED, id="a Pi 4"),
        pytest.param(
            {"board.model": BoardModel.PI4, "clock.source": ClockSource.RTC}, {**FIXED, 2: CLOCK, 3: CLOCK}, id="a Pi 4 with a battery clock"
        ),
        pytest.param({"board.model": BoardModel.ZERO2W, "clock.source": ClockSource.RTC}, {**FIXED, 2: CLOCK, 3: CLOCK}, id="a Zero with one"),
        pytest.param({"board.model": BoardModel.PI5, "clock.source": ClockSource.RTC}, FIXED, id="a Pi 5 has its own"),
        pytest.param({"display.kind": DisplayKind.SSD1306}, {2: I2C, 3: I2C}, id="a display on I2C, on any board"),
        pytest.param(
            {"display.kind": DisplayKind.ST7789, "display.bus": DisplayBus.SPI}, dict.fromkeys(range(7, 12), SPI), id="a display on SPI, on any board"
        ),
    ],
)
def test_pins_with_another_duty_are_reserved(given: dict[str, Any], expected: dict[int, str]) -> None:
    assert board.reserved(value(given)) == expected


def test_a_reserved_pin_in_use_is_told_with_who_has_it() -> None:
    given = {"board.model": BoardModel.PI4, "clock.source": ClockSource.RTC, "relay.pin": 17, "inputs.fire_pin": 3, "lamps.red_pin": 14}
    assert told(given) == [(f"lamps.red_pin 14 belongs to {CONSOLE}", "another pin"), (f"inputs.fire_pin 3 belongs to {CLOCK}", "another pin")]


def test_every_model_but_the_unknown_one_has_a_name_and_a_chip() -> None:
    assert set(board.MODELS) == set(BoardModel) - {BoardModel.OTHER}
    assert len({model.chip_label for model in board.MODELS.values()}) == len(board.MODELS)


def test_failsafe_which_imports_nothing_knows_the_same_chips() -> None:
    assert {model.value: each.chip_label for model, each in board.MODELS.items()} == failsafe.CHIP_LABELS
