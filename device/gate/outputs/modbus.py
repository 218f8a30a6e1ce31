"""Modbus RTU relay boards: 8N1, function 05 switches a relay, 01 reads relays back (modbus.org: Application Protocol V1.1b3,
Serial Line V1.02). Relay n is coil n - 1.

Each order is proven by its answer, which is the order itself. An answer that does not come or is another one is asked for
once more; then the board counts as silent. At 9600 baud and above that takes 150 ms at most. A USB adaptor that returns what
it sends answers in the board's place; the read-back, whose answer differs from its question, finds that out.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import serial

from device.gate.outputs.serial_board import SerialBoard, SilentError, channels
from device.settings import Settings

READ_COILS, WRITE_COIL, REFUSED = 0x01, 0x05, 0x80
ON, OFF = b"\xff\x00", b"\x00\x00"

ANSWER_S = 0.045
"""From the last byte of the question to the first of the answer: boards need some milliseconds, a USB adaptor up to 16."""

BITS_A_BYTE = 10
FRAME_BYTES = 8
"""A question, and the longest answer: one that reads 32 coils back has nine, and is let a byte's time from ``ANSWER_S``."""
REFUSAL_BYTES = 5

PAUSE_CHARACTERS, PAUSE_S_MIN = 3.5, 0.00175
"""Silence that parts two frames; above 19200 baud a fixed time."""

POLL_S = 0.001


def crc(content: bytes) -> bytes:
    """CRC-16/MODBUS, low byte first."""
    value = 0xFFFF
    for byte in content:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value.to_bytes(2, "little")


def sealed(content: bytes) -> bytes:
    return content + crc(content)


class Modbus:
    """The board at ``address``; see ``serial_board.Dialect``."""

    def __init__(self, address: int, *, answer_s: float = ANSWER_S) -> None:
        self._address = address
        self._answer_s = answer_s

    def order(self, port: serial.Serial, channel: int, *, on: bool) -> None:
        question = self.question(WRITE_COIL, channel - 1, ON if on else OFF)
        try:
            self._ask(port, question, question)
        except SilentError:
            self._ask(port, question, question)

    def check(self, port: serial.Serial, told: Mapping[int, bool]) -> None:
        first, count = min(told), max(told) - min(told) + 1
        states_bytes = (count + 7) // 8
        begin = bytes([self._address, READ_COILS, states_bytes])
        answer = self._ask(port, self.question(READ_COILS, first - 1, count.to_bytes(2, "big")), begin, len(begin) + states_bytes + 2)
        states = int.from_bytes(answer[len(begin) : -2], "little")
        for channel, on in told.items():
            if bool(states >> (channel - first) & 1) is not on:
                raise SilentError(f"relay {channel} is {'off' if on else 'on'}, and was told otherwise")

    def question(self, function: int, coil: int, value: bytes) -> bytes:
        return sealed(bytes([self._address, function]) + coil.to_bytes(2, "big") + value)

    def _ask(self, port: serial.Serial, question: bytes, begin: bytes, length: int = FRAME_BYTES) -> bytes:
        """The board's answer: ``length`` bytes that begin with ``begin`` and hold together, whatever else is received.

        Raises SilentError where there is none in time.
        """
        time.sleep(max(PAUSE_CHARACTERS * BITS_A_BYTE / port.baudrate, PAUSE_S_MIN))
        port.reset_input_buffer()
        port.write(question)
        until_s = time.monotonic() + 2 * FRAME_BYTES * BITS_A_BYTE / port.baudrate + self._answer_s
        received, over = b"", False
        while not over:
            over = time.monotonic() > until_s  # asked before the last look: what came while this thread had to wait was in time
            received += port.read(max(port.in_waiting, 1))
            if answer := _find(received, begin, length):
                return answer
            if refusal := _find(received, bytes([self._address, question[1] | REFUSED]), REFUSAL_BYTES):
                raise SilentError(f"it refuses with code {refusal[2]}")
            time.sleep(POLL_S)
        raise SilentError(f"no answer within {self._answer_s * 1000:.0f} ms" if not received else f"it answers {received[:16].hex(' ')}")


def _find(received: bytes, begin: bytes, length: int) -> bytes | None:
    """The first ``length`` bytes of ``received`` that begin with ``begin`` and end with their own checksum."""
    at = received.find(begin)
    while at >= 0:
        found = received[at : at + length]
        if len(found) == length and found == sealed(found[:-2]):
            return found
        at = received.find(begin, at + 1)
    return None


def open_relays(settings: Settings, free: bool) -> SerialBoard:  # noqa: FBT001 - one of RELAYS
    """Raises HardwareError where the port is missing or in use, or the board silent."""
    relay = settings.relay
    return SerialBoard(relay.port, relay.baud_rate, Modbus(relay.address), channels(settings), free=free)
