"""Grow's GM65 and its relatives (GM805, GM812, GM861S, the Waveshare Barcode Scanner Module), in their own serial protocol.

    request  7E 00 | type (07 read, 08 write, 09 save) | length | zone hi lo | data | CRC hi lo
    answer   02 00 | type 00 | length | data | CRC hi lo

CRC-16/XMODEM over type..data; AB CD stands for "not computed" (GM65 user manual V1.3, chapter 2, and Waveshare's wiki of its
module). An answer comes *before* the text that a trigger finds, on the same stream. The GM67 and the GM72 look alike and speak
another protocol (04 E4 …; GM72 manual, chapter 9): they answer nothing here.

What each zone bit means is from the manuals' list of zone bits, compared with what four public drivers write; tried on no
module yet (hardware/scan-modules.md).
"""

from __future__ import annotations

import binascii
from collections.abc import Generator
from dataclasses import dataclass
from enum import Enum

from device.errors import HardwareError, ScannerError
from device.reader.scanners import Answer, Request, Talk
from device.reader.scanners.lines import Lines

READ, WRITE, SAVE = 7, 8, 9
ANSWER_HEAD = b"\x02\x00\x00"
ANSWER_DATA_MAX = 8
"""Bytes. One zone is read at a time, so one would do; a CR in the place of the length (13) must be no length."""
ANSWER_MAX = len(ANSWER_HEAD) + 1 + ANSWER_DATA_MAX + 2
NOT_COMPUTED = b"\xab\xcd"
LATE_MAX = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """Bits of one zone, and what they must be."""

    what: str
    zone: int
    mask: int
    bits: int


SETUP_CODES = Setting("printed set-up codes off", 0x0003, 0b10, 0b10)
"""Bit 1 set: the module takes no orders from codes. Anybody can print one that changes its baud rate or its terminator."""

CONTINUOUS = Setting("reading continuously", 0x0000, 0b11, 0b10)
HOST = Setting("reading on command", 0x0000, 0b11, 0b01)
TERMINATOR = Setting("CR after each text, and nothing else around it", 0x0060, 0x7F, 0x01)
"""Bit 0: a terminator; bits 6 and 5: which (00 CR); bits 4 to 1: RF, prefix, code id, suffix."""
PAUSE = Setting("0.3 s between readings", 0x0005, 0xFF, 3)
"""Tenths of a second. From the factory 1 s: so long the next person would wait."""
SAME_CODE = Setting("a code that is held is sent again and again", 0x0013, 0x80, 0x00)
"""Bit 7: pause before the same code. With it a code that is still held would seem to have left."""

TRIGGER_ZONE = 0x0002


def crc(body: bytes) -> bytes:
    """CRC-16/XMODEM (polynomial 1021, start 0), high byte first."""
    return binascii.crc_hqx(body, 0).to_bytes(2, "big")


def frame(kind: int, zone: int, data: int) -> bytes:
    """One request. ``data``: the value to write, or how many zones to read."""
    body = bytes([kind, 1, zone >> 8, zone & 0xFF, data])
    return b"\x7e\x00" + body + crc(body)


class Start(Enum):
    """What a stream begins with, where a text or an answer may begin."""

    ANSWER = 1
    UNFINISHED = 2  # could become an answer
    BROKEN = 3  # begins like an answer, and is none
    OTHER = 4


def start_of(ahead: bytes) -> tuple[Start, int]:
    """What ``ahead`` begins with, and if that is an answer, its length."""
    if not ahead or ahead[:3] != ANSWER_HEAD[: len(ahead)]:
        return Start.OTHER, 0
    if len(ahead) > 3 and not 1 <= ahead[3] <= ANSWER_DATA_MAX:
        return Start.BROKEN, 0
    if len(ahead) < 4 or len(ahead) < ahead[3] + 6:
        return Start.UNFINISHED, 0
    end = 4 + ahead[3]
    if ahead[end : end + 2] in (crc(ahead[2:end]), NOT_COMPUTED):
        return Start.ANSWER, end + 2
    return Start.BROKEN, 0


