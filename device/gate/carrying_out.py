"""Orders that count, carried out: what each verb does at this gate.

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
from device.commands.deeds import Announce, Diagnose, Drill, Erase, Open, Replay, Restart, SetMode, SetTime
from device.commands.order import Order
from device.domain import Direction, EventType
from device.errors import StoreError
from device.gate.act import LaneState
from device.gate.lane_mode import OrderedMode
from device.gate.province import Tell
from device.gate.transfer import Transfer, TransferError

log = logging.getLogger("qrgate.gate")

OPEN_WITHIN_NS = 5 * NS
"""An order to open waits so long for a lane that somebody else is in; whoever gave it watches."""
WRONG = frozenset({Verdict.BEFORE_FLOOR, Verdict.FAR_AHEAD})
EPOCH_OF_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


class CannotError(Exception):
    """The order counts, and cannot be carried out; the text is the word that is answered and recorded."""


class Opens(Protocol):
    def __call__(self, facts: dict[str, Any], direction: Direction, *, subject: str, deadline_ns: int) -> None:
        """Record ``facts`` as the order's event, and let one person through. Raises StoreError."""


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
    """``places`` tells where events of an epoch stand, ``again`` gives the recorder those of a range once more (false: not now), ``erase``
    takes sealed identities away and says how many; all may raise StoreError. ``diagnose`` tells how the gate is, ``restart`` ends this
    process in order, ``time_taken`` is told of a time that counts.
    """

    open: Opens
    lane: Callable[[], LaneState]
    mode: OrderedMode
    transfer: Transfer
    places: Callable[[str, int, int], tuple[int, int] | None]
    again: Callable[[int, int], bool]
    erase: Callable[[int, int], int]
    diagnose: Callable[[], dict[str, Any]]
    clock: TakesTime
    time_taken: Callable[[], None]
    restart: Callable[[], None]
    tell: Tell
    _clock_differs: bool = False
    _time_is_wrong: bool = False
    _restart_is_due: bool = False

    def let_through(self, order: Order, direction: Direction, facts: dict[str, Any], now_ns: int) -> None:
        """``facts`` become the event, in one commit with the grant. Raises CannotError."""
        lane = self.lane()
        if direction is Direction.ENTRY and not lane.serves_entry and lane.free_by is None:
            raise CannotError("out_of_service")
        try:
            self.open(facts, direction, subject=f"order-{order.id.hex()}", deadline_ns=now_ns + OPEN_WITHIN_NS)
        except StoreError as error:
            log.error("nothing can be recorded, so nobody is let in: %s", error)
            raise CannotError("store_failed") from None

    def do(self, order: Order, *, given_ns: int, now_ns: int) -> Done:  # noqa: PLR0911 - one case a verb
        """``given_ns`` is when the order's challenge was given. Raises CannotError."""
        match order.deed:
            case Open():
                raise CannotError("not_recorded")  # that goes by ``let_through`` alone
            case SetMode(mode):
                self.mode.set(mode, now_ns)
                return Done()
            case Drill(minutes):
                self.mode.drill(minutes, now_ns)
                return Done()
            case Announce() as announced:
                return self._announce(order, announced, now_ns)
            case Replay(epoch, ranges):
                return self._replay(epoch, ranges)
            case Diagnose():
                return Done(answered={"diagnostics": self.diagnose()})
            case SetTime(utc_ms):
                return self._set_time(utc_ms, given_ns, now_ns)
            case Restart():
                self._restart_is_due = True
                return Done()
            case Erase(epoch, first, last):
                return self._erase(epoch, first, last)

    def look(self) -> None:
        """A restart waits for this: the order is recorded and answered by then."""
        if self._restart_is_due:
            log.warning("restarts, as it was ordered")
            self._restart_is_due = False
            self.restart()

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
            log.error("events cannot be given again now: %s", error)
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

    def _erase(self, epoch: str, first: int, last: int) -> Done:
        try:
            return Done({"erased": self.erase(*self._places(epoch, first, last))})
        except StoreError as error:
            log.error("sealed identities could not be erased: %s", error)
            raise CannotError("store_failed") from None
