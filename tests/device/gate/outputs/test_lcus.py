from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from device.config import load
from device.errors import HardwareError
from device.gate.outputs import Relays, open_relays
from device.gate.outputs.lcus import frame
from device.settings import FurtherRelay, RelayKind, Settings
from device.turnstile.lane import Relay
from tests.device.gate.outputs.relay_boards import LcusBoard
from tests.gates import Gate


@pytest.fixture
def board(tmp_path: Path) -> Iterator[LcusBoard]:
    with LcusBoard(tmp_path / "board") as board:
        yield board


def settings(tmp_path: Path, port: object, channel: int = 1, exit_channel: int | None = None) -> Settings:
    plain = load(Gate(tmp_path / "gate").folder)
    relay = replace(plain.relay, kind=RelayKind.LCUS, pin=None, port=str(port), channel=channel)
    return replace(plain, relay=relay, exit_relay=FurtherRelay(channel=exit_channel))


def history(board: LcusBoard, relays: Relays, *orders: tuple[int, bool]) -> list[tuple[int, bool]]:
    """What the board was told, once as many orders as ``orders`` have come."""
    board.awaits(lambda: len(board.history) >= len(orders))
    relays.close()
    return board.history[: len(orders)]


@pytest.mark.parametrize(
    ("channel", "on", "expected"),
    [(1, True, "A00101A2"), (1, False, "A00100A1"), (2, True, "A00201A3"), (2, False, "A00200A2"), (8, True, "A00801A9")],
)
def test_a_frame_is_as_the_sellers_write_it(channel: int, on: bool, expected: str) -> None:
    assert frame(channel, on=on).hex().upper() == expected


def test_opening_switches_off_before_anything_else_and_says_it_twice(tmp_path: Path, board: LcusBoard) -> None:
    relays = open_relays(settings(tmp_path, board.link))
    assert board.awaits(lambda: len(board.history) == 2)
    assert board.received == bytes.fromhex("A00100A1") * 2
    relays.close()


def test_two_relays_share_the_port(tmp_path: Path, board: LcusBoard) -> None:
    relays = open_relays(settings(tmp_path, board.link, channel=4, exit_channel=2))
    relays.switches[Relay.EXIT].on()
    relays.switches[Relay.ENTRY].on()
    orders = [(4, False), (4, False), (2, False), (2, False), (2, True), (4, True)]
    assert history(board, relays, *orders) == orders


def test_what_a_board_says_unasked_does_not_pile_up(tmp_path: Path, board: LcusBoard) -> None:
    relays = open_relays(settings(tmp_path, board.link))
    board.say(b"OK\r\n" * 100)
    relays.switches[Relay.ENTRY].on()
    assert (board.becomes(1, on=True), relays.lost()) == (True, None)
    relays.close()


def test_a_port_that_is_missing_is_told_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(HardwareError) as caught:
        open_relays(settings(tmp_path, "/dev/unplugged"))
    assert caught.value.what.startswith("no relay board at /dev/unplugged: ")
    assert caught.value.hint == "`ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"


@pytest.mark.parametrize("port", ["/dev/null", "/", ""])
def test_a_port_that_is_none_is_told(tmp_path: Path, port: str) -> None:
    with pytest.raises(HardwareError):
        open_relays(settings(tmp_path, port))


def test_a_port_that_somebody_else_holds_is_told_and_hears_nothing(tmp_path: Path, board: LcusBoard) -> None:
    with serial.Serial(str(board.link), exclusive=True), pytest.raises(HardwareError) as caught:
        open_relays(settings(tmp_path, board.link))
    assert "exclusively lock" in caught.value.what
    assert board.received == b""
