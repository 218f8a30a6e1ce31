"""The outbox of a played gate: in memory, and in every other way as ``device/gate`` keeps it.

Real bodies in a real chain, and an event leaves only where the recorder has signed for its very bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device.domain import ClockTrust, Instant, StoredEvent
from device.errors import VerificationError
from device.events import cloudevents, confirmation
from device.events.cloudevents import Stamp
from device.events.cose import verify1
from device.events.head import Head
from provisioning.simulation.people import fact


@dataclass(frozen=True, slots=True)
class Waiting:
    """One event that the recorder has not confirmed, and when it happened, monotonic nanoseconds."""

    event: StoredEvent
    made_ns: int


class Outbox:
    def __init__(self, gate: str, *, boot: str, epoch: str, recorder: Ed25519PublicKey) -> None:
        self.made = 0
        """Events so far, and so the sequence of the last one."""
        self._gate = gate
        self._boot = boot
        self._epoch = epoch
        self._recorder = recorder
        self._hash = b""
        self._waiting: dict[int, Waiting] = {}  # in order of sequence

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def head(self) -> Head:
        return Head(self._gate, self._epoch, self.made, self._hash)

    @property
    def oldest_ns(self) -> int | None:
        """When the oldest event that waits happened."""
        return next((each.made_ns for each in self._waiting.values()), None)

    def record(self, made_ns: int) -> None:
        """The next event of this gate."""
        before, self.made = cloudevents.event_id(self._gate, self._epoch, self.made), self.made + 1
        kind, subject, data = fact(self.made, before, made_ns)
        stamp = Stamp(self._gate, self._boot, self._epoch, self.made, self._hash)
        body = cloudevents.encode(kind, data, subject=subject, time=Instant(datetime.now(UTC), ClockTrust.TRUSTED), stamp=stamp)
        self._hash = cloudevents.body_hash(body)
        self._waiting[self.made] = Waiting(StoredEvent(self.made, kind, body), made_ns)

    def after(self, sequence: int, limit: int) -> tuple[StoredEvent, ...]:
        """At most ``limit`` of the events that wait and have a higher sequence, in order."""
        found: list[StoredEvent] = []
        for number in range(max(sequence + 1, next(iter(self._waiting), 1)), self.made + 1):
            if len(found) >= limit:
                break
            if each := self._waiting.get(number):
                found.append(each.event)
        return tuple(found)

    def confirm(self, envelope: bytes, now_ns: int) -> list[int]:
        """Let go of what the recorder has signed for; how long each of these events has waited for it, nanoseconds.

        Raises:
            VerificationError: the recorder has not signed this, or has signed for other bytes; nothing goes.
        """
        told = confirmation.decode(verify1(envelope, self._recorder, context=confirmation.CONTEXT))
        if (told.gate, told.epoch) != (self._gate, self._epoch) or told.last > self.made:
            raise VerificationError("a confirmation for another gate or epoch, or of events that are not there yet")
        range_ = range(told.first, told.last + 1)
        if not all(number in self._waiting for number in range_):
            return []  # it was seen before
        if confirmation.range_digest(self._waiting[number].event.body for number in range_) != told.digest:
            raise VerificationError("a confirmation of other bytes")
        return [now_ns - self._waiting.pop(number).made_ns for number in range_]
