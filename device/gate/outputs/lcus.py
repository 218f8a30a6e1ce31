"""LC-Tech LCUS serial relay boards: 9600 8N1, four bytes a command, no answer.

A frame is ``A0``, channel, state, and the sum of the three modulo 256 (sellers' texts; ``A0 01 01 A2`` is on). The board keeps
its state when the computer dies, so nothing but ``qrgate failsafe`` or its own supply lets go of it. Since it never answers,
only a contact of the turnstile can tell whether a relay moved.
"""

from __future__ import annotations

from collections.abc import Mapping

import serial

from device.gate.outputs.serial_board import SerialBoard, channels
from device.settings import Settings

HEAD = 0xA0
BAUD = 9600


def frame(channel: int, *, on: bool) -> bytes:
    body = bytes([HEAD, channel, on])
    return body + bytes([sum(body) % 256])


class Lcus:
    """See ``serial_board.Dialect``."""

    def order(self, port: serial.Serial, channel: int, *, on: bool) -> None:
        port.write(frame(channel, on=on))

    def check(self, port: serial.Serial, told: Mapping[int, bool]) -> None:  # noqa: ARG002 - it cannot be asked
        """A port that was pulled out cannot say how much it has received. What it has is nothing of ours."""
        port.read(port.in_waiting)


def open_relays(settings: Settings, free: bool) -> SerialBoard:  # noqa: FBT001 - one of RELAYS
    """Raises HardwareError where the port is missing or in use."""
    return SerialBoard(settings.relay.port, BAUD, Lcus(), channels(settings), free=free)
