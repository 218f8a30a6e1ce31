"""Honeywell's imagers and engines, and those that copy their serial commands (Mindeo, Canmax).

    trigger  16 54 0D (SYN T CR), not answered; the module reads until it has a code or its own time is over
    stop     16 55 0D (SYN U CR)
    menu     16 4D 0D (SYN M CR) command . or !    answered by the command, 06 (ACK), 05 (ENQ) or 15 (NAK), and the . or !

``!`` changes the module's memory only and spares its flash (N3680 user guide, "Menu Command Syntax"). TRGMOD0 is the serial
trigger, TRGMOD3 presentation: it reads whatever is held before it. How its printed set-up codes are switched off differs
from model to model, so that is left to whoever builds the gate in (hardware/scan-modules.md). Tried on no module yet.
"""

from __future__ import annotations

import re

from device.errors import HardwareError, ScannerError
from device.reader.scanners import Answer, Request, Talk
from device.reader.scanners.lines import Lines

TRIGGER, STOP, MENU = b"\x16T\r", b"\x16U\r", b"\x16M\r"
ACK = b"\x06"
COMMAND = b"TRGMOD"
ANSWER = re.compile(rb"TRGMOD[0-9?]{0,2}[\x05\x06\x15][.!]")
ANSWER_MAX = 10
LATE_MAX = 3


class Honeywell:
    """Takes answers out of the stream where one is owed. A text that begins with a whole answer is thrown away: it cannot be
    told which of both it is, and the true one would become part of the next person's text.
    """

    silent = False

    def __init__(self, *, host: bool) -> None:
        self.host = host
        self._mode = b"0" if host else b"3"
        self._lines = Lines(b"\r\n")
        self._owed = False
        self._late = 0  # answers to requests that were sent again, which may still come
        self._set_up = False

    @property
    def failures(self) -> int:
        return self._lines.failures

    @property
    def stop(self) -> bytes:
        return STOP if self.host else b""

    def set_up(self) -> Talk:
        answer = yield Request(MENU + COMMAND + self._mode + b"!")
        if ACK not in answer:
            raise HardwareError(
                f"the scan module refuses {(COMMAND + self._mode).decode()} ({answer[-2:].hex()})",
                hint='is it of this family? one that reads by itself and only sends texts is scanner.model = "terminated"',
            )
        self._set_up = True

    def ask(self) -> Talk:
        answer = yield Request(MENU + COMMAND + b"?.")
        if not answer.startswith(COMMAND + self._mode + ACK):
            raise ScannerError("the scan module has forgotten its settings", hint="its supply may be too weak: it is set up again")
        if self.host:
            yield Request(TRIGGER, answered=False)

    def asked(self, *, quiet: bool) -> None:
        self._late = min(self._late + 1, LATE_MAX) if self._owed else 0  # before something new is asked, those had their time
        if quiet and not self._set_up:  # later a text that stalled would lose its beginning, and be taken for another
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
        while answer := ANSWER.match(self._lines.ahead(ANSWER_MAX)):
            if self._owed:
                self._owed = False
                self._lines.take(answer.end())
                return Answer(answer[0])
            if self._late:
                self._late -= 1
                self._lines.take(answer.end())
            else:
                self._lines.skip()
        return self._lines.text()


def open_honeywell(*, host: bool) -> Honeywell:
    return Honeywell(host=host)
