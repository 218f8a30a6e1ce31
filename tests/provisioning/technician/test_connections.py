from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from device import config
from device.settings import Inputs
from device.turnstile.lane import LaneKind, PowerLoss
from provisioning.technician import connections
from provisioning.technician.connections import Contact, Duty, Part, RelayBoard, RelayWires, Wire

USUAL: dict[str, dict[str, Any]] = {"reader": {"source": "picamera2"}, "pins": {"factory": "lgpio"}}
GROUND = Wire(14, "GND", Duty.GROUND, "GND")


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    def read(text: str) -> connections.Tables:
        (tmp_path / "board.toml").write_text(text, encoding="utf-8")
        return config.load_bench(tmp_path / "board.toml", USUAL)

    return read


def test_an_active_high_relay_is_held_off_by_a_resistor_to_ground(bench: Any) -> None:
    assert connections.relay_board(bench("[relay]\npin = 17\n[free_relay]\npin = 27\n")) == RelayBoard(
        about="active-high",
        supplies=(Wire(2, "5 V", Duty.SUPPLY, "VCC"), GROUND),
        relays=(
            RelayWires(Wire(11, "GPIO 17", Duty.RELAY, "IN1"), "IN1", "OPEN", "10 kΩ to GND", 3.0),
            RelayWires(Wire(13, "GPIO 27", Duty.RELAY, "IN2"), "IN2", "EMERGENCY", "10 kΩ to GND", None),
        ),
        needs_timer=False,
    )


def test_an_active_low_relay_is_held_off_by_a_resistor_to_3_3_volt(bench: Any) -> None:
    assert connections.relay_board(bench('[relay]\npin = 5\nactive_high = false\ndrive = "hold"\n')) == RelayBoard(
        about="active-low",
        supplies=(Wire(17, "3.3 V", Duty.SUPPLY, "VCC"), Wire(2, "5 V", Duty.SUPPLY, "JD-VCC"), GROUND),
        relays=(RelayWires(Wire(29, "GPIO 5", Duty.RELAY, "IN1"), "IN1", "UNLOCK", "10 kΩ to 3.3 V", 3.0),),
        needs_timer=False,
    )


def test_a_relay_board_that_outlives_us_needs_timers_but_for_the_relay_that_frees(bench: Any) -> None:
    text = """
[lane]
profile = "two_way"
[relay]
kind = "modbus"
port = "/dev/ttyUSB0"
address = 9
[exit_relay]
channel = 2
[free_relay]
channel = 5
"""
    assert connections.relay_board(bench(text)) == RelayBoard(
        about="Modbus, address 9",
        supplies=(Wire(None, "USB", Duty.BUS, "A, B (RS-485)"),),
        relays=(
            RelayWires(None, "relay 1", "OPEN, in", "", 3.0),
            RelayWires(None, "relay 2", "OPEN, out", "", 3.0),
            RelayWires(None, "relay 5", "EMERGENCY", "", None),
        ),
        needs_timer=True,
    )


def test_where_nothing_moves_there_is_no_relay_board(bench: Any) -> None:
    assert connections.relay_board(bench('[lane]\nprofile = "none"\n')) is None


def test_every_input_is_drawn_in_one_place() -> None:
    assert {*connections.CONTACTS, "ready_pin"} == {each.name for each in fields(Inputs)}


def test_contacts_tell_whether_they_are_closed_at_rest(bench: Any) -> None:
    tables = bench("[relay]\npin = 17\n[passage]\npin = 27\n[inputs]\nouter_beam_pin = 5\nassist_button_pin = 6\nready_pin = 13\n")
    assert connections.contacts(tables) == [
        Contact(Wire(29, "GPIO 5", Duty.CONTACT, ""), "light barrier, outer side", closed_at_rest=True),
        Contact(Wire(31, "GPIO 6", Duty.CONTACT, ""), "button: I need help", closed_at_rest=False),
    ]
    assert connections.drive_contacts(tables) == [
        Contact(Wire(13, "GPIO 27", Duty.CONTACT, ""), "PASS", closed_at_rest=False),
        Contact(Wire(33, "GPIO 13", Duty.CONTACT, ""), "READY", closed_at_rest=True),
    ]


def test_lamps_and_buzzer_are_told_with_what_hangs_behind_their_driver(bench: Any) -> None:
    tables = bench("[relay]\npin = 17\n[lamps]\namber_pin = 25\n[buzzer]\npin = 24\ntone_hz = 2700\n")
    assert connections.indicators(tables) == [
        (Wire(22, "GPIO 25", Duty.INDICATOR, ""), "amber lamp"),
        (Wire(18, "GPIO 24", Duty.INDICATOR, ""), "buzzer, passive, 2700 Hz"),
    ]


I2C = (
    Wire(1, "3.3 V", Duty.SUPPLY, "VCC"),
    Wire(3, "GPIO 2", Duty.BUS, "SDA"),
    Wire(5, "GPIO 3", Duty.BUS, "SCL"),
    Wire(9, "GND", Duty.GROUND, "GND"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('[board]\nmodel = "pi4"\n[clock]\nsource = "rtc"\n', [Part("battery clock DS3231", "", I2C)], id="a clock"),
        pytest.param('[board]\nmodel = "pi5"\n[clock]\nsource = "rtc"\n', [], id="a Pi 5 has its own"),
        pytest.param(
            '[board]\nmodel = "pi4"\n[clock]\nsource = "rtc"\n[display]\nkind = "sh1106"\n',
            [Part("battery clock DS3231", "and beside it: display SH1106 at 0x3C", I2C)],
            id="a clock and a display",
        ),
        pytest.param(
            '[display]\nkind = "st7789"\nbus = "spi"\ndata_pin = 25\n',
            [
                Part(
                    "display ST7789",
                    "",
                    (
                        Wire(1, "3.3 V", Duty.SUPPLY, "VCC"),
                        Wire(19, "GPIO 10", Duty.BUS, "MOSI"),
                        Wire(23, "GPIO 11", Duty.BUS, "SCLK"),
                        Wire(24, "GPIO 8", Duty.BUS, "CS"),
                        Wire(22, "GPIO 25", Duty.BUS, "D/C"),
                        Wire(25, "GND", Duty.GROUND, "GND"),
                    ),
                )
            ],
            id="a display on SPI",
        ),
    ],
)
def test_clock_and_display_hang_on_a_bus(bench: Any, text: str, expected: list[Part]) -> None:
    assert connections.parts(bench(f"[relay]\npin = 17\n{text}")) == expected


def test_what_a_loss_of_power_does_is_what_the_settings_say_else_what_is_usual(bench: Any) -> None:
    assert connections.power_loss(bench("[relay]\npin = 17\n")) is PowerLoss.ARM_DROPS
    assert connections.power_loss(bench('[relay]\npin = 17\n[lane]\npower_loss = "closed"\n')) is PowerLoss.CLOSED


def test_every_lane_and_every_loss_of_power_has_words() -> None:
    assert (set(connections.DRIVES), set(connections.LOSS_OF_POWER)) == (set(LaneKind), set(PowerLoss))
