"""What every switch promises (``device/gate/outputs/__init__.py``), asked of each kind of switch alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import gpiozero
import pytest
import serial
from gpiozero.pins.mock import MockFactory

from device.errors import HardwareError
from device.gate.outputs import Switch
from device.gate.outputs.gpio import GpioSwitch
from device.gate.outputs.lcus import BAUD, LcusSwitch
from tests.device.boards import Board


class Bench(Protocol):
    """A switch, what it moves, and a way to take the hardware away."""

    switch: Switch

    def is_on(self) -> bool: ...
    def break_it(self) -> None: ...


@dataclass
class GpioBench:
    active_high: bool

    def __post_init__(self) -> None:
        self.factory = MockFactory()
        self.device = gpiozero.DigitalOutputDevice(17, active_high=self.active_high, initial_value=False, pin_factory=self.factory)
        self.switch: Switch = GpioSwitch(self.device)

    def is_on(self) -> bool:
        return bool(self.factory.pin(17).state) is self.active_high

    def break_it(self) -> None:
        self.device.close()


class LcusBench:
    def __init__(self, board: Board) -> None:
        self.board = board
        self.switch: Switch = LcusSwitch(serial.Serial(str(board.path), BAUD, write_timeout=0.5, exclusive=True), 1)
        self._on = True  # unknown until it is told

    def is_on(self) -> bool:
        for _, state in self.board.switched():
            self._on = bool(state)
        return self._on

    def break_it(self) -> None:
        self.board.unplug()


@pytest.fixture(params=["gpio", "gpio, active low", "lcus"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "lcus":
        with Board() as board:
            yield LcusBench(board)
    else:
        yield GpioBench(active_high=request.param == "gpio")


class TestSwitch:
    def test_it_is_off_when_made(self, bench: Bench) -> None:
        assert bench.is_on() is False

    def test_it_stays_on_until_it_is_switched_off(self, bench: Bench) -> None:
        states = []
        for step in (bench.switch.on, bench.switch.off, bench.switch.on):
            step()
            states += [bench.is_on(), bench.is_on()]
        assert states == [True, True, False, False, True, True]

    def test_switching_twice_is_switching_once(self, bench: Bench) -> None:
        states = []
        for step in (bench.switch.off, bench.switch.on, bench.switch.on, bench.switch.off, bench.switch.off):
            step()
            states.append(bench.is_on())
        assert states == [False, True, True, False, False]

    def test_it_is_off_after_close(self, bench: Bench) -> None:
        bench.switch.on()
        if isinstance(bench, GpioBench):
            pin = bench.factory.pin(17)
            bench.switch.close()
            assert [bool(change.state) is bench.active_high for change in pin.states][-1] is False  # it was driven off before it was let go
        else:
            bench.switch.close()
            assert bench.is_on() is False

    def test_hardware_that_is_gone_is_told_whatever_is_asked(self, bench: Bench) -> None:
        bench.break_it()
        for step in (bench.switch.on, bench.switch.off, bench.switch.close):
            with pytest.raises(HardwareError) as caught:
                step()
            assert caught.value.hint

    def test_a_closed_switch_is_gone(self, bench: Bench) -> None:
        bench.switch.close()
        with pytest.raises(HardwareError):
            bench.switch.on()
