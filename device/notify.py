"""How a process is, told over a datagram socket (sd_notify): to systemd, or to ``qrgate run``, which listens likewise.

A few lines, so no package is needed.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"

_STATE_BYTES = 256
_HEARD_AT_ONCE = 512
_CREDENTIALS = struct.Struct("3i")  # process, user and group of the sender, vouched for by the kernel


def notify(state: str, *, wait_s: float = 0.1) -> None:
    """Send ``state`` to the service manager that started this process; without one, nothing happens.

    One that does not take it within ``wait_s`` misses it.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.settimeout(wait_s)
        try:
            channel.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
        except OSError:
            return  # a service manager that does not listen must not stop the gate


class Ear:
    """Where processes that we started tell how they are.

    Its name is in Linux's abstract namespace, where nobody keeps a stranger from speaking: so go by the sender's process id.
    """

    def __init__(self) -> None:
        self._channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._channel.bind("")  # the kernel chooses a free name
        self.address = "@" + self._channel.getsockname()[1:].decode("ascii")
        """The value of their ``NOTIFY_SOCKET``."""

    def close(self) -> None:
        self._channel.close()

    def fileno(self) -> int:
        return self._channel.fileno()

    def heard(self) -> Iterator[tuple[int, str]]:
        """Process id and state of what was told since the last time; the rest of a flood waits for the next."""
        for _ in range(_HEARD_AT_ONCE):
            try:
                state, ancillary, _, _ = self._channel.recvmsg(_STATE_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                return
            for level, kind, content in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                    yield _CREDENTIALS.unpack(content)[0], state.decode(errors="replace")
