"""Once more what the broker acknowledged and the recorder did not confirm.

PUBACK means "the broker took it", never "the recorder has it": only the gate deletes an event, on the recorder's signed
confirmation. So events that were acknowledged ``confirm_within`` ago and are still in the gate are sent again, the lowest page
first; the page after it only when a confirmation came in. A recorder that is away costs one page a round, and one that is
back is served as fast as it confirms.

        Give ─▶ waiting ─▶ in flight ─PUBACK─▶ acknowledged ─▶ (confirmed: the gate gives it no more)
                   ▲                               │ confirm_within passed, and the gate still gives it
                   └───────────── repeat ──────────┘
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from device.domain import StoredEvent
from device.uplink.walk import Walk


class Repeat:
    """Times are monotonic nanoseconds. A round walks twice: through what was there before the session, and what came in it."""

    def __init__(self, lowest: int, live_after: int, confirm_within_ns: int) -> None:
        """``lowest`` is below every sequence; those up to ``live_after`` were there before."""
        self.walk: Walk | None = None
        """Of the page that was asked for."""
        self._lowest = lowest
        self._live_after = live_after
        self._confirm_within_ns = confirm_within_ns
        self._acknowledged = (lowest, live_after)  # the highest, of before the session and of in it
        self._watched = self._acknowledged  # what is looked for again at _due_ns
        self._due_ns: int | None = None
        self._walks: deque[Walk] = deque()  # what is left of the round
        self._sent: set[int] = set()  # of this round, and not answered by the broker yet
        self._page_due = False
        self._page_left = False  # the last page was not the whole round

    @property
    def due_ns(self) -> int | None:
        """When the next round begins; ``None`` while one is under way, or nothing is to be looked for."""
        return None if self._under_way else self._due_ns

    def took(self, sequence: int, now_ns: int) -> None:
        """The broker has answered for this event, and nothing more is to be done for it now."""
        self._sent.discard(sequence)
        before, live = self._acknowledged
        self._acknowledged = (max(before, sequence), live) if sequence <= self._live_after else (before, max(live, sequence))
        self._watch(now_ns)

    def begin(self, now_ns: int) -> None:
        """Begin a round if one is due and nothing of the last one is under way."""
        if self.due_ns is None or now_ns < self.due_ns:
            return
        self._due_ns = None
        ways = (Walk(self._lowest, self._watched[0]), Walk(self._live_after, self._watched[1]))
        self._walks = deque(walk for walk in ways if not walk.done)
        self._page_due, self._page_left = True, False

    def page(self) -> Walk | None:
        """The way on which the next page is to be asked for, if one is due: ``walk`` from now on."""
        if self._page_due:
            self._page_due, self.walk = False, self._walks[0]
        return self.walk

    def given(self, found: Sequence[StoredEvent], to_send: Sequence[StoredEvent], now_ns: int) -> None:
        """The page: ``found`` is what was acknowledged and is still there, ``to_send`` what of it goes to the broker again."""
        self.walk = None
        if self._walks[0].done:
            self._walks.popleft()
        self._sent.update(event.sequence for event in to_send)
        if found or self._watched != self._acknowledged:  # still there, or acknowledged since
            self._watch(now_ns)
        more = bool(self._walks)
        self._page_left, self._page_due = more and bool(to_send), more and not to_send

    def confirmation_arrived(self) -> None:
        """Bytes on the confirmation's topic, unproven. They only say that it is worth asking the gate again."""
        if self._page_left:
            self._page_left, self._page_due = False, True

    @property
    def _under_way(self) -> bool:
        return self._page_due or self.walk is not None or bool(self._sent)

    def _watch(self, now_ns: int) -> None:
        """Look again at all that is acknowledged now, ``confirm_within`` later; one such date at a time is enough."""
        if self._due_ns is None:
            self._watched, self._due_ns = self._acknowledged, now_ns + self._confirm_within_ns
