"""Any module that sends each text with a terminator behind it: CR, LF or both. It takes no commands.

So nothing can be set or asked: whether its set-up codes are off, and whether it still lives, nobody knows but who shows
it a code. A text that holds a terminator comes as two.
"""

from __future__ import annotations

from device.reader.scanners import Answer, Talk
from device.reader.scanners.lines import Lines

ENDS = b"\r\n"


class Terminated:
    host = False
    silent = True
    stop = b""

    def __init__(self) -> None:
        self._lines = Lines(ENDS)

    @property
    def failures(self) -> int:
        return self._lines.failures

    def set_up(self) -> Talk:
        yield from ()

    def ask(self) -> Talk:
        yield from ()

    def asked(self, *, quiet: bool) -> None:
        """Nothing is ever asked."""

    def heard(self, data: bytes) -> list[bytes | Answer]:
        self._lines.add(data)
        texts: list[bytes | Answer] = []
        while (text := self._lines.text()) is not None:
            texts.append(text)
        return texts

    def begin(self) -> None:
        self._lines.begin()


def open_terminated(*, host: bool) -> Terminated:
    """``host`` is refused by the settings (``device/config.py``)."""
    assert not host  # noqa: S101
    return Terminated()
