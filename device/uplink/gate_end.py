"""The uplink's end of the link with the gate: connected again whenever it breaks, never waiting."""

from __future__ import annotations

import logging
from collections import deque
from pathlib import Path

from device import links
from device.errors import LinkError
from device.links import Again, BrokerState, Events, Health, Hello, Link, Message, Say
from device.seldom import Seldom
from device.uplink.backoff import Backoff
from device.uplink.timing import Timing

log = logging.getLogger("qrgate.uplink")

NS = 1_000_000_000
OUTGOING_MAX = 64  # messages a gate that does not read may owe us before its link counts as broken
RECEIVED_AT_ONCE = 16

FromGate = Hello | Events | Again | Say | Health


class GateEnd:
    """``hello`` is who the gate is, or ``None`` while there is no contact."""

    def __init__(self, path: Path, timing: Timing) -> None:
        self.hello: Hello | None = None
        self._path = path
        self._timing = timing
        self._seldom = Seldom(log)
        self._backoff = Backoff(timing.first_gate_wait_s, timing.most_gate_wait_s)
        self._link: Link | None = None
        self._connected_ns = 0
        self._try_at_ns = 0
        self._outgoing: deque[Message] = deque()

    def fileno(self) -> int:
        """What to poll; -1 while there is no link."""
        return self._link.fileno() if self._link else -1

    def wants_write(self) -> bool:
        return bool(self._outgoing)

    @property
    def wake_ns(self) -> int | None:
        """When the next attempt is due, while there is no link."""
        return None if self._link else self._try_at_ns

    def step(self, now_ns: int) -> list[FromGate]:
        """Connect if that is due, send what waits, and return what came. The first Hello begins a new link, with nothing asked.

        What a gate has said before its end came too: the answer to an order to restart is the last of it.
        """
        came: list[FromGate] = []
        try:
            if self._link is None and now_ns >= self._try_at_ns:
                self._link = links.connect(self._path)
                self._connected_ns = now_ns
            if self._link is not None:
                self._receive(self._link, came)  # before anything is sent, which fails where the gate is gone
                self._flush(self._link)
                self._expect_hello(now_ns)
        except LinkError as error:
            self._drop(error, now_ns)
        return came

    def tell(self, message: Message) -> None:
        """Send ``message``, now or as soon as there is room; without a link it is forgotten: a new link starts afresh."""
        if self.hello and (self._outgoing or not self.take(message)):
            self._outgoing.append(message)

    def take(self, message: Message) -> bool:
        """Send ``message`` now, or ``False``: it was not taken, and stays with the caller."""
        if not (self._link and self.hello) or self._outgoing:
            return False
        try:
            return self._link.send(message)
        except LinkError:
            return False  # the next step finds the link broken

    def close(self, last: BrokerState) -> None:
        """Say a last word if it fits, and hang up."""
        self.take(last)
        if self._link:
            self._link.close()
        self._link = self.hello = None

    def _flush(self, link: Link) -> None:
        while self._outgoing and link.send(self._outgoing[0]):
            self._outgoing.popleft()
        if len(self._outgoing) > OUTGOING_MAX:
            raise LinkError("the gate does not read")

    def _expect_hello(self, now_ns: int) -> None:
        if not self.hello and now_ns - self._connected_ns >= self._timing.hello_s * NS:
            raise LinkError("the gate says nothing")

    def _receive(self, link: Link, came: list[FromGate]) -> None:
        while len(came) < RECEIVED_AT_ONCE and (message := link.receive()) is not None:
            match message:
                case Hello() if not self.hello:
                    self.hello = message
                    self._backoff.reset()
                    self._seldom.info("the gate is there, epoch %s, last event %d", message.epoch, message.last_sequence)
                case Hello(boot, epoch, _, key) if self.hello and (boot, epoch, key) == (self.hello.boot, self.hello.epoch, self.hello.key):
                    self.hello = message
                case Events() | Again() | Say() | Health() if self.hello:
                    pass
                case _:
                    came.clear()  # it is no gate, whatever else it said
                    raise LinkError(f"an unexpected {message.NAME!r}")
            came.append(message)

    def _drop(self, error: LinkError, now_ns: int) -> None:
        if self.hello or self._try_at_ns == 0:
            self._seldom.warning("no link with the gate: %s", error.what)
        if self._link:
            self._link.close()
        self._link = self.hello = None
        self._outgoing.clear()
        self._try_at_ns = now_ns + int(self._backoff.wait_s() * NS)
