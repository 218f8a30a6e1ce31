"""A relay board on a serial port: one port for all its relays, watched, and opened again when it comes back.

A board that is pulled out or falls silent is no reason to end: the gate goes on recording, and tells of it. A thread of its
own looks at the board twice a second and waits for its return, so that whoever switches never waits for a port to open.
"""

from __future__ import annotations

import termios
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

import serial

from device.errors import HardwareError
from device.gate.outputs import Lost, Switch, further_relays
from device.settings import Settings
from device.turnstile.lane import Relay

WRITE_S = 0.1
"""A frame of eight bytes takes 8 ms at 9600 baud; a port that needs longer is gone."""

TRIES = 2
"""How often a board that is silent is asked before it counts as lost."""

REST_FRAMES = 2
"""A board that was cut off in the middle of a frame takes the first of ours for its end, and obeys the second."""

CLOSE_S = 2.0

GONE = (OSError, termios.error, ValueError)
"""What pyserial raises where a port is missing, held or pulled out; its own SerialException is an OSError, termios.error is none."""


class SilentError(OSError):
    """The board did not answer as it should."""


class Dialect(Protocol):
    """How a kind of board is spoken to. Each call has a limit in time, and raises OSError where the port is gone."""

    def order(self, port: serial.Serial, channel: int, *, on: bool) -> None:
        """Raises SilentError, after a second attempt, where the board answers and did not."""
        ...

    def check(self, port: serial.Serial, told: Mapping[int, bool]) -> None:
        """Look whether the board is there, and as it was ``told`` (channel -> on). Raises SilentError, at the first attempt."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How often the board is looked at, and how long its return is waited for before each attempt, twice as long each time."""

    look_s: float = 0.5
    first_s: float = 0.6  # longer than a turn of the acting thread (0.5 s): it sees each loss, also one that mends at once
    last_s: float = 5.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class ChannelSwitch:
    board: SerialBoard
    relay: Relay

    def on(self) -> None:
        self.board.order(self.relay, on=True)

    def off(self) -> None:
        self.board.order(self.relay, on=False)


class SerialBoard:
    """The relays on one board: see ``outputs.Relays``, which this is."""

    def __init__(
        self, path: str, baud_rate: int, dialect: Dialect, channels: Mapping[Relay, int], *, free: bool = False, patience: Patience = PATIENCE
    ) -> None:
        """Raises HardwareError where the board is not there: at the start nobody falls back to a gate that cannot open."""
        self._path, self._baud_rate, self._dialect, self._channels, self._patience = path, baud_rate, dialect, channels, patience
        self._free = free  # what FREE has to be; kept also while the board is lost
        self._told: dict[int, bool] = {}
        self._lost: str | None = None
        self._speaking = threading.Lock()  # for one exchange with the board
        self._stir = threading.Event()
        self._closing = threading.Event()
        self.switches: dict[Relay, Switch] = {relay: ChannelSwitch(self, relay) for relay in channels}
        try:
            self._port = self._open_at_rest()
        except GONE as error:
            hint = "`ls /dev/serial/by-id` shows what is plugged in; group dialout may use it"
            raise HardwareError(f"no relay board at {path}: {error}", hint=hint) from None
        self._watch = threading.Thread(target=self._watching, name="relay board", daemon=True)
        self._watch.start()

    def lost(self) -> str | None:
        return self._lost

    def order(self, relay: Relay, *, on: bool) -> None:
        """Raises Lost; at once where that is known already. It may have to wait for one exchange that is under way."""
        if relay is Relay.FREE:
            self._free = on
        self._raise_if_lost()
        with self._speaking:
            self._raise_if_lost()
            self._tell(relay, on=on)
        self._raise_if_lost()

    def close(self) -> None:
        self._closing.set()
        self._stir.set()
        self._watch.join(CLOSE_S)
        with ExitStack() as closing:
            closing.callback(self._port.close)
            closing.callback(self._lose, "it was closed")
            for relay in self._channels:
                if relay is not Relay.FREE:
                    closing.callback(self.order, relay, on=False)

    def _tell(self, relay: Relay, *, on: bool) -> None:
        channel = self._channels[relay]
        try:
            self._dialect.order(self._port, channel, on=on)
            self._told[channel] = on
        except GONE as error:
            self._lose(str(error))

    def _lose(self, why: str) -> None:
        self._lost = self._lost or why
        self._stir.set()

    def _raise_if_lost(self) -> None:
        if self._lost is not None:
            raise Lost(f"relay board at {self._path} does not obey: {self._lost}", hint="is it plugged in, and does it have power?")

    # --- the watching thread -----------------------------------------------------------------------------------

    def _watching(self) -> None:
        while not self._closing.is_set():
            self._stir.wait(self._patience.look_s)
            self._stir.clear()
            if self._lost is None:
                self._look()
            if self._lost is not None:
                self._wait_for_return()

    def _look(self) -> None:
        silent = ""
        for _ in range(TRIES):
            with self._speaking:  # given back between the tries: an order may be waiting
                try:
                    return self._dialect.check(self._port, self._told)
                except SilentError as error:
                    silent = str(error)
                except GONE as error:
                    return self._lose(str(error))
        return self._lose(silent)

    def _wait_for_return(self) -> None:
        self._port.close()
        pause_s = self._patience.first_s
        while not self._closing.wait(pause_s):
            try:
                self._port = self._open_at_rest()
            except GONE as error:
                self._lost = str(error)
                pause_s = min(2 * pause_s, self._patience.last_s)
            else:
                return self._come_back()
        return None

    def _come_back(self) -> None:
        with self._speaking:
            self._lost = None
            # Asked after the board counts as back: who orders meanwhile sees that, or is seen here.
            if Relay.FREE in self._channels and self._told[self._channels[Relay.FREE]] is not self._free:
                self._tell(Relay.FREE, on=self._free)

    def _open_at_rest(self) -> serial.Serial:
        """The port, opened anew, and every relay off but FREE, which is as it has to be."""
        port = serial.Serial(self._path, self._baud_rate, timeout=0, write_timeout=WRITE_S, exclusive=True)
        with ExitStack() as failing:
            failing.callback(port.close)
            for relay, channel in self._channels.items():
                on = relay is Relay.FREE and self._free
                for _ in range(REST_FRAMES):
                    self._dialect.order(port, channel, on=on)
                self._told[channel] = on
            failing.pop_all()
        return port


def channels(settings: Settings) -> dict[Relay, int]:
    """The relays that are fitted on the board of ``settings``."""
    further = {relay: table.channel for relay, table in further_relays(settings).items() if table.channel is not None}
    return {Relay.ENTRY: settings.relay.channel, **further}
