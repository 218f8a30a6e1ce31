"""What happened to the gate itself, recorded at once or as soon as the store will: ends of grants, alarms, audit facts.

Decisions to let in do not come here: one that cannot be recorded does not happen. But a passage did happen, whatever the disk
says, and so did the way out of somebody whom a full disk must not hold in.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from device.admission.presence import Moment
from device.clock import NS
from device.domain import EventType, Instant, PassageOutcome
from device.errors import StoreError
from device.gate.limits import Rank, rank_of
from device.gate.memory import OpenGrant
from device.gate.store import Store

log = logging.getLogger("qrgate.gate")

UNRECORDED_MAX = 1000
"""Facts that may wait for the store before further ones are only counted. The end of a grant is never refused: while the
store fails there are no new grants, so these are few."""

GIVEN_BACK = frozenset({PassageOutcome.UNUSED, PassageOutcome.TOO_LATE, PassageOutcome.OUT_OF_SERVICE, PassageOutcome.FAULT})

TELL_NS = 10 * NS
"""A disk that is full for a week is not a line every turn."""

LEFT_OUT = frozenset({Rank.TELEMETRY, Rank.REFUSAL})
"""What is only counted where the store does not take it: behind it wait passages, and a stranger's orders must not hold them up."""

LEFT_OUT_NS = 60 * NS
"""The count is one record a minute, or it would take the room that was spared."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something to be recorded. ``ends`` is the grant that ends with it, ``passed`` how many people of it have gone.

    ``begins`` is a grant that was given before it could be recorded, and when: its id is one for the time until then.
    ``counted`` is how many people went in (or out: below zero) without a grant, and when.
    """

    kind: EventType
    data: dict[str, Any]
    subject: str = "gate"
    ends: OpenGrant | None = None
    passed: int = 0
    begins: tuple[OpenGrant, Moment] | None = None
    counted: tuple[int, Moment] | None = None


def passage(grant: OpenGrant, outcome: PassageOutcome, people: int, more: dict[str, Any]) -> Fact:
    """How ``grant`` ended: what it had reserved is consumed by the ``people`` who passed, or given back where nobody did."""
    passed = 0 if outcome in GIVEN_BACK else people
    data = {"decision": grant.id, "presentation": grant.presentation, "direction": grant.direction, "outcome": outcome, "people": passed, **more}
    return Fact(EventType.PASSAGE, data, grant.presentation, grant, passed)


class Journal:
    def __init__(self, store: Store, now: Callable[[], Instant], committed: Callable[[], None]) -> None:
        self._store = store
        self._now = now
        self._committed = committed
        self._waiting: deque[Fact] = deque()
        self._dropped = 0
        self._left_out = 0  # of what such a store does not take
        self._left_out_told_ns: int | None = None
        self._told_ns: int | None = None
        self._recorded_as: dict[str, str] = {}  # ids of grants that were given before they could be recorded

    @property
    def has_room(self) -> bool:
        return len(self._waiting) < UNRECORDED_MAX

    @property
    def is_stuck(self) -> bool:
        """Is there something that the store would not take so far?"""
        return bool(self._waiting or self._dropped)

    def miss(self) -> None:
        """Something happened that there is not even room to remember: it is counted."""
        self._dropped += 1

    def add(self, fact: Fact, now_ns: int) -> None:
        if fact.ends is None and fact.begins is None and not self.has_room:
            self._dropped += 1
        else:
            self._waiting.append(fact)
        self.catch_up(now_ns)

    def catch_up(self, now_ns: int) -> None:
        """Record what could not be recorded before."""
        try:
            while self._waiting:
                if self._has_room_for(self._waiting[0]):
                    self._write(self._waiting[0])
                else:
                    self._left_out += 1
                self._waiting.popleft()
            if self._dropped:
                self._write(Fact(EventType.AUDIT, {"what": "facts_dropped", "n": self._dropped}))
                self._dropped = 0
            if self._left_out and (self._left_out_told_ns is None or now_ns - self._left_out_told_ns >= LEFT_OUT_NS):
                self._tell_left_out(now_ns)
        except StoreError as error:
            if self._told_ns is None or now_ns - self._told_ns >= TELL_NS:
                self._told_ns = now_ns
                log.error("%d facts wait to be recorded, %d were dropped: %s", len(self._waiting), self._dropped, error)

    def _tell_left_out(self, now_ns: int) -> None:
        told = Fact(EventType.AUDIT, {"what": "left_out", "n": self._left_out})
        if self._has_room_for(told):
            self._write(told)
            self._left_out, self._left_out_told_ns = 0, now_ns

    def _has_room_for(self, fact: Fact) -> bool:
        """No: it is left out. Whatever is needed waits until it is taken. Raises StoreError."""
        rank = rank_of(fact.kind, fact.data)
        return rank not in LEFT_OUT or self._store.fill().takes(rank)

    def _write(self, fact: Fact) -> None:
        with self._store.transaction() as writing:
            ends = self._ends(fact)
            data = fact.data if ends is fact.ends or ends is None else fact.data | {"decision": ends.id}
            id_ = writing.append(fact.kind, data, subject=fact.subject, now=self._now())
            if fact.begins is not None:
                grant, since = fact.begins
                writing.memory.open_grant(replace(grant, id=id_), since)
            if ends is not None:
                writing.memory.end_grant(ends, passed=fact.passed)
            if fact.counted is not None:
                writing.memory.count(*fact.counted)
        if fact.begins is not None:
            self._recorded_as[fact.begins[0].id] = id_
        if fact.ends is not None:
            self._recorded_as.pop(fact.ends.id, None)
        self._committed()

    def _ends(self, fact: Fact) -> OpenGrant | None:
        """The grant that ends, by the id under which its beginning was recorded."""
        if fact.ends is None or fact.ends.id not in self._recorded_as:
            return fact.ends
        return replace(fact.ends, id=self._recorded_as[fact.ends.id])
