from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import serial

from device.config import load
from device.errors import HardwareError
from device.gate.outputs import open_relays
from device.gate.outputs.modbus import OFF, ON, READ_COILS, WRITE_COIL, Modbus, crc
from device.gate.outputs.serial_board import SilentError
from device.settings import FurtherRelay, RelayKind
from device.turnstile.lane import Relay
from tests.device.gate.outputs.relay_boards import ModbusBoard, checksum, honest, mute
from tests.gates import Gate

PATIENT = Modbus(1, answer_s=2.0)  # the board at the other end of the pty has to wait for its turn on a busy machine
HASTY = Modbus(1)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[ModbusBoard]:
    with ModbusBoard(tmp_path / "board") as board:
        yield board


@pytest.fixture
def port(board: ModbusBoard) -> Iterator[serial.Serial]:
    with serial.Serial(str(board.link), 9600, timeout=0, exclusive=True) as port:
        yield port


def test_the_checksum_is_the_standard_s() -> None:
    assert crc(b"123456789") == (0x4B37).to_bytes(2, "little")  # the check value of CRC-16/MODBUS


@pytest.mark.parametrize(
    ("address", "channel", "value", "expected"),
    [(1, 1, ON, "010500 00FF00 8C3A"), (1, 1, OFF, "010500 000000 CDCA"), (1, 2, ON, "010500 01FF00 DDFA"), (17, 173, ON, "110500 ACFF00 4E8B")],
)
def test_an_order_is_as_the_standard_writes_it(address: int, channel: int, value: bytes, expected: str) -> None:
    assert Modbus(address).question(WRITE_COIL, channel - 1, value) == bytes.fromhex(expected)


def test_a_read_back_is_as_the_standard_writes_it() -> None:
    assert Modbus(17).question(READ_COILS, 19, (37).to_bytes(2, "big")) == bytes.fromhex("1101 0013 0025 0E84")


def cut(answer: bytes) -> Sequence[bytes]:
    return [answer[:5]]


def wrong_checksum(answer: bytes) -> Sequence[bytes]:
    return [answer[:-1] + bytes([answer[-1] ^ 1])]


def another_relay(answer: bytes) -> Sequence[bytes]:
    body = answer[:3] + bytes([answer[3] ^ 1]) + answer[4:6]
    return [body + checksum(body)]


def another_state(answer: bytes) -> Sequence[bytes]:
    body = answer[:4] + bytes([answer[4] ^ 0xFF]) + answer[5:6]
    return [body + checksum(body)]


def another_board(answer: bytes) -> Sequence[bytes]:
    body = bytes([2]) + answer[1:6]
    return [body + checksum(body)]


def refusal(answer: bytes) -> Sequence[bytes]:
    body = bytes([answer[0], answer[1] | 0x80, 2])
    return [body + checksum(body)]


def noise(_: bytes) -> Sequence[bytes]:
    return [bytes(range(64))]


NO_ANSWERS = [mute, cut, wrong_checksum, another_relay, another_state, another_board, refusal, noise]


@pytest.mark.parametrize(
    "speech",
    [
        pytest.param(lambda answer: [answer], id="whole"),
        pytest.param(lambda answer: [answer[:3], answer[3:]], id="in two pieces"),
        pytest.param(lambda answer: [b"\x00\xff\x01\x05" + answer], id="after garbage"),
        pytest.param(lambda answer: [answer + b"\x01\x05\x00"], id="before garbage"),
        pytest.param(lambda answer: [answer[:6] + answer], id="after its own beginning"),
    ],
)
def test_an_answer_is_found(board: ModbusBoard, port: serial.Serial, speech: Callable[[bytes], Sequence[bytes]]) -> None:
    board.always = speech
    PATIENT.order(port, 2, on=True)
    assert board.history == [(2, True)]


