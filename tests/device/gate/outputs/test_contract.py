"""What every switch promises (``device/gate/outputs/__init__.py``), asked of each kind of switch alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from device.errors import HardwareError
from device.gate.outputs import Lost, Switch
from device.gate.outputs.gpio import GpioSwitch, PassiveBuzzer
from device.gate.outputs.lcus import Lcus
from device.gate.outputs.modbus import Modbus
from device.gate.outputs.serial_board import Dialect, SerialBoard
from device.turnstile.lane import Relay
from tests.device.gate.outputs.relay_boards import LcusBoard, ModbusBoard, RelayBoard


class Bench(Protocol):
    """A switch, what it moves, and a way to take the hardware away."""

    switch: Switch

    @property
    def gone(self) -> type[HardwareError]: ...
    def is_on(self) -> bool: ...
    def close(self) -> None: ...
    def break_it(self) -> None: ...


class GpioBench:
    gone = HardwareError

    def __init__(self, *, active_high: bool = True, tone_hz: int = 0) -> None:
        self.active_high = active_high
        factory = MockFactory(pin_class=MockPWMPin if tone_hz else MockPin)
        self.device = gpiozero.DigitalOutputDevice(17, active_high=active_high, initial_value=False, pin_factory=factory)
        self.pin = factory.pin(17)
        self.kept = PassiveBuzzer(self.device, tone_hz) if tone_hz else GpioSwitch(self.device)
        self.switch: Switch = self.kept

    def is_on(self) -> bool:
        return bool(self.pin.state) is self.active_high

    def close(self) -> None:
        self.kept.close()

    def break_it(self) -> None:
        self.device.close()


class BoardBench:
    gone = Lost

    def __init__(self, board: RelayBoard, dialect: Dialect) -> None:
        self.board = board
        self.relays = SerialBoard(str(board.link), 9600, dialect, {Relay.ENTRY: 1, Relay.EXIT: 3})
        self.switch = self.relays.switches[Relay.ENTRY]

    def is_on(self) -> bool:
        """After the order to another relay, which comes behind all that were given to this one."""
        if self.relays.lost() is None:
            self.board.history.clear()
            self.relays.switches[Relay.EXIT].off()
            self.board.awaits(lambda: (3, False) in self.board.history)
        return self.board.states[1]

    def close(self) -> None:
        self.relays.close()
        self.board.becomes(1, on=False)

    def break_it(self) -> None:
        self.board.unplug()


def board_bench(make: Callable[[Path], RelayBoard], dialect: Dialect, folder: Path) -> Iterator[Bench]:
    with make(folder / "board") as board:
        bench = BoardBench(board, dialect)
        yield bench
        if bench.relays.lost() is None:
            bench.relays.close()


KINDS: dict[str, Callable[[Path], Iterator[Bench]]] = {
    "gpio": lambda _: iter([GpioBench()]),
    "gpio, active low": lambda _: iter([GpioBench(active_high=False)]),
    "passive buzzer": lambda _: iter([GpioBench(tone_hz=2700)]),
    "lcus": lambda folder: board_bench(LcusBoard, Lcus(), folder),
    "modbus": lambda folder: board_bench(ModbusBoard, Modbus(1, answer_s=2.0), folder),
}


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    yield from KINDS[request.param](tmp_path)


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
        bench.close()
        if isinstance(bench, GpioBench):  # it was driven off before it was given back
            assert [bool(change.state) is bench.active_high for change in bench.pin.states][-1] is False
        else:
            assert bench.is_on() is False

    def test_hardware_that_is_gone_is_told_whatever_is_asked(self, bench: Bench) -> None:
        bench.break_it()
        for step in (bench.switch.on, bench.switch.off, bench.close):
            with pytest.raises(bench.gone) as caught:
                step()
            assert caught.value.hint

    def test_a_closed_switch_is_gone(self, bench: Bench) -> None:
        bench.close()
        with pytest.raises(HardwareError):
            bench.switch.on()
