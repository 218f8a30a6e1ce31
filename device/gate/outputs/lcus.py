"""LC-Tech LCUS serial relay boards: 9600 8N1, four bytes a command, no answer.

A frame is ``A0``, channel, state, and the sum of the three modulo 256 (sellers' texts; ``A0 01 01 A2`` is on). The board keeps
its state when the computer dies, so nothing but ``qrgate failsafe`` or its own supply lets go of it.
"""

from __future__ import annotations

import serial

from device.errors import HardwareError
from device.settings import Settings

HEAD = 0xA0
BAUD = 9600
WRITE_S = 0.5
"""Four bytes take 4 ms at 9600 baud; a port that needs longer is gone."""


def frame(channel: int, *, on: bool) -> bytes:
    body = bytes([HEAD, channel, on])
    return body + bytes([sum(body) % 256])


class LcusSwitch:
    def __init__(self, port: serial.Serial, channel: int) -> None:
        self._port = port
        self._channel = channel
        self.off()

    def on(self) -> None:
        self._send(on=True)

    def off(self) -> None:
        self._send(on=False)

    def _send(self, *, on: bool) -> None:
        try:
            self._port.write(frame(self._channel, on=on))
        except (OSError, serial.SerialException) as error:  # pyserial raises both when an adaptor is pulled out
            raise HardwareError(f"relay board at {self._port.port} does not take commands: {error}", hint="is it plugged in?") from None

    def close(self) -> None:
        try:
            self.off()
        finally:
            self._port.close()


def open_relay(settings: Settings) -> LcusSwitch:
    """Raises HardwareError where the port is missing or in use."""
    relay = settings.relay
    try:
        port = serial.Serial(relay.port, BAUD, write_timeout=WRITE_S, exclusive=True)
    except (OSError, ValueError, serial.SerialException) as error:
        raise HardwareError(
            f"no relay board at {relay.port}: {error}", hint="`ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"
        ) from None
    return LcusSwitch(port, relay.channel)
