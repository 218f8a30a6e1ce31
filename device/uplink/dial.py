"""paho's connect, which waits for name servers, TCP and TLS, in a thread of its own: the main loop keeps its pace.

The thread ends with the connection or the error; from then on the client belongs to the main loop alone.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class Dial:
    def __init__(self, connect: Callable[[], object]) -> None:
        self._connect = connect
        self._error: Exception | None = None
        self._ended = threading.Event()
        self._here, self._there = socket.socketpair()  # closing one end wakes a poll on the other
        threading.Thread(target=self._run, name="uplink-dial", daemon=True).start()

    def fileno(self) -> int:
        """Readable once the connection is made or failed."""
        return self._here.fileno()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def result(self) -> None:
        """Call once, after the end. Raises what ``connect`` raised."""
        self.close()
        if self._error:
            raise self._error

    def close(self) -> None:
        """Nobody waits for it any more; the thread ends with its attempt, or with the process."""
        self._here.close()

    def _run(self) -> None:
        try:
            self._connect()
        except (OSError, ValueError) as error:  # ValueError: a host name that no resolver can encode
            self._error = error.with_traceback(None)  # its frames hold the socket that paho leaves open
        finally:
            self._ended.set()
            self._there.close()
