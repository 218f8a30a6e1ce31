"""Orders that count, carried out and recorded: what each verb does at this gate.

What an order does and that it was ordered do not come apart, wherever the power goes. An order to open is one commit with its grant,
one to erase one with the erasure. How the lane is to stand, and a restart, are recorded first and done then. What is left may be
ordered again without harm, and is recorded when it is done.

Everything that an order touches is handed in. Nothing here asks who has ordered; ``commands.py`` has done so.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from device.clock import NS, Verdict
from device.commands import chunk
from device.commands.deeds import Announce, Diagnose, Drill, Erase, LaneMode, Open, Replay, Restart, SetMode, SetTime
from device.commands.order import Order
from device.domain import Direction, EventType
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.lane_mode import OrderedMode
from device.gate.province import Tell
from device.gate.transfer import Transfer, TransferError
from device.seldom import Seldom

log = logging.getLogger("qrgate.gate")

OPEN_WITHIN_NS = 5 * NS
"""An order to open waits so long for a lane that somebody else is in; whoever gave it watches."""
WRONG = frozenset({Verdict.BEFORE_FLOOR, Verdict.FAR_AHEAD})
FREE = SetMode(LaneMode.FREE)
EPOCH_OF_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class CannotError(Exception):
    """The order counts, and cannot be carried out; the text is the word that is answered and recorded."""


class Opens(Protocol):
    def __call__(self, facts: dict[str, Any], direction: Direction, *, subject: str, deadline_ns: int) -> None:
        """Record ``facts`` as the order's event, and let one person through. Raises StoreError."""


class Erases(Protocol):
    def __call__(self, first: int, last: int, facts: dict[str, Any]) -> int:
        """Take sealed identities away and record ``facts`` and how many, in one commit; how many. Raises StoreError."""


class TakesTime(Protocol):
    def take_signed(self, utc: datetime, *, asked_ns: int, answered_ns: int) -> Verdict:
        """See ``WallClock``."""


