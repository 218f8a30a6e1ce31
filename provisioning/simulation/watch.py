"""One ``epoll`` over the sessions of many gates, whose sockets come and go."""

from __future__ import annotations

import select
from contextlib import suppress
from dataclasses import dataclass, replace

from device.uplink.client import Phase, Session

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Followed:
    """What of a gate's session is registered. A session has one socket while it dials and another one after."""

    session: Session
    dialling: bool
    descriptor: int
    events: int


class Watch:
    """``epoll`` over the sessions of all gates, each known by its place."""

    def __init__(self, descriptor: int) -> None:
        """``descriptor`` wakes it too, and is nobody's turn."""
        self.held: set[int] = set()
        """Gates for which TLS holds bytes that no poll shows."""
        self._epoll = select.epoll()
        self._epoll.register(descriptor, select.EPOLLIN)
        self._places: dict[int, int] = {}  # by descriptor
        self._followed: dict[int, Followed] = {}  # by place

    def wait(self, within_ns: int) -> set[int]:
        """Gates that can read or write."""
        return {self._places[descriptor] for descriptor, _ in self._epoll.poll(within_ns / NS) if descriptor in self._places}

    def follow(self, place: int, session: Session | None) -> None:
        """After each turn: the session may be another now, or want something else of its socket."""
        before, now = self._followed.get(place), _followed(session)
        (self.held.add if session is not None and session.holds_bytes() else self.held.discard)(place)
        if now == before:
            return
        if before and now and replace(before, events=now.events) == now:
            self._epoll.modify(now.descriptor, now.events)
            self._followed[place] = now
            return
        if before:
            self._forget(place, before)
        if now:
            self._epoll.register(now.descriptor, now.events)
            self._places[now.descriptor], self._followed[place] = place, now

    def _forget(self, place: int, before: Followed) -> None:
        del self._followed[place], self._places[before.descriptor]
        with suppress(OSError):  # closed, and so forgotten by the kernel; a dialling thread may have its number by now
            self._epoll.unregister(before.descriptor)


def _followed(session: Session | None) -> Followed | None:
    if session is None or (descriptor := session.fileno()) < 0:
        return None
    return Followed(session, session.phase is Phase.DIALLING, descriptor, select.EPOLLIN | (select.EPOLLOUT if session.wants_write() else 0))
