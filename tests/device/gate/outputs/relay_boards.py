"""Relay boards at the far end of a pty, under a link that stays the same, as under ``/dev/serial/by-id``.

They keep their relays whoever dies, can be unplugged and plugged in again, and can be told to misbehave.
"""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from tests.faults.relay_board import frames

WITHIN_S = 20.0
Speech = Callable[[bytes], Sequence[bytes]]
"""What the board says where it should answer so: pieces, with a pause between each two."""


class RelayBoard:
    """``history`` is every order since the last ``plug``: (channel, on)."""

    def __init__(self, link: Path) -> None:
        self.link = link
        self._port = -1
        self.states: dict[int, bool] = {}
        self.history: list[tuple[int, bool]] = []
        self.received = b""
        self._changed = threading.Condition()
        self.plug()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        self._forget_port()

    def plug(self) -> None:
        self._forget_port()
        self._board, self._port = pty.openpty()
        tty.setraw(self._board)
        self._stop_read, self._stop_write = os.pipe()
        self.link.unlink(missing_ok=True)
        self.history, self.received = [], b""
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self.link.symlink_to(os.ttyname(self._port))

    def unplug(self, *, stale_link: bool = False) -> None:
        """The port is gone; a ``stale_link`` stays for a while, as udev does it: it leads to an I/O error.

        The near end stays open for that: a free number is the next pty's, of whichever test asks first.
        """
        if self._board < 0:
            return
        os.close(self._stop_write)
        self._thread.join()
        for descriptor in (self._board, self._stop_read):
            os.close(descriptor)
        self._board = -1
        if not stale_link:
            self.link.unlink()

    def _forget_port(self) -> None:
        if self._port >= 0:
            os.close(self._port)
        self._port = -1

    def awaits(self, condition: Callable[[], bool]) -> bool:
        """Whether ``condition`` comes true, as orders arrive."""
        with self._changed:
            return self._changed.wait_for(condition, WITHIN_S)

    def becomes(self, channel: int, *, on: bool) -> bool:
        return self.awaits(lambda: self.states.get(channel) is on)

    def say(self, content: bytes) -> None:
        os.write(self._board, content)

    def _live(self) -> None:
        pending = bytearray()
        while self._stop_read not in (ready := select.select([self._board, self._stop_read], [], [])[0]):
            content = os.read(ready[0], 4096)
            pending += content
            with self._changed:
                self.received += content
                self.take(pending)
                self._changed.notify_all()

    def switch(self, channel: int, *, on: bool) -> None:
        self.states[channel] = on
        self.history.append((channel, on))

    def take(self, pending: bytearray) -> None:
        """Take whole frames out of ``pending``, obey and answer."""
        raise NotImplementedError


class LcusBoard(RelayBoard):
    def take(self, pending: bytearray) -> None:
        for channel, state in frames(pending):
            self.switch(channel, on=bool(state))


def honest(answer: bytes) -> Sequence[bytes]:
    return [answer]


def mute(_: bytes) -> Sequence[bytes]:
    return []


class ModbusBoard(RelayBoard):
    """Address 1, 8 relays. ``speeches`` are used up one an answer; afterwards it is ``always``."""

    def __init__(self, link: Path) -> None:
        self.speeches: list[Speech] = []
        self.always: Speech = honest
        super().__init__(link)

    def take(self, pending: bytearray) -> None:
        while len(pending) >= 8:
            question = bytes(pending[:8])
            if checksum(question[:6]) != question[6:]:
                del pending[0]
                continue
            del pending[:8]
            coil, value = int.from_bytes(question[2:4], "big"), int.from_bytes(question[4:6], "big")
            answer = question
            if question[1] == 5:
                self.switch(coil + 1, on=value == 0xFF00)
            else:
                states = sum(self.states.get(coil + 1 + bit, False) << bit for bit in range(value))
                begin = bytes([1, 1, (value + 7) // 8]) + states.to_bytes((value + 7) // 8, "little")
                answer = begin + checksum(begin)
            pieces = (self.speeches.pop(0) if self.speeches else self.always)(answer)
            for number, piece in enumerate(pieces):
                if number:
                    threading.Event().wait(0.01)
                self.say(piece)


def checksum(content: bytes) -> bytes:
    """CRC-16/MODBUS as the standard writes it: bit by bit, shifted out to the right."""
    register = 0xFFFF
    for byte in content:
        register ^= byte
        for _ in range(8):
            carry, register = register & 1, register >> 1
            register ^= 0xA001 * carry
    return bytes([register & 0xFF, register >> 8])
