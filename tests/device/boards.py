"""An LCUS relay board at the other end of a pty: it keeps what it was sent, whoever dies."""

from __future__ import annotations

import os
import pty
import select
import tty
from pathlib import Path
from typing import Self

from tests.faults.relay_board import frames

ON, OFF = (1, 1), (1, 0)
"""Channel and state."""


class Board:
    def __enter__(self) -> Self:
        self._board, self._port = pty.openpty()  # this end of the port stays open, so that the board outlives every owner
        tty.setraw(self._board)
        self.path = Path(os.ttyname(self._port))
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        os.close(self._port)

    def unplug(self) -> None:
        """Whoever uses the port has an I/O error from now on. This end stays open: a free number is the next pty's of anybody."""
        if self._board >= 0:
            os.close(self._board)
        self._board = -1

    def received(self, *, within_s: float = 0) -> bytes:
        """The bytes since the last look; waits up to ``within_s`` for the first of them."""
        content = b""
        while select.select([self._board], [], [], 0 if content else within_s)[0]:
            content += os.read(self._board, 4096)
        return content

    def switched(self, *, within_s: float = 0) -> list[tuple[int, int]]:
        """The commands since the last look: (channel, state)."""
        return frames(bytearray(self.received(within_s=within_s)))
