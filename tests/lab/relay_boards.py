"""Serial relay boards, played as their papers say: bytes in, bytes out. Nothing but the standard library."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tests.lab.machine import Answer, Machine

LCUS_HEAD, LCUS_BYTES = 0xA0, 4
READ_COILS, WRITE_COIL, QUESTION_BYTES = 1, 5, 8
COILS = 8
NOISE_BYTES, NOISE_EVERY_S = 40, 0.05


def modbus_crc(content: bytes) -> bytes:
    """CRC-16/MODBUS as a remainder of polynomials over GF(2), bits turned round: another way than the product's."""
    dividend = 0
    for byte in content:
        dividend = dividend << 8 | int(f"{byte:08b}"[::-1], 2)
    dividend = (dividend ^ 0xFFFF << 8 * (len(content) - 2)) << 16
    while dividend.bit_length() > 16:
        dividend ^= 0x18005 << dividend.bit_length() - 17
    return int(f"{dividend:016b}"[::-1], 2).to_bytes(2, "little")


class Board(Protocol):
    relays: dict[int, bool]  # channel -> on, of those that were ordered

    def hears(self, data: bytes) -> bytes:
        """What it answers to ``data``, which may be a part of a frame, or several."""
        ...


@dataclass
class PlayedLcus:
    """LC-Tech LCUS: A0, channel, state, and the sum of the three. It never answers."""

    relays: dict[int, bool] = field(default_factory=dict)
    _heard: bytearray = field(default_factory=bytearray)

    def hears(self, data: bytes) -> bytes:
        self._heard += data
        while len(self._heard) >= LCUS_BYTES:
            head, channel, state, total = self._heard[:LCUS_BYTES]
            if head == LCUS_HEAD and (head + channel + state) % 256 == total:
                self.relays[channel] = bool(state)
                del self._heard[:LCUS_BYTES]
            else:
                del self._heard[0]
        return b""


@dataclass
class PlayedModbus:
    """A Modbus RTU board of eight relays at address 1: it echoes an order, and tells its relays when asked."""

    relays: dict[int, bool] = field(default_factory=dict)
    _heard: bytearray = field(default_factory=bytearray)

    def hears(self, data: bytes) -> bytes:
        self._heard += data
        said = b""
        while len(self._heard) >= QUESTION_BYTES:
            question = bytes(self._heard[:QUESTION_BYTES])
            if question[0] == 1 and question[1] in {READ_COILS, WRITE_COIL} and modbus_crc(question[:-2]) == question[-2:]:
                said += self._answer(question)
                del self._heard[:QUESTION_BYTES]
            else:
                del self._heard[0]
        return said

    def _answer(self, question: bytes) -> bytes:
        coil, value = int.from_bytes(question[2:4], "big"), int.from_bytes(question[4:6], "big")
        if question[1] == WRITE_COIL:
            self.relays[coil + 1] = value == 0xFF00
            return question
        states = sum(1 << at for at in range(value) if self.relays.get(coil + at + 1))
        said = bytes([1, READ_COILS, (value + 7) // 8]) + states.to_bytes((value + 7) // 8, "little")
        return said + modbus_crc(said)


KINDS: dict[str, Callable[[], Board]] = {"lcus": PlayedLcus, "modbus": PlayedModbus}


class Bench:
    """The board at the far end of the machine's USB adaptor, and what befalls it; each method may be asked for by the guest."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._board: Board = PlayedLcus()
        self._mood = "well"
        self._heard = b""
        self._random = random.Random(5)
        self._in_hand = threading.Lock()
        self._machine.wire.settimeout(0.02)
        threading.Thread(target=self._play, daemon=True).start()

    def answers(self) -> dict[str, Answer]:
        return {
            "board": self._replace,
            "mood": self._feel,
            "relays": self._relays,
            "heard": self._tell_heard,
            "unplug": self._machine.unplug,
            "plug": self._machine.plug,
        }

    def _replace(self, kind: str) -> None:
        with self._in_hand:
            self._board, self._mood, self._heard = KINDS[kind](), "well", b""

    def _feel(self, mood: str) -> None:
        """``well``; ``mute``: it hears nothing and says nothing; ``noise``: nothing but that comes from it, all the time."""
        with self._in_hand:
            self._mood = mood

    def _relays(self) -> dict[int, bool]:
        with self._in_hand:
            return dict(self._board.relays)

    def _tell_heard(self) -> str:
        """All bytes that came over USB since somebody asked, in hexadecimal digits."""
        with self._in_hand:
            heard, self._heard = self._heard, b""
        return heard.hex()

    def _play(self) -> None:
        noise_s = 0.0
        while True:
            try:
                data = self._machine.wire.recv(256)
            except TimeoutError:
                data = b""
            else:
                if not data:
                    return
            with self._in_hand:
                self._heard += data
                if self._mood == "well" and (said := self._board.hears(data)):
                    self._machine.wire.sendall(said)
                elif self._mood == "noise" and time.monotonic() - noise_s >= NOISE_EVERY_S:
                    noise_s = time.monotonic()
                    self._machine.wire.sendall(self._random.randbytes(NOISE_BYTES))
