from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from device.config import load
from device.errors import HardwareError
from device.gate import pins
from device.gate.outputs import open_relays
from device.gate.outputs.gpio import PassiveBuzzer, open_buzzer, open_switch
from device.settings import FurtherRelay, Settings
from device.turnstile.lane import Relay
from tests.gates import Gate


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Mock pins that no other test has; relays at 17 and 27, the second of them the one that frees."""
    pins.factory.cache_clear()
    return replace(load(Gate(tmp_path / "gate").folder), free_relay=FurtherRelay(pin=27))


def mock_pin(settings: Settings, number: int) -> Any:
    return pins.factory(settings.pins, settings.board.model).pin(number)


def levels(settings: Settings, number: int) -> list[bool]:
    return [bool(change.state) for change in mock_pin(settings, number).states]


def resting(settings: Settings, number: int, *, level: bool) -> None:
    pin = mock_pin(settings, number)
    pin.drive_high() if level else pin.drive_low()
    pin.clear_states()


@pytest.mark.parametrize("active_high", [True, False])
def test_the_relay_never_twitches_on_when_it_is_opened_and_closed(settings: Settings, active_high: bool) -> None:
    rest = not active_high
    resting(settings, 17, level=rest)
    open_relays(replace(settings, relay=replace(settings.relay, active_high=active_high))).close()
    assert set(levels(settings, 17)) == {rest}


@pytest.mark.parametrize("active_high", [True, False])
def test_a_lane_that_is_free_stays_so_from_the_first_moment_until_after_the_close(settings: Settings, active_high: bool) -> None:
    resting(settings, 27, level=active_high)  # as the keeper left it
    relays = open_relays(replace(settings, free_relay=FurtherRelay(pin=27, active_high=active_high)), free=True)
    relays.close()
    assert levels(settings, 27) == [active_high]
    assert levels(settings, 17) == [False]


def test_the_relays_are_those_that_are_fitted(settings: Settings) -> None:
    fitted = replace(settings, relay=replace(settings.relay, pin=22), exit_relay=FurtherRelay(pin=5), lower_relay=FurtherRelay(pin=6))
    relays = open_relays(fitted)
    assert set(relays.switches) == set(Relay)
    for relay, number in ((Relay.ENTRY, 22), (Relay.EXIT, 5), (Relay.LOWER, 6), (Relay.FREE, 27)):
        relays.switches[relay].on()
        assert levels(settings, number) == [False, True]
    relays.switches[Relay.FREE].off()
    assert relays.lost() is None
    relays.close()


def test_a_lane_where_nothing_moves_has_no_relay(settings: Settings) -> None:
    relays = open_relays(replace(settings, relay=replace(settings.relay, pin=None), free_relay=FurtherRelay()))
    assert relays.switches == {}
    relays.close()


def test_one_relay_that_is_broken_does_not_keep_another_on(settings: Settings) -> None:
    relays = open_relays(replace(settings, exit_relay=FurtherRelay(pin=5)))
    for relay in (Relay.ENTRY, Relay.EXIT):
        relays.switches[relay].on()
    mock_pin(settings, 5).function = "input"  # somebody took it away
    with pytest.raises(HardwareError):
        relays.close()
    assert levels(settings, 17) == [False, True, False]


def test_a_switch_that_was_closed_frees_its_pin(settings: Settings) -> None:
    open_switch(settings, 23).close()
    open_switch(settings, 23).close()


def test_a_pin_that_is_in_use_is_told(settings: Settings) -> None:
    lamp = open_switch(settings, 23)
    with pytest.raises(HardwareError) as caught:
        open_switch(settings, 23)
    assert caught.value.what.startswith("pin 23 cannot be an output: ")
    assert caught.value.hint == "is another program using it? `gpioinfo` tells"
    lamp.close()


def test_a_passive_buzzer_sounds_at_its_tone_and_rests_without_a_wave() -> None:
    device = gpiozero.DigitalOutputDevice(25, pin_factory=MockFactory(pin_class=MockPWMPin))
    buzzer, pin = PassiveBuzzer(device, 2700), device.pin
    heard = [(pin.frequency, pin.state)]
    for step in (buzzer.on, buzzer.off):
        step()
        heard.append((pin.frequency, pin.state))
    assert heard == [(None, 0), (2700, 0.5), (None, 0)]
    buzzer.close()


@pytest.mark.parametrize("tone_hz", [0, 2700])
def test_a_buzzer_on_a_mock_pin_is_a_level(settings: Settings, tone_hz: int) -> None:
    buzzer = open_buzzer(settings, 25, tone_hz)
    buzzer.on()
    buzzer.close()
    assert levels(settings, 25) == [False, True, False]
