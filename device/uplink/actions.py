"""What the uplink's state machines want done. They do nothing themselves: the main loop does it, and tells them what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from device.domain import StoredEvent
from device.links import Lane


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the gate for ``limit`` events after sequence ``after``."""

    lane: Lane
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish ``event``; where ``replayed``, whoever reads it is told that it is no news."""

    event: StoredEvent
    replayed: bool


@dataclass(frozen=True, slots=True)
class Tell:
    """Publish ``body``, which is no event; where ``retained``, the broker keeps it for whoever subscribes later."""

    topic: str
    body: bytes = field(repr=False)
    retained: bool


@dataclass(frozen=True, slots=True)
class Stuck:
    """The broker owes an answer for too long: only a new connection helps."""

    waited_ns: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until_ns``, or before something happens if that is ``None``."""

    until_ns: int | None