class Gm65:
    """Takes answers out of the stream, exactly: only where one is owed, and only where a text could begin.

    On command nothing but the answer can come first, so whatever else does is thrown away. In continuous mode texts and answers
    come in any order; a text that begins with a whole answer is thrown away there, for it cannot be told which of both it is.
    """

    silent = False

    def __init__(self, *, host: bool) -> None:
        self.host = host
        self._lines = Lines(b"\r")
        self._owed = False
        self._late = 0  # answers to requests that were sent again, which may still come
        self._set_up = False

    @property
    def _answer_first(self) -> bool:
        """Can nothing come before an answer that is owed?"""
        return self._set_up and self.host

    @property
    def failures(self) -> int:
        return self._lines.failures

    @property
    def stop(self) -> bytes:
        return frame(WRITE, TRIGGER_ZONE, 0) if self.host else b""

    def set_up(self) -> Talk:
        changed = False
        for setting in (SETUP_CODES, HOST if self.host else CONTINUOUS, TERMINATOR, PAUSE, SAME_CODE):
            changed |= yield from self._establish(setting)
        if changed:  # only then: the flash bears some 100,000 writes, and a gate may start its reader often
            yield Request(frame(SAVE, 0, 0))
        self._set_up = True

    def ask(self) -> Talk:
        if self.host:
            yield Request(frame(WRITE, TRIGGER_ZONE, 1))
            return
        answer = yield Request(frame(READ, SETUP_CODES.zone, 1))
        if answer[0] & SETUP_CODES.mask != SETUP_CODES.bits:
            raise ScannerError("the scan module has forgotten its settings", hint="its supply may be too weak: it is set up again")

    def asked(self, *, quiet: bool) -> None:
        self._late = min(self._late + 1, LATE_MAX) if self._owed else 0  # before something new is asked, those had their time
        if quiet and (self._answer_first or not self._set_up):  # else a text that stalled would lose its beginning, and be taken for another
            self._lines.restart()
        self._owed = True

    def heard(self, data: bytes) -> list[bytes | Answer]:
        self._lines.add(data)
        found = []
        while (each := self._next()) is not None:
            found.append(each)
        return found

    def begin(self) -> None:
        self._lines.begin()

    def _next(self) -> bytes | Answer | None:
        while True:
            ahead = self._lines.ahead(ANSWER_MAX)
            start, length = start_of(ahead)
            if start is Start.ANSWER and self._owed:
                self._owed = False
                self._lines.take(length)
                return Answer(ahead[4 : length - 2])
            if start is Start.ANSWER and self._late:
                self._late -= 1
                self._lines.take(length)
                continue
            if start is Start.UNFINISHED and (self._owed or self._late):
                return None
            if not self._is_no_text(ahead, start):
                return self._lines.text()
            self._lines.skip()

    def _is_no_text(self, ahead: bytes, start: Start) -> bool:
        if self._owed:
            return start is Start.BROKEN or (self._answer_first and bool(ahead))
        return start is Start.ANSWER and not self._answer_first

    def _establish(self, setting: Setting) -> Generator[Request, bytes, bool]:
        """Make ``setting`` true; did it have to be changed?"""
        found = yield from self._read(setting.zone)
        if found & setting.mask == setting.bits:
            return False
        yield Request(frame(WRITE, setting.zone, found & ~setting.mask | setting.bits))
        found = yield from self._read(setting.zone)
        if found & setting.mask != setting.bits:
            raise HardwareError(
                f"the scan module does not take a setting: {setting.what} (zone {setting.zone:04X} reads {found:02X})",
                hint="while set-up codes work, anybody can print one that reconfigures it: use another module"
                if setting is SETUP_CODES
                else "is it really of this family? scanner.model names it",
            )
        return True

    def _read(self, zone: int) -> Generator[Request, bytes, int]:
        answer = yield Request(frame(READ, zone, 1))
        return answer[0]


def open_gm65(*, host: bool) -> Gm65:
    return Gm65(host=host)
