"""A scan module of the GM65 family, played as its manual says. Nothing but the standard library: the lab plays it, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FACTORY = {0x0000: 0xD6, 0x0002: 0x00, 0x0003: 0x00, 0x0005: 0x0A, 0x0013: 0x00, 0x0060: 0x01}
"""Zones as they come: reading continuously, printed set-up codes work, 1 s between readings."""

READ, WRITE, SAVE = 7, 8, 9
TRIGGER_ZONE = 0x0002


def crc(body: bytes) -> bytes:
    """CRC-16/XMODEM, bit by bit: another way than the product's."""
    register = 0
    for byte in body:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021) & 0xFFFF if register & 0x8000 else register << 1
    return register.to_bytes(2, "big")


def answer(*data: int) -> bytes:
    body = bytes([0, len(data), *data])
    return b"\x02\x00" + body + crc(body)


@dataclass
class PlayedGm65:
    """Bytes in, bytes out. ``requests`` are those it understood, as (type, zone, value)."""

    zones: dict[int, int] = field(default_factory=lambda: dict(FACTORY))
    stubborn: frozenset[int] = frozenset()  # zones that take no value
    mute: bool = False  # hears, and says nothing
    garble: Callable[[bytes], bytes] = lambda said: said  # what the wire makes of its answers
    requests: list[tuple[int, int, int]] = field(default_factory=list)
    saves: int = 0
    triggered: bool = False
    heard: bytes = b""
    flash: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flash = dict(self.zones)

    @property
    def mode(self) -> int:
        return self.zones[0x0000] & 0b11

    def hears(self, data: bytes) -> bytes:
        """What it says to ``data``. Frames that are broken it does not answer."""
        said = b""
        self.heard += data
        while (begin := self.heard.find(b"\x7e\x00")) >= 0 and len(self.heard) >= begin + 9:
            frame, self.heard = self.heard[begin : begin + 9], self.heard[begin + 9 :]
            if frame[7:] in (crc(frame[2:7]), b"\xab\xcd"):
                said += self.garble(self._does(frame[2], frame[4] << 8 | frame[5], frame[6]))
        return b"" if self.mute else said

    def _does(self, kind: int, zone: int, value: int) -> bytes:
        self.requests.append((kind, zone, value))
        if kind == READ:
            return answer(*(self.zones.get(zone + each, 0) for each in range(value)))
        if kind == SAVE:
            self.saves += 1
            self.flash = dict(self.zones)
        elif zone == TRIGGER_ZONE:
            self.triggered = bool(value & 1)
        elif zone not in self.stubborn:
            self.zones[zone] = value
        return answer(0)

    def sees(self, payload: bytes) -> bytes:
        """What it sends where ``payload`` is held before it: at once when reading continuously, once a trigger on command."""
        if self.mute or not (self.mode == 0b10 or (self.mode == 0b01 and self.triggered)):
            return b""
        self.triggered = False
        return payload + b"\r"

    def loses_power(self) -> None:
        """It comes back as its flash says."""
        self.zones, self.triggered, self.heard = dict(self.flash), False, b""
