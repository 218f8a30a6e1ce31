"""The two ways of events to the broker: what waits in each, and what it asks the gate for next.

Live is what was recorded after the session began, in the order of its recording. The backlog is everything else: what was there
before, what the recorder asks for again, and what it did not confirm in time (``repeat.py``). Each lane has one question open.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from operator import attrgetter

from device.domain import StoredEvent
from device.links import INTEGER_MAX, Lane
from device.uplink.actions import Ask
from device.uplink.repeat import Repeat
from device.uplink.walk import Walk

PAGE = 100
"""Events asked for at once. The gate gives fewer where more would not fit one packet of the link (``links.PACKET_MAX``)."""

AGAIN_MAX = 100
"""Ranges that the recorder asks for, as many as one order names (``commands/deeds.py``; a test keeps them equal)."""

LOWEST = -INTEGER_MAX
"""Below every place in the outbox, those of events saved from a damaged store included."""

Held = Callable[[StoredEvent], bool]
"""Whether an event rests, because the broker refused it for good."""


class Queue:
    """Events that wait for a place in the window. What the broker has postponed comes first, in order of sequence."""

    def __init__(self) -> None:
        self._waiting: deque[StoredEvent] = deque()
        self._postponed: list[StoredEvent] = []

    def __len__(self) -> int:
        return len(self._waiting) + len(self._postponed)

    @property
    def first(self) -> StoredEvent | None:
        if self._postponed:
            return self._postponed[0]
        return self._waiting[0] if self._waiting else None

    def put(self, events: Sequence[StoredEvent]) -> None:
        self._waiting.extend(events)

    def put_back(self, event: StoredEvent) -> None:
        insort(self._postponed, event, key=attrgetter("sequence"))

    def pop(self) -> StoredEvent:
        return self._postponed.pop(0) if self._postponed else self._waiting.popleft()

    @property
    def wants_more(self) -> bool:
        return len(self) <= PAGE


class LiveLane:
    def __init__(self, after: int) -> None:
        """Events with a sequence above ``after``."""
        self.queue = Queue()
        self.after = after
        """The highest sequence that the gate has given."""
        self._asked = False

    def question(self) -> Ask | None:
        if self._asked or not self.queue.wants_more:
            return None
        self._asked = True
        return Ask(Lane.LIVE, self.after, PAGE)

    def given(self, events: Sequence[StoredEvent], held: Held) -> None:
        self._asked = False
        new = [event for event in events if event.sequence > self.after]
        self.queue.put([event for event in new if not held(event)])
        if new:
            self.after = new[-1].sequence


class BacklogLane:
    """Walks in this order: what the recorder asks for, what it did not confirm, what was there before."""

    def __init__(self, live_after: int, confirm_within_ns: int) -> None:
        """Of the first walk are events up to sequence ``live_after``."""
        self.queue = Queue()
        self.repeat = Repeat(LOWEST, live_after, confirm_within_ns)
        self._first = Walk(LOWEST, live_after)
        self._again: deque[Walk] = deque()
        self._asking: Walk | None = None

    def again(self, first: int, last: int) -> None:
        """One range more than are kept makes the last one wider: the gate has said yes, so all of it is brought, and what lies between."""
        if first > last:
            return
        if len(self._again) == AGAIN_MAX:
            widened = self._again.pop()  # nobody is on it: the way under way is the first
            first, last = min(first, widened.after + 1), max(last, widened.to)
        self._again.append(Walk(first - 1, last))

    def took(self, sequence: int, now_ns: int) -> None:
        """The broker has answered for an event of either lane. What the first walk has not reached yet is not to be looked for."""
        if not self._first.after < sequence <= self._first.to:
            self.repeat.took(sequence, now_ns)

    def question(self, now_ns: int) -> Ask | None:
        self.repeat.begin(now_ns)
        if self._asking or not self.queue.wants_more:
            return None
        self._asking = self._next_walk()
        return Ask(Lane.BACKLOG, self._asking.after, PAGE) if self._asking else None

    def given(self, events: Sequence[StoredEvent], held: Held, now_ns: int) -> None:
        walk, self._asking = self._asking, None
        if walk is None:
            return  # nobody asked
        found = walk.take(events)
        to_send = [event for event in found if not held(event)]
        if walk is self.repeat.walk:
            self.repeat.given(found, to_send, now_ns)
        self.queue.put(to_send)

    def _next_walk(self) -> Walk | None:
        while self._again and self._again[0].done:
            self._again.popleft()
        if self._again:
            return self._again[0]
        return self.repeat.page() or (None if self._first.done else self._first)
