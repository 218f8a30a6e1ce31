from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from device.config import load
from device.errors import HardwareError
from device.gate import pins
from device.gate.outputs import open_relay
from device.gate.outputs.gpio import open_switch
from device.settings import Settings
from tests.gates import Gate


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Mock pins that no other test has."""
    pins.factory.cache_clear()
    return load(Gate(tmp_path / "gate").folder)


@pytest.mark.parametrize("active_high", [True, False])
def test_the_relay_never_twitches_on_when_it_is_opened_and_closed(settings: Settings, active_high: bool) -> None:
    pin = pins.factory(settings.pins).pin(17)
    rest = not active_high
    pin.drive_high() if rest else pin.drive_low()
    pin.clear_states()
    relay = open_relay(replace(settings, relay=replace(settings.relay, active_high=active_high)))
    relay.close()
    assert {bool(change.state) for change in pin.states} == {rest}


def test_the_relay_is_the_pin_of_the_settings(settings: Settings) -> None:
    relay = open_relay(replace(settings, relay=replace(settings.relay, pin=22)))
    relay.on()
    assert bool(pins.factory(settings.pins).pin(22).state) is True
    relay.close()


def test_a_switch_that_was_closed_frees_its_pin(settings: Settings) -> None:
    open_switch(settings.pins, 23).close()
    open_switch(settings.pins, 23).close()


def test_a_pin_that_is_in_use_is_told(settings: Settings) -> None:
    lamp = open_switch(settings.pins, 23)
    with pytest.raises(HardwareError) as caught:
        open_switch(settings.pins, 23)
    assert caught.value.what.startswith("pin 23 cannot be an output: ")
    assert caught.value.hint == "is another program using it? `gpioinfo` tells"
    lamp.close()
