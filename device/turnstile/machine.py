"""The turnstile: one pure state machine. Time comes in, actions go out; no pin, no thread, no clock.

    closed ──grant──▶ open ──passage seen, or time over──▶ closed

One grant lets one person through, or a party one after another, with a pulse for each.
The relay is on for one pulse, never longer than its hard maximum; a grant that is
older than its deadline never opens anything; grants that meet an occupied lane wait their turn until their deadline.
Between two pulses the contact rests, so that the drive sees two.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from device.domain import Grant, Passage, PassageOutcome

WAITING_MAX = 4
REST_NS = 200_000_000
"""A drive counts edges: a contact that opens and closes again in one breath is one pulse to it. Makers such as PERCo ask
for 100 ms at least; the rest is a relay's own slowness, and room for a thread that is late."""

FORCED_INTERVAL_NS = 1_000_000_000
"""A sensor that chatters makes at most one alarm a second."""


@dataclass(frozen=True, slots=True)
class Lane:
    """The lane's physics, in nanoseconds. Without a sensor nobody can know whether the person passed."""

    pulse_ns: int
    max_on_ns: int
    wait_ns: int
    has_sensor: bool


@dataclass(frozen=True, slots=True)
class SwitchRelay:
    on: bool


@dataclass(frozen=True, slots=True)
class ShowGo:
    """Tell the person to pass."""


@dataclass(frozen=True, slots=True)
class ShowTryAgain:
    """Tell who stands at the free lane that the code was good, and came too late: once more, please."""


@dataclass(frozen=True, slots=True)
class Report:
    passage: Passage


@dataclass(frozen=True, slots=True)
class ReportForced:
    """Somebody passed without a grant."""

    at_ns: int


Action = SwitchRelay | ShowGo | ShowTryAgain | Report | ReportForced


@dataclass(slots=True)
class _Open:
    grant: Grant
    since_ns: int  # of this person's turn
    opened_ns: int
    passed: int = 0
    pulse_due: bool = False  # for the next person of a party: the contact rests before it


class Turnstile:
    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._open: _Open | None = None
        self._relay_on_since_ns: int | None = None
        self._rested_ns = 0
        self._waiting: deque[Grant] = deque()
        self._somebody_was_late = False
        self._forced_ns: int | None = None

    # --- inputs ------------------------------------------------------------------------------------------------

    def grant(self, grant: Grant, now_ns: int) -> list[Action]:
        """Open for one person, at once or when the lane is free."""
        self._waiting.append(grant)
        actions = self.tick(now_ns)
        while len(self._waiting) > WAITING_MAX:
            actions.append(self._too_late(self._waiting.pop(), now_ns))
        return actions

    def relay_closed(self, now_ns: int) -> None:
        """The relay's contact is closed since ``now_ns``: the moment that is reported, after the switching itself."""
        if self._open and self._relay_on_since_ns is not None and self._open.passed == 0:
            self._open.opened_ns = now_ns

    def person_passed(self, seen_ns: int, now_ns: int) -> list[Action]:
        """The passage sensor saw somebody at ``seen_ns``: that is what is reported. What follows goes by the present."""
        seen = self._forced(seen_ns, now_ns) if self._open is None else self._one_passed(PassageOutcome.TURNED, seen_ns)
        return seen + self.tick(now_ns)

    def tick(self, now_ns: int) -> list[Action]:
        """What time has brought about."""
        actions: list[Action] = []
        if self._relay_on_since_ns is not None and now_ns >= self._relay_off_ns(self._relay_on_since_ns):
            self._relay_on_since_ns = None
            self._rested_ns = now_ns + REST_NS
            actions.append(SwitchRelay(on=False))
        if self._open is not None and not self._open.pulse_due and now_ns >= self._closing_ns(self._open):
            if self._lane.has_sensor:
                actions.append(self._end(PassageOutcome.TURNED if self._open.passed else PassageOutcome.UNUSED, now_ns))
            else:
                actions += self._one_passed(PassageOutcome.ASSUMED, now_ns)
        if self._open is not None and self._open.pulse_due and self._relay_on_since_ns is None and now_ns >= self._rested_ns:
            self._open.pulse_due, self._open.since_ns, self._relay_on_since_ns = False, now_ns, now_ns
            actions.append(SwitchRelay(on=True))
        actions += [self._too_late(grant, now_ns) for grant in self._waiting if now_ns >= grant.deadline_ns]
        self._waiting = deque(grant for grant in self._waiting if now_ns < grant.deadline_ns)
        if self._waiting and self._free and now_ns >= self._rested_ns:
            actions += self._let_in(self._waiting.popleft(), now_ns)
        if self._somebody_was_late and self._open is None and not self._waiting:  # else the one whose turn it is would take it for himself
            self._somebody_was_late = False
            actions.append(ShowTryAgain())
        return actions

    def next_ns(self) -> int | None:
        """When ``tick`` has something to do by time alone."""
        moments = [grant.deadline_ns for grant in self._waiting]
        if self._open is not None and not self._open.pulse_due:
            moments.append(self._closing_ns(self._open))
        if self._open is not None and self._open.pulse_due and self._relay_on_since_ns is None:
            moments.append(self._rested_ns)
        if self._relay_on_since_ns is not None:
            moments.append(self._relay_off_ns(self._relay_on_since_ns))
        if self._waiting and self._free:
            moments.append(self._rested_ns)
        return min(moments, default=None)

    # --- rules -------------------------------------------------------------------------------------------------

    @property
    def _free(self) -> bool:
        return self._open is None and self._relay_on_since_ns is None

    def _let_in(self, grant: Grant, now_ns: int) -> list[Action]:
        self._open = _Open(grant, now_ns, now_ns)
        self._relay_on_since_ns = now_ns
        return [SwitchRelay(on=True), ShowGo()]

    def _one_passed(self, outcome: PassageOutcome, at_ns: int) -> list[Action]:
        """The last of a grant's people ends it; before, the lane opens for the next."""
        assert self._open is not None  # noqa: S101 - every caller has looked
        self._open.passed += 1
        if self._open.passed >= self._open.grant.people:
            return [self._end(outcome, at_ns)]
        self._open.pulse_due = True
        return []

    def _end(self, outcome: PassageOutcome, now_ns: int) -> Action:
        assert self._open is not None  # noqa: S101 - every caller has looked
        passage = Passage(self._open.grant.id, outcome, self._open.opened_ns, now_ns, self._open.passed)
        self._open = None
        return Report(passage)

    def _too_late(self, grant: Grant, now_ns: int) -> Action:
        self._somebody_was_late = True
        return Report(Passage(grant.id, PassageOutcome.TOO_LATE, None, now_ns, people=0))

    def _forced(self, seen_ns: int, now_ns: int) -> list[Action]:
        if self._forced_ns is not None and now_ns - self._forced_ns < FORCED_INTERVAL_NS:
            return []
        self._forced_ns = now_ns
        return [ReportForced(seen_ns)]

    def _relay_off_ns(self, since_ns: int) -> int:
        return since_ns + min(self._lane.pulse_ns, self._lane.max_on_ns)

    def _closing_ns(self, lane_open: _Open) -> int:
        """A person may pass for ``wait_ns``, and as long as the pulse lasts; without a sensor the pulse is all there is."""
        return lane_open.since_ns + max(self._lane.pulse_ns, self._lane.wait_ns if self._lane.has_sensor else 0)
