from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory

from device.errors import HardwareError
from device.gate import pins
from device.settings import PinFactory, Pins

MOCK = Pins(factory=PinFactory.MOCK)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Pins that no other test has used."""
    pins.factory.cache_clear()
    yield
    pins.factory.cache_clear()


def test_the_factory_is_the_one_that_is_named_and_there_is_one() -> None:
    assert type(pins.factory(MOCK)) is MockFactory
    assert pins.factory(MOCK) is pins.factory(Pins(factory=PinFactory.MOCK))


@pytest.mark.skipif(find_spec("lgpio") is not None, reason="lgpio is installed here")
def test_a_driver_that_is_missing_is_told_and_no_other_is_taken() -> None:
    with pytest.raises(HardwareError) as caught:
        pins.factory(Pins(factory=PinFactory.LGPIO))
    assert str(caught.value) == (
        "no driver for the pins: No module named 'lgpio'\n"
        "  → pins.factory is 'lgpio'; on a Pi: apt install python3-lgpio, and the user must be in group gpio"
    )


@pytest.mark.skipif(find_spec("lgpio") is None or Path("/dev/gpiochip15").exists(), reason="needs lgpio and no sixteenth chip")
def test_a_chip_that_is_not_there_is_told() -> None:
    with pytest.raises(HardwareError) as caught:
        pins.factory(Pins(factory=PinFactory.LGPIO, chip=15))
    assert caught.value.what.startswith("the pins cannot be used: ")


@pytest.mark.parametrize("active_high", [True, False])
def test_an_output_is_off_when_made(active_high: bool) -> None:
    device = pins.output(MOCK, 17, active_high=active_high)
    assert (device.value, bool(device.pin.state)) == (0, not active_high)
    device.close()


def test_a_contact_is_active_while_it_is_closed_to_ground() -> None:
    contact = pins.contact_to_ground(MOCK, 5)
    values = [contact.value]
    for drive in (contact.pin.drive_low, contact.pin.drive_high):
        drive()
        values.append(contact.value)
    assert values == [0, 1, 0]
    contact.close()


def test_a_pin_that_is_busy_is_told_for_output_and_input() -> None:
    device = pins.output(MOCK, 17)
    with pytest.raises(HardwareError) as output:
        pins.output(MOCK, 17)
    with pytest.raises(HardwareError) as contact:
        pins.contact_to_ground(MOCK, 17)
    assert [error.value.what.partition(":")[0] for error in (output, contact)] == ["pin 17 cannot be an output", "pin 17 cannot be an input"]
    device.close()


def test_a_pin_that_no_board_has_is_told() -> None:
    with pytest.raises(HardwareError) as caught:
        pins.output(MOCK, 99)
    assert caught.value.what.startswith("pin 99 cannot be an output: ")
