"""What to send next: a state machine over the gate's outbox, with time passed in.

Two lanes share one window of publishes that the broker has not answered. Live events come first, and the backlog leaves places
for them, so that whoever passes now never waits behind last week. The backlog alone is paced. One Drain belongs to one
connection with the broker: a new connection starts again from what the gate has.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from device.clock import NS
from device.domain import StoredEvent
from device.links import Lane
from device.uplink.actions import Ask, Publish, Stuck, Wait
from device.uplink.lanes import BacklogLane, LiveLane
from device.uplink.refusals import Refusals

RESERVED = 2
"""Places of the window that the backlog leaves free: one person is a decision and a passage. Of a small window it leaves half."""

BURST_NS = NS // 10
"""What the backlog was too slow to send in this time may follow at once."""

Action = Ask | Publish | Stuck | Wait


@dataclass(frozen=True, slots=True)
class Flight:
    """One event that the broker has not answered; ``None`` where it came over a link that is gone."""

    publish: Publish | None
    sent_ns: int


class Drain:
    """Times are monotonic nanoseconds; ``mid`` is the MQTT packet identifier of a publish."""

    def __init__(  # noqa: PLR0913 - each bound comes from somewhere else
        self,
        refusals: Refusals,
        *,
        live_after: int,
        window: int,
        confirm_within_ns: int,
        answer_within_ns: int,
        pace_per_s: float,
        suspects: Collection[int] = (),
        lingers_ns: int = 0,
    ) -> None:
        """Events above sequence ``live_after`` are recorded in this session. ``suspects``, by sequence, travel alone, ``lingers_ns``
        from what goes before and after them: one of them may be why the last connection was lost (``culprit.py``).
        """
        self.window = window  # smaller while something else is under way beside the events
        self._refusals = refusals
        self._confirm_within_ns = confirm_within_ns
        self._answer_within_ns = answer_within_ns
        self._step_ns = int(NS / pace_per_s)
        self.suspects = set(suspects)
        self._lingers_ns = lingers_ns
        self._last: tuple[StoredEvent, int] | None = None  # acknowledged, and when
        self._flights: dict[int, Flight] = {}  # oldest first
        self._earliest_ns = -BURST_NS  # the backlog's pace: none of it before
        self._paused_until_ns = 0
        self.start_over(live_after)

    def start_over(self, live_after: int) -> None:
        """The link to the gate is a new one: nothing that was asked or given over the old one counts."""
        self._flights = {mid: Flight(None, flight.sent_ns) for mid, flight in self._flights.items()}
        self._live = LiveLane(live_after)
        self._backlog = BacklogLane(live_after, self._confirm_within_ns)

    # --- what happened -----------------------------------------------------------------------------------------

    def given(self, lane: Lane, events: Sequence[StoredEvent], now_ns: int) -> None:
        """The gate's answer: unconfirmed events, in order of sequence."""

        def held(event: StoredEvent) -> bool:
            return self._refusals.hold(event, now_ns)

        if lane is Lane.LIVE:
            self._live.given(events, held)
        else:
            self._backlog.given(events, held, now_ns)

    def again(self, first: int, last: int) -> None:
        """The recorder asks for this range once more. What the live lane has not reached comes by that anyway."""
        self._backlog.again(first, min(last, self._live.after))

    def sent(self, mid: int, publish: Publish, now_ns: int) -> None:
        """What ``next`` said to publish is on its way."""
        self._flights[mid] = Flight(publish, now_ns)
        if publish.replayed:
            self._earliest_ns = max(self._earliest_ns, now_ns - BURST_NS) + self._step_ns

    def acknowledged(self, mid: int, now_ns: int) -> None:
        """The broker has it, which is not delivery."""
        flight = self._flights.pop(mid, None)
        if flight and flight.publish:
            event = flight.publish.event
            self._last = event, now_ns
            if event.sequence in self.suspects:
                self._paused_until_ns = max(self._paused_until_ns, now_ns + self._lingers_ns)
            self._took(event, now_ns)

    def refused(self, mid: int, now_ns: int) -> StoredEvent | None:
        """The broker will never take it. Returns the event, for the gate to know."""
        flight = self._flights.pop(mid, None)
        if flight and flight.publish:
            self.skipped(flight.publish, now_ns)
            return flight.publish.event
        return None

    def skipped(self, publish: Publish, now_ns: int) -> None:
        """What ``next`` said to publish cannot be sent at all."""
        self._refusals.add(publish.event, now_ns)
        self._took(publish.event, now_ns)

    def postponed(self, mid: int, until_ns: int) -> None:
        """The broker does not take it now: nothing is sent before ``until_ns``, and then this one first."""
        flight = self._flights.pop(mid, None)
        if not flight:
            return
        self._paused_until_ns = max(self._paused_until_ns, until_ns)
        if flight.publish:
            (self._backlog if flight.publish.replayed else self._live).queue.put_back(flight.publish.event)

    def confirmation_arrived(self) -> None:
        """Bytes on the confirmation's topic, unproven. They only say that it is worth asking the gate again."""
        self._backlog.repeat.confirmation_arrived()

    def near(self, now_ns: int) -> list[StoredEvent]:
        """Of what the broker may have thought last: what it has not answered, and what it has acknowledged just now. Not what came
        over a link that is gone.
        """
        return [*self._in_flight(), *([self._last[0]] if self._last and now_ns - self._last[1] < self._lingers_ns else [])]

    def cleared(self, now_ns: int) -> StoredEvent | None:
        """What the broker has acknowledged last, after which it goes on; once."""
        if self._last is None or now_ns - self._last[1] < self._lingers_ns:
            return None
        event, self._last = self._last[0], None
        return event

    def _in_flight(self) -> list[StoredEvent]:
        return [flight.publish.event for flight in self._flights.values() if flight.publish]

    # --- what to do --------------------------------------------------------------------------------------------

    def next(self, lane: Lane, now_ns: int) -> Action:
        """The next thing to do for ``lane`` now. Publish must be followed by ``sent`` or ``skipped``."""
        oldest = next(iter(self._flights.values()), None)
        if oldest and now_ns - oldest.sent_ns >= self._answer_within_ns:
            return Stuck(now_ns - oldest.sent_ns)
        queue = (self._live if lane is Lane.LIVE else self._backlog).queue
        may_send = self._may_send(queue.first, lane)
        not_before_ns = self._not_before_ns(queue.first, lane)
        if may_send and now_ns >= not_before_ns:
            return Publish(queue.pop(), replayed=lane is Lane.BACKLOG)
        if question := self._live.question() if lane is Lane.LIVE else self._backlog.question(now_ns):
            return question
        dates_ns = [
            oldest.sent_ns + self._answer_within_ns if oldest else None,
            not_before_ns if may_send else None,
            self._backlog.repeat.due_ns if lane is Lane.BACKLOG else None,
        ]
        return Wait(min((date_ns for date_ns in dates_ns if date_ns is not None), default=None))

    def _not_before_ns(self, event: StoredEvent | None, lane: Lane) -> int:
        dates_ns = [self._paused_until_ns]
        if lane is Lane.BACKLOG:
            dates_ns.append(self._earliest_ns)
        if self._last and event and event.sequence in self.suspects:
            dates_ns.append(self._last[1] + self._lingers_ns)
        return max(dates_ns)

    def _may_send(self, event: StoredEvent | None, lane: Lane) -> bool:
        if event is None:
            return False
        places = self.window if lane is Lane.LIVE else self.window - min(RESERVED, self.window // 2)
        if self.suspects and any(each.sequence in self.suspects for each in (event, *self._in_flight())):
            places = min(1, places)
        return len(self._flights) < places

    def _took(self, event: StoredEvent, now_ns: int) -> None:
        self.suspects.discard(event.sequence)
        self._backlog.took(event.sequence, now_ns)
