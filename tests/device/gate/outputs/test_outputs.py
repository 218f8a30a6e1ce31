"""What is opened for which settings, and when."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from device import keeper
from device.config import load
from device.errors import HardwareError
from device.gate import pins
from device.gate.outputs import RELAYS, open_indicators, open_relays
from device.settings import Buzzer, Lamps, RelayKind, Settings
from device.turnstile.signals import Indicator
from tests.gates import Gate

HOLDS_THE_RECORD = (
    "import fcntl, os, sys, time; file = open(sys.argv[1], 'w'); file.write(f'{os.getpid()} 0 27=1'); file.flush();"
    "fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); time.sleep(600)"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    pins.factory.cache_clear()
    return load(Gate(tmp_path / "gate").folder)


def test_every_kind_of_relay_can_be_opened() -> None:
    assert set(RELAYS) == set(RelayKind)


def test_the_indicators_are_those_that_are_fitted(settings: Settings) -> None:
    fitted = replace(settings, lamps=Lamps(green_pin=23, red_pin=24, amber_pin=22), buzzer=Buzzer(pin=25))
    indicators = open_indicators(fitted)
    assert set(indicators) == set(Indicator)
    for indicator, number in ((Indicator.GREEN, 23), (Indicator.RED, 24), (Indicator.AMBER, 22), (Indicator.BUZZER, 25)):
        indicators[indicator].on()
        assert [bool(each.state) for each in pins.factory(fitted.pins, fitted.board.model).pin(number).states] == [False, True]
        indicators[indicator].close()
    assert open_indicators(settings) == {}


def test_the_keeper_is_ended_before_the_relays_are_opened(settings: Settings) -> None:
    settings.paths.runtime.mkdir()
    command = [sys.executable, "-c", HOLDS_THE_RECORD, str(settings.paths.runtime / keeper.RECORD)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        open_relays(settings).close()
        assert process.wait(timeout=20) < 0


def test_a_keeper_that_cannot_be_ended_is_told(settings: Settings) -> None:
    settings.paths.runtime.mkdir()
    (settings.paths.runtime / keeper.RECORD).symlink_to(keeper.RECORD)  # leads nowhere, round and round
    with pytest.raises(HardwareError) as caught:
        open_relays(settings)
    assert caught.value.what.startswith("failsafe's keeper does not let go of its pins: ")
    assert str(settings.paths.runtime / keeper.RECORD) in caught.value.hint
