from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from device.config import load
from device.errors import HardwareError
from device.gate import pins
from device.settings import BoardModel, PinFactory, Pins, Settings
from tests.gates import Gate

MOCK = Pins(factory=PinFactory.MOCK)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Pins that no other test has used."""
    pins.factory.cache_clear()
    yield
    pins.factory.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load(Gate(tmp_path / "gate").folder), pins=MOCK)


def mock_pin(number: int) -> Any:
    return pins.factory(MOCK, BoardModel.OTHER).pin(number)


def nobody(_closed: bool, _at_ns: int) -> None:
    """Whom an edge does not matter."""


def test_the_factory_is_the_one_that_is_named_and_there_is_one() -> None:
    assert type(pins.factory(MOCK, BoardModel.PI4)) is MockFactory
    assert pins.factory(MOCK, BoardModel.PI4) is pins.factory(Pins(factory=PinFactory.MOCK), BoardModel.PI4)


@pytest.mark.skipif(find_spec("lgpio") is not None, reason="lgpio is installed here")
def test_a_driver_that_is_missing_is_told_and_no_other_is_taken() -> None:
    with pytest.raises(HardwareError) as caught:
        pins.factory(Pins(factory=PinFactory.LGPIO), BoardModel.OTHER)
    assert str(caught.value) == (
        "no driver for the pins: No module named 'lgpio'\n"
        "  → pins.factory is 'lgpio'; on a Pi: apt install python3-lgpio, and the user must be in group gpio"
    )


@pytest.mark.skipif(find_spec("lgpio") is None or Path("/dev/gpiochip15").exists(), reason="needs lgpio and no sixteenth chip")
def test_a_chip_that_is_not_there_is_told() -> None:
    with pytest.raises(HardwareError) as caught:
        pins.factory(Pins(factory=PinFactory.LGPIO, chip=15), BoardModel.OTHER)
    assert caught.value.what.startswith("the pins cannot be used: ")


@pytest.mark.parametrize(("chip", "model", "number"), [(3, BoardModel.PI5, 3), (0, BoardModel.PI4, 0), (None, BoardModel.OTHER, 0)])
def test_the_chip_is_the_one_that_is_named_or_the_first(chip: int | None, model: BoardModel, number: int) -> None:
    assert pins.chip_number(Pins(factory=PinFactory.LGPIO, chip=chip), model) == number


@pytest.mark.skipif(any(Path("/dev").glob("gpiochip*")), reason="this machine has gpiochips")
def test_a_board_whose_chip_is_not_there_is_told() -> None:
    with pytest.raises(HardwareError) as caught:
        pins.chip_number(Pins(factory=PinFactory.LGPIO), BoardModel.PI5)
    assert caught.value.what == "no gpiochip has the label pinctrl-rp1"
    assert caught.value.hint.startswith("`gpiodetect` lists the chips")


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("active_high", [True, False])
def test_an_output_is_as_it_was_asked_for_when_made(settings: Settings, active_high: bool, on: bool) -> None:
    device = pins.output(settings, 17, active_high=active_high, on=on)
    assert (device.value, bool(device.pin.state)) == (on, on is active_high)
    device.close()


def test_a_contact_is_closed_while_it_is_connected_to_ground(settings: Settings) -> None:
    contact = pins.contact(settings, 5, nobody)
    seen = [contact.is_closed()]
    for drive in (mock_pin(5).drive_low, mock_pin(5).drive_high):
        drive()
        seen.append(contact.is_closed())
    assert seen == [False, True, False]
    contact.close()


def test_every_edge_of_a_contact_is_told_with_its_moment_bounces_too(settings: Settings) -> None:
    told: list[tuple[bool, int]] = []
    contact = pins.contact(settings, 5, lambda closed, at_ns: told.append((closed, at_ns)))
    began_ns = time.monotonic_ns()
    for _ in range(3):
        mock_pin(5).drive_low()
        mock_pin(5).drive_high()
    ended_ns = time.monotonic_ns()
    assert [closed for closed, _ in told] == [True, False] * 3
    moments = [at_ns for _, at_ns in told]
    assert moments == sorted(moments)
    assert began_ns - 1000 <= moments[0]  # the driver counts in seconds, as a float: to the microsecond
    assert moments[-1] <= ended_ns + 1000
    contact.close()


def test_a_contact_that_was_closed_tells_nothing_more_and_frees_its_pin(settings: Settings) -> None:
    told: list[bool] = []
    contact = pins.contact(settings, 5, lambda closed, _: told.append(closed))
    pin = mock_pin(5)
    contact.close()
    contact.close()
    pin.drive_low()
    assert told == []
    with pytest.raises(HardwareError):
        contact.is_closed()
    pins.contact(settings, 5, nobody).close()


def test_a_pin_that_is_busy_is_told_for_output_and_input(settings: Settings) -> None:
    device = pins.output(settings, 17)
    with pytest.raises(HardwareError) as output:
        pins.output(settings, 17)
    with pytest.raises(HardwareError) as contact:
        pins.contact(settings, 17, nobody)
    assert [error.value.what.partition(":")[0] for error in (output, contact)] == ["pin 17 cannot be an output", "pin 17 cannot be an input"]
    device.close()


def test_a_pin_that_no_board_has_is_told(settings: Settings) -> None:
    with pytest.raises(HardwareError) as caught:
        pins.output(settings, 99)
    assert caught.value.what.startswith("pin 99 cannot be an output: ")
