"""A line to the reader: both ends of a real SEQPACKET connection, and a source that shows what it is told."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from device.errors import HardwareError, LinkError
from device.links import Link, Message, ReaderState, View
from device.reader.frame import Frame, Luma


def pair() -> tuple[Link, Link]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Link(one), Link(other)


def heard(link: Link) -> list[Message]:
    """Everything that lies on ``link`` now."""
    messages: list[Message] = []
    while (message := link.receive()) is not None:
        messages.append(message)
    return messages


def spoken(messages: Iterable[Message | None]) -> list[str]:
    """Views as payload and first letter of the state, such as "aA bS"; states by their word."""
    return [word for message in messages if (word := _word(message)) is not None]


def _word(message: Message | None) -> str | None:
    match message:
        case View(tracks):
            return " ".join(f"{track.payload.decode()}{track.state.value[0].upper()}" for track in tracks)
        case ReaderState(state=state):
            return state
        case _:
            return None


@dataclass
class Gate:
    """Whoever listens: gives the reader its end of a new connection, or nobody is there."""

    there: bool = True
    link: Link | None = None
    tries: int = 0

    def connect(self) -> Link:
        self.tries += 1
        if not self.there:
            raise LinkError("nobody listens")
        if self.link:
            self.link.close()
        mine, self.link = pair()
        return mine

    def hear(self) -> list[str]:
        return spoken(heard(self.link)) if self.link else []

    def leave(self) -> None:
        if self.link:
            self.link.close()
        self.link, self.there = None, False


@dataclass
class Shown:
    """A source that shows its frames one after the other, when the test lets it; then it ends, waits or breaks."""

    lumas: deque[Luma | Exception]
    then: str = "end"  # end, wait, break
    allowed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(10_000))
    released: int = 0
    dropped: int = 0
    number: int = 0
    ended: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def next(self, timeout_s: float) -> Frame | None:
        if not self.lumas and self.then == "break":
            raise HardwareError("the camera broke off", hint="reseat it")
        if not self.lumas and self.then == "end":
            self.ended = True
            return None
        if not self.lumas or not self.allowed.acquire(timeout=min(timeout_s, 0.05)):
            threading.Event().wait(0.005)
            return None
        luma = self.lumas.popleft()
        if isinstance(luma, Exception):
            raise luma
        number, self.number = self.number, self.number + 1
        return Frame(luma, number, number * 33_000_000, self._release)

    def _release(self) -> None:
        self.released += 1
