from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import pytest

from device import contradictions
from device.settings import GATE_TABLES, DisplayBus, DisplayKind, PinFactory, RelayKind, ScannerModel, ScannerTrigger, SourceKind
from device.turnstile.lane import LaneKind

NEEDED = {"reader.source": SourceKind.PICAMERA2, "pins.factory": PinFactory.MOCK}


def told(given: dict[str, Any], *, wrong: tuple[str, ...] = ()) -> list[str]:
    """Of settings in which only ``given`` ({"relay.pin": 17}) differs from the defaults, and keys ``wrong`` were wrong themselves."""
    values: dict[str, dict[str, Any]] = {}
    for table, kind in GATE_TABLES.items():
        defaults = {f"{table}.{each.name}": each.default for each in fields(kind) if each.default is not MISSING}
        known = {name: value for name, value in {**defaults, **NEEDED, **given}.items() if name.startswith(f"{table}.") and name not in wrong}
        values[table] = {name.partition(".")[2]: value for name, value in known.items()}
    found: list[str] = []
    contradictions.tell(values, lambda table, key, what, hint: found.append(f"{table}.{key}: {what} ({hint})"))
    return found


GPIO = {"relay.pin": 17}
LCUS = {"relay.kind": RelayKind.LCUS, "relay.port": "/dev/ttyUSB0"}
MODBUS = {**LCUS, "relay.kind": RelayKind.MODBUS}
FREE = {**GPIO, "free_relay.pin": 27}
TWO_WAY, FLAP, WIDE, BARRIER, NONE, TRIPOD = (
    {"lane.profile": kind} for kind in (LaneKind.TWO_WAY, LaneKind.FLAP, LaneKind.WIDE, LaneKind.BARRIER, LaneKind.NONE, LaneKind.TRIPOD)
)
BESIDE = "a contact at the drive's emergency input, or beside the lock's own: hardware/wiring.md"
BOTH_WAYS = "it is for two_way, flap, wide"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(GPIO, id="one relay"),
        pytest.param(NONE, id="a lane in which nothing moves needs no relay"),
        pytest.param({**NONE, "inputs.break_glass_pin": 5, "inputs.key_reset_pin": 6}, id="and nothing that would free it"),
        pytest.param({**LCUS, "free_relay.channel": 2}, id="two relays of a serial board"),
        pytest.param({**MODBUS, "relay.channel": 9, "free_relay.channel": 32}, id="a large Modbus board"),
        pytest.param({**TWO_WAY, **GPIO, "exit_relay.pin": 18}, id="a relay for either way"),
        pytest.param({**WIDE, **GPIO, "exit_relay.pin": 18, "inputs.exit_button_pin": 5}, id="a wide lane with an exit button"),
        pytest.param({**FLAP, **GPIO, "inputs.exit_button_pin": 5}, id="an exit button where one relay opens both ways"),
        pytest.param({**BARRIER, **GPIO, "lower_relay.pin": 18, "inputs.loop_pin": 5}, id="a barrier that is lowered"),
        pytest.param(
            {**FREE, "inputs.fire_pin": 5, "inputs.key_reset_pin": 6, "inputs.break_glass_pin": 13, "inputs.key_free_pin": 19}, id="what frees"
        ),
        pytest.param({**GPIO, "inputs.outer_beam_pin": 5, "inputs.inner_beam_pin": 6}, id="two beams"),
        pytest.param({**GPIO, "inputs.outer_beam_pin": 5}, id="one beam"),
    ],
)
def test_keys_that_agree_are_not_told(given: dict[str, Any]) -> None:
    assert told(given) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, ["relay.kind: relay.kind gpio needs relay.pin (the BCM number of the relay's pin)"], id="no pin"),
        pytest.param(
            {"relay.kind": RelayKind.MODBUS},
            ["relay.kind: relay.kind modbus needs relay.port (the serial port's name, best under /dev/serial/by-id)"],
            id="no port",
        ),
        pytest.param(
            {**GPIO, "free_relay.channel": 2},
            ["free_relay.channel: relay.kind is gpio, whose relays have no free_relay.channel (name it by free_relay.pin)"],
            id="a channel among pins",
        ),
        pytest.param(
            {**TWO_WAY, **LCUS, "exit_relay.pin": 18},
            ["exit_relay.pin: relay.kind is lcus, whose relays have no exit_relay.pin (name it by exit_relay.channel)"],
            id="a pin among channels",
        ),
        pytest.param(
            {**MODBUS, "free_relay.channel": 1},
            ["free_relay.channel: free_relay.channel 1 is also relay.channel (one channel, one relay)"],
            id="a channel twice",
        ),
        pytest.param(
            {**LCUS, "relay.channel": 9}, ["relay.channel: relay.channel 9 is on no LCUS board (1 to 8)"], id="a channel that no LCUS board has"
        ),
        pytest.param(
            {**TWO_WAY, **GPIO},
            ["lane.profile: lane.profile two_way needs exit_relay (the relay that lets people out; with one relay it is a tripod or a flap)"],
            id="two ways and one relay",
        ),
        pytest.param(
            {**GPIO, "exit_relay.pin": 18},
            [f"exit_relay.pin: lane.profile tripod has no use for exit_relay ({BOTH_WAYS})"],
            id="an exit that is free",
        ),
        pytest.param(
            {**BARRIER, **LCUS, "exit_relay.channel": 2},
            [f"exit_relay.channel: lane.profile barrier has no use for exit_relay ({BOTH_WAYS})"],
            id="a barrier that opens twice",
        ),
        pytest.param(
            {**FLAP, **GPIO, "lower_relay.pin": 18},
            ["lower_relay.pin: lane.profile flap has nothing to lower (it is for barrier)"],
            id="a flap that is lowered",
        ),
        pytest.param(
            {**BARRIER, **MODBUS, "lower_relay.channel": 2},
            ["lower_relay.channel: lower_relay needs inputs.loop_pin (it must not come down on what stands below)"],
            id="a barrier that is blind",
        ),
        pytest.param(
            {**GPIO, "inputs.exit_button_pin": 5},
            ["inputs.exit_button_pin: lane.profile tripod is free outward by its mechanics: inputs.exit_button_pin does nothing (leave it out)"],
            id="an exit button at a tripod",
        ),
        pytest.param(
            {**NONE, "inputs.exit_button_pin": 5},
            ["inputs.exit_button_pin: lane.profile none has nothing to open: inputs.exit_button_pin does nothing (leave it out)"],
            id="an exit button where nothing moves",
        ),
        pytest.param(
            {**GPIO, "inputs.fire_pin": 5},
            [
                f"inputs.fire_pin: inputs.fire_pin needs free_relay, or it would be read and free nobody ({BESIDE})",
                "inputs.fire_pin: inputs.fire_pin needs inputs.key_reset_pin (it stays until a person ends it at the key switch)",
            ],
            id="fire that frees nobody and never ends",
        ),
        pytest.param(
            {**GPIO, "inputs.break_glass_pin": 5, "inputs.key_free_pin": 6},
            [
                f"inputs.break_glass_pin: inputs.break_glass_pin needs free_relay, or it would be read and free nobody ({BESIDE})",
                f"inputs.key_free_pin: inputs.key_free_pin needs free_relay, or it would be read and free nobody ({BESIDE})",
                "inputs.break_glass_pin: inputs.break_glass_pin needs inputs.key_reset_pin (it stays until a person ends it at the key switch)",
            ],
            id="an emergency button and a key that free nobody",
        ),
        pytest.param(
            {**NONE, "inputs.fire_pin": 5},
            ["inputs.fire_pin: inputs.fire_pin needs inputs.key_reset_pin (it stays until a person ends it at the key switch)"],
            id="fire that never ends where nothing moves",
        ),
        pytest.param(
            {**GPIO, "inputs.inner_beam_pin": 5},
            ["inputs.inner_beam_pin: inputs.inner_beam_pin needs inputs.outer_beam_pin (a single beam is the outer one)"],
            id="an inner beam alone",
        ),
        pytest.param(
            {**GPIO, "passage.exit_pin": 5},
            ["passage.exit_pin: passage.exit_pin needs passage.pin (a single contact is passage.pin)"],
            id="a way out alone",
        ),
        pytest.param(
            {**GPIO, "display.kind": DisplayKind.ST7789, "display.bus": DisplayBus.SPI},
            ["display.bus: display.bus spi needs display.data_pin (the BCM number of its D/C line)"],
            id="a display on SPI without its data line",
        ),
        pytest.param(
            {**GPIO, "display.kind": DisplayKind.ST7789, "display.bus": DisplayBus.SPI, "display.data_pin": 9},
            ["display.data_pin: display.data_pin 9 belongs to SPI, where the display is (another pin)"],
            id="a data line in the bus",
        ),
    ],
)
def test_keys_that_do_not_agree_are_told_where_they_stand(given: dict[str, Any], expected: list[str]) -> None:
    assert told(given) == expected


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        pytest.param({}, ("relay.pin",), id="the relay's pin"),
        pytest.param({"free_relay.channel": 2}, ("relay.kind",), id="the kind of relay"),
        pytest.param(TWO_WAY | GPIO, ("exit_relay.pin",), id="the exit relay's pin"),
        pytest.param(GPIO, ("exit_relay.pin", "lower_relay.channel"), id="relays that this lane has no use for"),
        pytest.param({"exit_relay.pin": 18, "inputs.exit_button_pin": 5}, ("lane.profile", "relay.pin"), id="the profile"),
        pytest.param({**GPIO, "inputs.fire_pin": 5}, ("free_relay.pin", "inputs.key_reset_pin"), id="what frees"),
        pytest.param({**BARRIER, **GPIO, "lower_relay.pin": 18}, ("inputs.loop_pin",), id="the loop"),
        pytest.param({**GPIO, "relay.pulse_s": 9.0}, ("relay.max_on_s",), id="the maximum"),
        pytest.param({**GPIO, "reader.source": SourceKind.WEBCAM}, ("reader.path",), id="the camera's path"),
    ],
)
def test_a_key_that_is_wrong_itself_contradicts_none(given: dict[str, Any], wrong: tuple[str, ...]) -> None:
    assert told(given, wrong=wrong) == []


def test_a_scan_module_must_be_one_that_can_be_reached_and_triggered() -> None:
    scanner = {**GPIO, "reader.source": SourceKind.SCANNER, "scanner.trigger": ScannerTrigger.HOST, "scanner.model": ScannerModel.TERMINATED}
    assert told(scanner) == [
        "reader.source: reader.source scanner needs scanner.port (the serial port's name, best under /dev/serial/by-id)",
        'scanner.trigger: scanner.model terminated takes no commands, so the gate cannot trigger it (trigger = "continuous")',
    ]
