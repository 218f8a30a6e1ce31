"""An LCUS relay board as a process of its own: it holds its level when its owner dies, as the real board does.

``python -m tests.faults.relay_board LINK`` makes a pty, puts a symbolic link to it at LINK, and prints one line for each
change of the relay: monotonic nanoseconds and ``on`` or ``off``.
"""

from __future__ import annotations

import os
import pty
import sys
import time
import tty
from pathlib import Path

HEAD = 0xA0
FRAME_BYTES = 4


def frames(received: bytearray) -> list[tuple[int, int]]:
    """Take whole frames out of ``received``: (channel, state). What does not add up is skipped byte by byte."""
    found = []
    while len(received) >= FRAME_BYTES:
        if received[0] == HEAD and sum(received[:3]) % 256 == received[3]:
            found.append((received[1], received[2]))
            del received[:FRAME_BYTES]
        else:
            del received[0]
    return found


def main(link: Path) -> None:
    board, port = pty.openpty()
    tty.setraw(board)
    link.symlink_to(os.ttyname(port))  # the board keeps its own end of the port open, so that it outlives every owner
    relay = False
    received = bytearray()
    print("ready", flush=True)
    while True:
        received += os.read(board, 4096)
        for _channel, state in frames(received):
            if bool(state) != relay:
                relay = bool(state)
                print(time.monotonic_ns(), "on" if relay else "off", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