@dataclass(frozen=True, slots=True)
class Done:
    """``recorded`` goes into the event and the answer, ``answered`` into the answer alone."""

    recorded: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class CarryingOut:
    """``places`` tells where events of an epoch stand, ``again`` gives the recorder those of a range once more (false: not now); both
    may raise StoreError. ``diagnose`` tells how the gate is, ``restart`` ends this process in order, ``time_taken`` is told of a time
    that counts.

    ``record`` commits facts as an order's event at once (StoreError), ``tell`` as soon as the store takes them. ``waits``: is there
    something in memory that the store would not take so far, and that would end with the process?
    """

    open: Opens
    lane: Callable[[], LaneState]
    mode: OrderedMode
    transfer: Transfer
    places: Callable[[str, int, int], tuple[int, int] | None]
    again: Callable[[int, int], bool]
    erase: Erases
    diagnose: Callable[[], dict[str, Any]]
    clock: TakesTime
    time_taken: Callable[[], None]
    restart: Callable[[], None]
    waits: Callable[[], bool]
    record: Callable[[dict[str, Any]], None]
    tell: Tell
    _clock_differs: bool = False
    _time_is_wrong: bool = False
    _restart_is_due: bool = False
    _seldom: Seldom = field(default_factory=lambda: Seldom(log))

    def do(self, order: Order, facts: dict[str, Any], *, given_ns: int, now_ns: int) -> Done:
        """``facts`` tell of the order, as done; ``given_ns`` is when its challenge was given.

        Raises:
            CannotError: it is not done; whoever asked records that.
        """
        match order.deed:
            case Open(direction):
                return self._let_through(order, direction, facts, now_ns)
            case SetMode() | Drill() as deed:
                return self._stand(order, deed, facts, now_ns)
            case Restart():
                return self._end(facts)
            case Erase(epoch, first, last):
                return self._erase(epoch, first, last, facts)
            case Announce() as announced:
                done = self._announce(order, announced, now_ns)
            case Replay(epoch, ranges):
                done = self._replay(epoch, ranges)
            case Diagnose():
                done = Done(answered={"diagnostics": self.diagnose()})
            case SetTime(utc_ms):
                done = self._set_time(utc_ms, given_ns, now_ns)
        self.tell(EventType.COMMAND, facts | done.recorded)
        return done

    def look(self) -> None:
        """A restart waits for this: the order is answered by then. It waits, too, for whatever the disk has not taken yet."""
        if self._restart_is_due and not self.waits():
            log.warning("restarts, as it was ordered")
            self._restart_is_due = False
            self.restart()

    def _let_through(self, order: Order, direction: Direction, facts: dict[str, Any], now_ns: int) -> Done:
        lane = self.lane()
        if direction is Direction.ENTRY and not lane.serves_entry and lane.free_by is None:
            raise CannotError("out_of_service")
        try:
            self.open(facts, direction, subject=f"order-{order.id.hex()}", deadline_ns=now_ns + OPEN_WITHIN_NS)
        except StoreError as error:
            self._seldom.error("nothing can be recorded, so nobody is let in: %s", error)
            raise CannotError("store_failed") from None
        return Done()

    def _stand(self, order: Order, deed: SetMode | Drill, facts: dict[str, Any], now_ns: int) -> Done:
        """A disk that will not do holds nobody in: an order to stand free is carried out all the same, and recorded later."""
        try:
            self.mode.begin(order.verb, order.id)
            self.record(facts)
        except StoreError as error:
            if deed != FREE:
                self._seldom.error("nothing can be recorded, so the lane stands as before: %s", error)
                raise CannotError("store_failed") from None
            self._seldom.error("the lane stands free as it was ordered, and a restart may end that, for the disk fails: %s", error)
            self.tell(EventType.COMMAND, facts)
        match deed:
            case SetMode(mode):
                self.mode.set(mode, now_ns)
            case Drill(minutes):
                self.mode.drill(minutes, now_ns)
        return Done()

    def _end(self, facts: dict[str, Any]) -> Done:
        if self.waits():
            self._seldom.warning("no restart as it was ordered: what the store has not taken yet would be lost")
            raise CannotError("busy")
        try:
            self.record(facts)
        except StoreError as error:
            self._seldom.error("nothing can be recorded, so there is no restart: %s", error)
            raise CannotError("store_failed") from None
        self._restart_is_due = True
        return Done()

    def _announce(self, order: Order, announced: Announce, now_ns: int) -> Done:
        try:
            self.transfer.begin(order.id, announced, now_ns)
        except TransferError as error:
            raise CannotError(str(error)) from None
        return Done(answered={"chunk_bytes": chunk.CONTENT_MAX, "answer_every": chunk.ANSWER_EVERY})

    def _replay(self, epoch: str, ranges: tuple[tuple[int, int], ...]) -> Done:
        try:
            is_told = all(self.again(*self._places(epoch, first, last)) for first, last in ranges)
        except StoreError as error:
            self._seldom.error("events cannot be given again now: %s", error)
            raise CannotError("store_failed") from None
        if not is_told:
            raise CannotError("busy")
        return Done()

    def _places(self, epoch: str, first: int, last: int) -> tuple[int, int]:
        if (places := self.places(epoch, first, last)) is None:
            raise CannotError("other_epoch")
        return places

    def _set_time(self, utc_ms: int, given_ns: int, now_ns: int) -> Done:
        verdict = self.clock.take_signed(EPOCH_OF_UNIX + timedelta(milliseconds=utc_ms), asked_ns=given_ns, answered_ns=now_ns)
        if verdict in WRONG and not self._time_is_wrong:
            self._time_is_wrong = True  # it is asked for again every quarter of an hour
            self.tell(EventType.ALARM, {"what": "time_refused", "utc_ms": utc_ms})
        if verdict in WRONG or verdict is Verdict.TOO_SLOW:
            raise CannotError(verdict.value)
        self._time_is_wrong = False
        self.time_taken()
        if verdict is Verdict.DIFFERS and not self._clock_differs:
            self._clock_differs = True
            self.tell(EventType.ALARM, {"what": "clock_differs", "utc_ms": utc_ms})
        return Done({"took_ms": (now_ns - given_ns) // 1_000_000})

    def _erase(self, epoch: str, first: int, last: int, facts: dict[str, Any]) -> Done:
        try:
            return Done({"erased": self.erase(*self._places(epoch, first, last), facts)})
        except StoreError as error:
            self._seldom.error("sealed identities could not be erased: %s", error)
            raise CannotError("store_failed") from None
