from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from device.config import load
from device.errors import HardwareError
from device.gate.outputs import open_relay
from device.gate.outputs.lcus import frame
from device.settings import RelayKind, Settings
from tests.device.boards import OFF, ON, Board
from tests.gates import Gate


@pytest.fixture
def board() -> Iterator[Board]:
    with Board() as board:
        yield board


def settings(tmp_path: Path, port: object, channel: int = 1) -> Settings:
    plain = load(Gate(tmp_path / "gate").folder)
    return replace(plain, relay=replace(plain.relay, kind=RelayKind.LCUS, pin=None, port=str(port), channel=channel))


@pytest.mark.parametrize(
    ("channel", "on", "expected"),
    [(1, True, "A00101A2"), (1, False, "A00100A1"), (2, True, "A00201A3"), (2, False, "A00200A2"), (8, True, "A00801A9")],
)
def test_a_frame_is_as_the_sellers_write_it(channel: int, on: bool, expected: str) -> None:
    assert frame(channel, on=on).hex().upper() == expected


def test_opening_switches_off_before_anything_else(tmp_path: Path, board: Board) -> None:
    relay = open_relay(settings(tmp_path, board.path))
    assert board.received() == bytes.fromhex("A00100A1")
    relay.close()


def test_only_its_own_channel_is_switched(tmp_path: Path, board: Board) -> None:
    relay = open_relay(settings(tmp_path, board.path, channel=4))
    relay.on()
    relay.close()
    assert board.switched() == [(4, 0), (4, 1), (4, 0)]


def test_a_port_that_is_missing_is_told_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(HardwareError) as caught:
        open_relay(settings(tmp_path, "/dev/unplugged"))
    assert caught.value.what.startswith("no relay board at /dev/unplugged: ")
    assert caught.value.hint == "`ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"


@pytest.mark.parametrize("port", ["/dev/null", "/", ""])
def test_a_port_that_is_none_is_told(tmp_path: Path, port: str) -> None:
    with pytest.raises(HardwareError):
        open_relay(settings(tmp_path, port))


def test_a_port_that_somebody_else_holds_is_told_and_hears_nothing(tmp_path: Path, board: Board) -> None:
    with serial.Serial(str(board.path), exclusive=True), pytest.raises(HardwareError) as caught:
        open_relay(settings(tmp_path, board.path))
    assert "exclusively lock" in caught.value.what
    assert board.switched() == []


def test_a_board_that_is_pulled_out_while_the_relay_is_on_is_told(tmp_path: Path, board: Board) -> None:
    relay = open_relay(settings(tmp_path, board.path))
    relay.on()
    assert board.switched() == [OFF, ON]
    board.unplug()
    with pytest.raises(HardwareError) as caught:
        relay.off()
    assert caught.value.what.startswith(f"relay board at {board.path} does not take commands: ")
    with pytest.raises(HardwareError):
        relay.close()
