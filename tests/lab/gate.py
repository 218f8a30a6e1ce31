"""The gate's end of the reader's link, played by a lab program in its own process."""

from __future__ import annotations

import os
import selectors
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from device.clock import NS, monotonic_ns
from device.domain import Track, TrackState
from device.errors import LinkError
from device.links import Link, Listener, ReaderState, View
from device.reader import service


@dataclass
class Gate:
    """Listens to the reader, and to what it tells the service manager."""

    folder: Path
    link: Link | None = None
    tracks: list[Track] = field(default_factory=list)  # as they appeared and left
    states: list[ReaderState] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = Listener(self.folder / service.SOCKET, {os.getuid()})
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._notices.bind(str(self.folder / "notify"))
        os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._notices, selectors.EVENT_READ, lambda: self.notices.append(self._notices.recv(100).decode()))

    def listen(self, until: Callable[[], bool], limit_s: float) -> float:
        """Take in what comes until ``until()`` holds, but at most ``limit_s``; returns the seconds it took."""
        begin_ns = monotonic_ns()
        while not until() and monotonic_ns() - begin_ns < limit_s * NS:
            for ready, _ in self._selector.select(0.02):
                ready.data()
        return (monotonic_ns() - begin_ns) / NS

    def _accept(self) -> None:
        self.link = self._listener.accept()
        if self.link is not None:
            self._selector.register(self.link, selectors.EVENT_READ, self._receive)

    def _receive(self) -> None:
        assert self.link is not None
        try:
            message = self.link.receive()
        except LinkError:
            self._selector.unregister(self.link)
            return
        if isinstance(message, View):
            self.tracks += [track for track in message.tracks if track.state is not TrackState.STILL]
        elif isinstance(message, ReaderState):
            self.states.append(message)

    def told(self, state: TrackState) -> list[Track]:
        return [track for track in self.tracks if track.state is state]

    def close(self) -> None:
        del os.environ["NOTIFY_SOCKET"]
        self._selector.close()
        for each in (self.link, self._listener, self._notices):
            if each is not None:
                each.close()