@pytest.mark.parametrize("speech", NO_ANSWERS)
def test_a_missing_answer_is_asked_for_once_more(board: ModbusBoard, port: serial.Serial, speech: Callable[[bytes], Sequence[bytes]]) -> None:
    board.speeches = [speech]
    Modbus(1, answer_s=0.5).order(port, 1, on=True)
    assert board.history == [(1, True), (1, True)]


@pytest.mark.parametrize("speech", NO_ANSWERS)
def test_a_board_that_does_not_answer_twice_is_silent(board: ModbusBoard, port: serial.Serial, speech: Callable[[bytes], Sequence[bytes]]) -> None:
    board.always = speech
    with pytest.raises(SilentError):
        HASTY.order(port, 1, on=True)
    assert board.awaits(lambda: board.history == [(1, True), (1, True)])


def test_silence_is_known_in_bounded_time(board: ModbusBoard, port: serial.Serial) -> None:
    board.always = mute
    began_s = time.monotonic()
    with pytest.raises(SilentError) as caught:
        HASTY.order(port, 1, on=True)
    assert 0.1 < time.monotonic() - began_s < 2.0  # 0.15 s on a machine that is not busy
    assert str(caught.value) == "no answer within 45 ms"


def test_an_answer_to_an_earlier_order_is_not_taken_for_this_one(board: ModbusBoard, port: serial.Serial) -> None:
    board.say(Modbus(1).question(WRITE_COIL, 0, ON))
    board.always = mute
    with pytest.raises(SilentError):
        HASTY.order(port, 1, on=True)


def test_what_is_wrong_is_told(board: ModbusBoard, port: serial.Serial) -> None:
    told = []
    for speech in (refusal, noise):
        board.always = speech
        with pytest.raises(SilentError) as caught:
            Modbus(1, answer_s=1.5).order(port, 1, on=True)
        told.append(str(caught.value))
    assert told == ["it refuses with code 2", "it answers 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f"]


@pytest.mark.parametrize("told", [{1: False}, {1: True, 2: False}, {3: True, 12: True}, {1: False, 32: True}])
def test_the_read_back_agrees_with_what_was_told(board: ModbusBoard, port: serial.Serial, told: dict[int, bool]) -> None:
    board.states = dict(told)
    PATIENT.check(port, told)


def test_a_relay_that_is_not_as_it_was_told_is_found(board: ModbusBoard, port: serial.Serial) -> None:
    board.states = {2: True, 3: True}
    with pytest.raises(SilentError) as caught:
        PATIENT.check(port, {2: True, 3: False})
    assert str(caught.value) == "relay 3 is on, and was told otherwise"


def test_an_adaptor_that_returns_what_it_sends_does_not_pass_for_a_board(board: ModbusBoard, port: serial.Serial) -> None:
    board.always = lambda _: [Modbus(1).question(READ_COILS, 0, (2).to_bytes(2, "big"))]
    with pytest.raises(SilentError):
        HASTY.check(port, {1: False, 2: False})


def test_the_relays_of_the_settings_are_opened_and_closed(tmp_path: Path, board: ModbusBoard) -> None:
    plain = load(Gate(tmp_path / "gate").folder)
    relay = replace(plain.relay, kind=RelayKind.MODBUS, pin=None, port=str(board.link), channel=2)
    relays = open_relays(replace(plain, relay=relay, free_relay=FurtherRelay(channel=7)), free=True)
    relays.switches[Relay.ENTRY].on()
    relays.close()
    assert board.history == [(2, False), (2, False), (7, True), (7, True), (2, True), (2, False)]


def test_a_board_that_is_silent_when_it_is_opened_is_told(tmp_path: Path, board: ModbusBoard) -> None:
    board.always = mute
    plain = load(Gate(tmp_path / "gate").folder)
    with pytest.raises(HardwareError) as caught:
        open_relays(replace(plain, relay=replace(plain.relay, kind=RelayKind.MODBUS, pin=None, port=str(board.link))))
    assert caught.value.what == f"no relay board at {board.link}: no answer within 45 ms"
    board.always = honest
