"""What to send next: a state machine over the gate's outbox, with time passed in.

PUBACK means "the broker took it", never "the recorder has it": only the gate deletes an event, on the recorder's signed
confirmation. So the uplink walks the outbox twice:

* the cursor hands every event to the broker once, in strict order, no more than ``window`` of them unacknowledged;
* the repeat looks back. Events that were acknowledged ``confirm_within`` ago and are still in the gate are sent again, the
  lowest page first; the page after it only when a confirmation came in. A recorder that is away costs one page a round,
  and one that is back is served as fast as it confirms.

        Give ─▶ waiting ─▶ in flight ─PUBACK─▶ acknowledged ─▶ (confirmed: the gate gives it no more)
                   ▲                               │ confirm_within passed, and the gate still gives it
                   └───────────── repeat ──────────┘

One Drain belongs to one connection with the broker: a new connection starts again from what the gate has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from device.domain import StoredEvent
from device.uplink.refusals import Refusals

NS = 1_000_000_000
PAGE = 20
"""Events asked for at once; the largest that surely fit one packet of the link (``links.PACKET_MAX``)."""

WAITING_MAX = 3 * PAGE
"""Answers that crossed may bring more than was asked; beyond this they are left with the gate."""

BURST_NS = NS // 10
"""Live events are never paced: what was not sent in this time may follow at once."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the gate for ``limit`` events after sequence ``after``; a question that is still open is replaced."""

    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Publish:
    event: StoredEvent


