"""The serial port of a scan module: exclusive, every wait bounded, and one kind of error for all the ways in which it goes."""

from __future__ import annotations

import termios
from types import TracebackType
from typing import Self

import serial

from device.errors import ScannerError

READ_S = 0.1
"""So long the loop may wait for a byte before it minds its heartbeats."""

WRITE_S = 0.5
"""A request of 14 bytes takes 15 ms at 9600 baud; a port that needs longer is gone."""

GONE = (OSError, termios.error, ValueError)
"""pyserial raises its own SerialException, bare OSErrors, and termios.error, which is neither (measured on a pty)."""


class Port:
    """An open port. 8N1."""

    def __init__(self, name: str, baud_rate: int) -> None:
        """Raises ScannerError where there is no such port, somebody else has it, or it is none."""
        self._name = name
        self._serial = serial.Serial(baudrate=baud_rate, timeout=READ_S, write_timeout=WRITE_S, exclusive=True)
        # Said before the port is opened, so that opening does not toggle them: a module on USB sends only while DTR is up.
        self._serial.dtr = self._serial.rts = True
        self._serial.port = name
        try:
            self._serial.open()
            self._serial.reset_input_buffer()
        except GONE as error:
            self.close()
            raise ScannerError(
                f"no scan module at {name}: {error}", hint="`ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"
            ) from None

    @property
    def name(self) -> str:
        return self._name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self) -> bytes:
        """What has come; waits up to ``READ_S`` for the first byte. Raises ScannerError where the port is gone."""
        try:
            first: bytes = self._serial.read(1)
            return first + self._serial.read(self._serial.in_waiting) if first else b""
        except GONE as error:
            raise self._gone(error) from None

    def write(self, data: bytes) -> None:
        """Raises ScannerError where the port is gone."""
        try:
            self._serial.write(data)
        except GONE as error:
            raise self._gone(error) from None

    def close(self) -> None:
        try:
            self._serial.close()
        except GONE:
            return  # it went before we did

    def _gone(self, error: BaseException) -> ScannerError:
        return ScannerError(f"the scan module at {self._name} is gone: {error}", hint="is it plugged in?")