@dataclass(frozen=True, slots=True)
class Stuck:
    """The broker owes an answer for too long: only a new connection helps."""

    waited_ns: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until_ns``, or before something happens if that is ``None``."""

    until_ns: int | None


Action = Ask | Publish | Stuck | Wait


@dataclass(frozen=True, slots=True)
class Flight:
    """One event that the broker has not answered; ``None`` where it came over a link that is gone."""

    event: StoredEvent | None
    sent_ns: int


class Drain:
    """Times are monotonic nanoseconds; ``mid`` is the MQTT packet identifier of a publish."""

    def __init__(
        self, refusals: Refusals, *, window: int, confirm_within_ns: int, answer_within_ns: int, pace_per_s: float, careful_to: int = 0
    ) -> None:
        """Events up to sequence ``careful_to`` travel alone: one of them may be why the last connection was lost."""
        self.window = window  # smaller while something else is under way beside the events
        self._refusals = refusals
        self._confirm_within_ns = confirm_within_ns
        self._answer_within_ns = answer_within_ns
        self._step_ns = int(NS / pace_per_s)
        self._careful_to = careful_to

        self._waiting: deque[StoredEvent] = deque()
        self._flights: dict[int, Flight] = {}  # oldest first
        self._earliest_ns = -BURST_NS  # pace: no publish before
        self._paused_until_ns = 0
        self.start_over()

    def start_over(self) -> None:
        """The link to the gate is a new one: nothing that was asked or given over the old one counts."""
        self._waiting.clear()
        self._flights = {mid: Flight(None, flight.sent_ns) for mid, flight in self._flights.items()}
        self._cursor = 0  # highest sequence taken over from the gate
        self._asked = False  # a question is open
        self._acknowledged_to = 0
        # The repeat: events up to _watched_to are looked for again at _due_ns. Then those up to _ripe_to are sent again
        # wherever the gate still gives them, each once a round: _repeated_to is how far the round is.
        self._watched_to = 0
        self._due_ns: int | None = None
        self._ripe_to = 0
        self._repeated_to = 0
        self._page_due = False
        self._page_left = False  # the last page was not the whole round

    # --- what happened -----------------------------------------------------------------------------------------

    def given(self, events: Sequence[StoredEvent], now_ns: int) -> None:
        """The gate's answer: unconfirmed events, in order of sequence."""
        self._asked = False
        looked_back = repeated = False
        for event in events:
            if len(self._waiting) >= WAITING_MAX:
                return
            if event.sequence > self._cursor:
                self._cursor = event.sequence
            else:
                looked_back = True
                if not self._repeated_to < event.sequence <= self._ripe_to:
                    continue
                self._repeated_to = event.sequence
            if not self._refusals.hold(event, now_ns):
                self._waiting.append(event)
                repeated = looked_back
        if looked_back:
            self._watch(now_ns)
            more = events[-1].sequence < self._ripe_to
            self._page_left, self._page_due = more and repeated, more and not repeated

    def sent(self, mid: int, event: StoredEvent, now_ns: int) -> None:
        """``event``, which ``next`` said to publish, is on its way."""
        self._flights[mid] = Flight(event, now_ns)
        self._earliest_ns = max(self._earliest_ns, now_ns - BURST_NS) + self._step_ns

    def acknowledged(self, mid: int, now_ns: int) -> None:
        """The broker has it, which is not delivery."""
        flight = self._flights.pop(mid, None)
        if flight and flight.event:
            self._took(flight.event, now_ns)

    def refused(self, mid: int, now_ns: int) -> StoredEvent | None:
        """The broker will never take it. Returns the event, for the gate to know."""
        flight = self._flights.pop(mid, None)
        if flight and flight.event:
            self.skipped(flight.event, now_ns)
            return flight.event
        return None

    def skipped(self, event: StoredEvent, now_ns: int) -> None:
        """``event``, which ``next`` said to publish, cannot be sent at all."""
        self._refusals.add(event, now_ns)
        self._took(event, now_ns)

    def postponed(self, mid: int, until_ns: int) -> None:
        """The broker does not take it now: nothing is sent before ``until_ns``, and then this one first."""
        flight = self._flights.pop(mid, None)
        if not flight:
            return
        self._paused_until_ns = max(self._paused_until_ns, until_ns)
        if flight.event:
            before = flight.event.sequence - 1
            self._repeated_to = min(self._repeated_to, before) if self._page_due else before
            self._ripe_to = max(self._ripe_to, flight.event.sequence)
            self._page_due = True

    def confirmation_arrived(self) -> None:
        """Bytes on the confirmation's topic, unproven. They only say that it is worth asking the gate again."""
        if self._page_left:
            self._page_left, self._page_due = False, True

    @property
    def in_flight(self) -> list[StoredEvent]:
        """What the broker has not answered, oldest first; not what came over a link that is gone."""
        return [flight.event for flight in self._flights.values() if flight.event]

    @property
    def alone(self) -> StoredEvent | None:
        """The event in flight, if there is no other."""
        return next(iter(self._flights.values())).event if len(self._flights) == 1 else None

    @property
    def careful_to(self) -> int:
        """How far a next connection must be careful, if this one was lost because of an event in flight."""
        return max([self._careful_to, *(event.sequence for event in self.in_flight)])

    # --- what to do --------------------------------------------------------------------------------------------

    def next(self, now_ns: int) -> Action:
        """The next thing to do now. Publish must be followed by ``sent`` or ``skipped``."""
        oldest = next(iter(self._flights.values()), None)
        if oldest and now_ns - oldest.sent_ns >= self._answer_within_ns:
            return Stuck(now_ns - oldest.sent_ns)
        self._look_back(now_ns)
        if self._may_send() and now_ns >= self._not_before_ns:
            return Publish(self._waiting.popleft())
        if now_ns >= self._paused_until_ns and self._may_ask():
            if self._page_due:
                self._page_due, self._asked = False, True
                return Ask(self._repeated_to, PAGE)
            if not self._asked:
                self._asked = True
                return Ask(self._cursor, PAGE)
        return Wait(self._wake_ns(oldest))

    @property
    def _not_before_ns(self) -> int:
        return max(self._earliest_ns, self._paused_until_ns)

    def _may_send(self) -> bool:
        if not self._waiting:
            return False
        alone = any(event.sequence <= self._careful_to for event in (self._waiting[0], *self.in_flight))
        return len(self._flights) < (min(1, self.window) if alone else self.window)

    def _may_ask(self) -> bool:
        return len(self._waiting) <= PAGE

    def _look_back(self, now_ns: int) -> None:
        """Begin a round of the repeat when it is due and nothing of the last one is still under way."""
        if self._due_ns is None or now_ns < self._due_ns or self._repeat_under_way():
            return
        self._due_ns = None
        self._ripe_to, self._repeated_to = self._watched_to, 0
        self._page_due, self._page_left = True, False

    def _repeat_under_way(self) -> bool:
        return self._page_due or any(event.sequence <= self._ripe_to for event in (*self._waiting, *self.in_flight))

    def _took(self, event: StoredEvent, now_ns: int) -> None:
        self._acknowledged_to = max(self._acknowledged_to, event.sequence)
        self._watch(now_ns)

    def _watch(self, now_ns: int) -> None:
        """Look again at all that is acknowledged now, ``confirm_within`` later; one such date at a time is enough."""
        if self._due_ns is None:
            self._watched_to, self._due_ns = self._acknowledged_to, now_ns + self._confirm_within_ns

    def _wake_ns(self, oldest: Flight | None) -> int | None:
        dates = [oldest.sent_ns + self._answer_within_ns] if oldest else []
        if self._due_ns is not None and not self._repeat_under_way():
            dates.append(self._due_ns)
        if self._may_send():
            dates.append(self._not_before_ns)
        if self._may_ask() and (self._page_due or not self._asked):
            dates.append(self._paused_until_ns)
        return min(dates, default=None)
