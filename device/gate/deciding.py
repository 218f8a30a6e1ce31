"""Read, decide, commit, and only then grant: the heart of the recording thread.

The order is the promise: an entry that cannot be recorded does not happen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from device.admission.budget import MINUTE_NS, SINGLY_A_MINUTE, RefusalBudget
from device.admission.decide import decide
from device.admission.policy import Policy
from device.admission.presence import Moment
from device.admission.presentations import Presentation, Presentations
from device.admission.shadow import ShadowCount
from device.clock import NS, monotonic_ns
from device.domain import (
    Crossing,
    Decision,
    Direction,
    EventType,
    Grant,
    Instant,
    Passage,
    PassageOutcome,
    Reason,
)
from device.errors import StoreError
from device.gate.act import Act
from device.gate.case import Case, line
from device.gate.crossings import Crossings
from device.gate.decision_record import UNRECORDED, DecisionRecord, Seal
from device.gate.journal import Fact, Journal, passage
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.lane_wait import LANE_WAIT_NS, LaneWait, Waiting
from device.gate.limits import Rank
from device.gate.memory import OpenGrant
from device.gate.recall import Recall
from device.gate.store import Store
from device.turnstile.signals import SIGNAL_OF_REASON, Signal

log = logging.getLogger("qrgate.gate")

ALERTS_A_MINUTE = 10
"""Refusals that an officer must see are recorded singly even when the minute's budget of refusals is spent, up to so many."""

FAILS_NS = 10 * NS
"""A store that would not take a decision counts as failing for so long, unless it takes the next one: a code that is held up is
tried again with every view, and between two of them somebody else's record may succeed."""


class Clock(Protocol):
    def now(self) -> Instant:
        """Wall time, and whether it may be believed."""


@dataclass(frozen=True, slots=True)
class _Granted:
    """What a passage's record repeats of its decision. ``grant`` is ``None`` where not even that could be kept."""

    grant: OpenGrant | None
    timing: dict[str, int]


class Deciding:
    def __init__(  # noqa: PLR0913 - the composition root hands everything in, once
        self,
        *,
        policy: Policy,
        presentations: Presentations,
        store: Store,
        clock: Clock,
        pseudonyms: PseudonymKey,
        fingerprints: Fingerprints,
        recall: Recall,
        act: Act,
        grant_within_ns: int,
        committed: Callable[[], None],
        boot: str = "",
        seal: Seal | None = None,
        ticks: Callable[[], int] = monotonic_ns,
    ) -> None:
        self.policy = policy
        self.seal = seal
        self._presentations = presentations
        self._store = store
        self._clock = clock
        self._recall = recall
        self._act = act
        self._grant_within_ns = grant_within_ns
        self._committed = committed
        self._boot = boot
        self._ticks = ticks
        self._journal = Journal(store, clock.now, committed)
        self._budget = RefusalBudget()
        self._alerts = RefusalBudget(ALERTS_A_MINUTE)
        self._shadow = ShadowCount()
        self._crossings = Crossings(self._journal)
        self._records = DecisionRecord(store, self._journal, pseudonyms, fingerprints, recall)
        self._lane_wait = LaneWait()
        self._granted: dict[str, _Granted] = {}
        self._forgetting_ns: int | None = None
        self._failed_ns: int | None = None  # when the store would not take a decision, unless it has taken one since
        self._unspent = False  # the budget allowed a refusal that could not be recorded: the next one is that one, or stands for it

    def adopt(self, policy: Policy, seal: Seal | None) -> None:
        """From now on go by ``policy``."""
        self.policy, self.seal = policy, seal

    # --- decisions ---------------------------------------------------------------------------------------------

    def settle(self, presentation: Presentation) -> None:
        """Decide ``presentation``, record it, and tell the person; or let it wait while somebody is in the lane."""
        self.call_next(self._ticks())  # nobody who comes now goes before one who has waited
        now = self._now()
        fresh_ns = min(presentation.track.last_seen_ns, now.monotonic_ns)  # a reader's clock that runs ahead makes no grant that never ages
        self._settle(Case(presentation, now, fresh_ns), now.monotonic_ns + LANE_WAIT_NS, has_waited=False)

    def call_next(self, now_ns: int) -> None:
        """Whoever waits for the lane is decided afresh as soon as it is free, out before in; or when he has waited long enough."""
        if not self._lane_is_busy and (called := self._lane_wait.call()) is not None:
            self._settle_waiting(called)
        for each in self._lane_wait.overdue(now_ns):
            self._settle_waiting(each)

    def _settle_waiting(self, waiting: Waiting) -> None:
        now = self._now()
        fresh_ns = min(now.monotonic_ns, waiting.until_ns)  # after a disk that stalled for longer nobody stands there any more
        self._settle(Case(waiting.presentation, now, fresh_ns), waiting.until_ns, has_waited=True)

    @property
    def _lane_is_busy(self) -> bool:
        """A grant that is open, or somebody whom the beams see. A lane that stands free is nobody's."""
        lane = self._act.lane
        return lane.free_by is None and (bool(self._granted) or lane.is_occupied)

    def _settle(self, case: Case, wait_until_ns: int, *, has_waited: bool) -> None:
        unreadable: StoreError | None = None
        try:
            case = self._recalled(case)
        except StoreError as error:  # nothing is known of anybody
            unreadable = error
        decision = self._decide(case)
        acts_first = self._acts_first(decision)
        if unreadable is not None and not acts_first:
            self._fail(case, unreadable)
            return
        if decision.admit and self._is_in_the_way(decision.direction, has_waited=has_waited):
            waiting = Waiting(case.presentation, decision.direction, wait_until_ns)
            if case.now.monotonic_ns < wait_until_ns and self._wait(waiting, again=has_waited):
                return
            decision, acts_first = Decision.refused(Reason.LANE_BUSY, direction=decision.direction), False
        if acts_first:
            self._act.grant(self._grant(UNRECORDED + case.presentation.id, case, decision))
        try:
            self._count_shadow(case, decision)
            self._enter(case, decision, acted=acts_first)
        except StoreError as error:
            if acts_first:
                self._record_later(case, decision)
            else:
                self._fail(case, error)

    def _is_in_the_way(self, direction: Direction, *, has_waited: bool) -> bool:
        """Is somebody in the lane? Whoever wants out and has waited may be the very one whom the beams see."""
        return self._lane_is_busy and not (has_waited and direction is Direction.EXIT and not self._granted)

    def _wait(self, waiting: Waiting, *, again: bool) -> bool:
        """False where there is no room."""
        ousted = self._lane_wait.add(waiting)
        if ousted is waiting:
            return False
        if ousted is not None:
            self._settle_waiting(ousted)  # he finds no room again
        if not again:
            self._act.show(Signal.WAIT)
        return True

    def _fail(self, case: Case, error: StoreError) -> None:
        if not self.store_fails:  # a code that is held up is tried again with every view
            log.error("nothing can be recorded, so nobody is let in: %s", error)
        self._presentations.take_back(case.presentation, case.now.monotonic_ns)
        self._failed_ns = self._ticks()
        self._act.show(Signal.OUT_OF_ORDER)

    def _enter(self, case: Case, decision: Decision, *, acted: bool) -> None:
        """Record ``decision`` as far as it is to be recorded by itself, and act on it or tell of it. Raises StoreError."""
        number: int | None = None
        if decision.admit:
            self._record(case, decision, acted=acted)
        elif self._may_be_recorded(decision):
            self._unspent = True
            number = self._record(case, decision)
            self._unspent = False
        elif case.recalled.entry is not None:  # roll-call misses nobody because the minute was full
            with self._store.transaction() as writing:
                writing.reports.add(case.recalled.entry, case.now.instant.utc)
        if not decision.admit:
            self._act.show(SIGNAL_OF_REASON[decision.reason], reason=decision.reason, number=number)

    def _recalled(self, case: Case) -> Case:
        """With what is known of its bearer. Raises StoreError."""
        if case.credential is None or case.presentation.several:
            return case
        return replace(case, recalled=self._recall.of(case.credential, self.policy, case.now))

    def _decide(self, case: Case) -> Decision:
        if case.presentation.several:
            direction = Direction.EXIT if self.policy.direction is Direction.EXIT else Direction.ENTRY
            return Decision.refused(Reason.ONE_AT_A_TIME, direction=direction)
        decision = decide(case.presentation.shown, self.policy, case.recalled.history, case.now.instant)
        lane = self._act.lane
        if decision.admit and decision.direction is not Direction.EXIT and not lane.serves_entry and lane.free_by is None:
            return Decision.refused(Reason.OUT_OF_SERVICE, direction=decision.direction)
        return decision

    def _acts_first(self, decision: Decision) -> bool:
        """Whoever leaves goes first, and is recorded then: a disk that stalls or will not do holds nobody in.

        Only where a lane lets nobody in: at a gate for both ways what is not yet remembered could be shown again and again.
        """
        return decision.admit and self.policy.direction is Direction.EXIT

    def _grant(self, id_: str, case: Case, decision: Decision) -> Grant:
        return Grant(id_, case.fresh_ns + self._grant_within_ns, decision.people, decision.direction, decision.hint)

    def _count_shadow(self, case: Case, decision: Decision) -> None:
        """What a policy that is not yet in force would have said, for the province to see before it is."""
        if self.policy.shadow is not None and case.credential is not None and not case.presentation.several:
            shadow = decide(case.credential, self.policy.shadow, case.recalled.history, case.now.instant)
            self._shadow.count(decision, shadow, self._ticks())

    def _may_be_recorded(self, decision: Decision) -> bool:
        """By itself. Raises StoreError."""
        now_ns = self._ticks()
        if decision.alert is not None and (self._unspent or self._alerts.allows(decision.reason, now_ns)):
            return True
        takes = self._store.fill().takes(Rank.REFUSAL)
        self._budget.singly = SINGLY_A_MINUTE if takes else 0  # refusals have had their share of the store: they are only counted
        return (self._unspent and takes) or self._budget.allows(decision.reason, now_ns)

    def _record(self, case: Case, decision: Decision, *, acted: bool = False) -> int:
        """The sequence of the decision's event; what it admits is granted then, unless that was done. Raises StoreError."""
        written = self._records.write(case, decision, self.policy, self.seal, self._ticks())
        committed_ns, self._failed_ns = self._ticks(), None
        if decision.admit:
            if not acted:
                self._act.grant(self._grant(written.grant.id, case, decision))
            if decision.direction is Direction.ENTRY:
                self._recall.granted(committed_ns, decision.people)
            timing = _timing(case) | {"committed_ns": committed_ns, "commit_ns": self._store.commit_ns}
            self._granted[UNRECORDED + case.presentation.id if acted else written.grant.id] = _Granted(written.grant, timing)
        self._committed()
        log.info("%s", line(written.facts))  # last: it takes 0.2 ms, for which nobody who is let in is to wait
        return written.sequence

    def _record_later(self, case: Case, decision: Decision) -> None:
        """Somebody was let out, and is recorded when the store will."""
        self._failed_ns = self._ticks()
        grant = self._records.write_later(case, decision, self.policy, self._ticks())
        self._granted[UNRECORDED + case.presentation.id] = _Granted(grant, _timing(case))

    def _now(self) -> Moment:
        return Moment(self._clock.now(), self._boot, self._ticks())

    def let_through(self, facts: dict[str, Any], direction: Direction, *, subject: str, deadline_ns: int) -> None:
        """Let one person through by an order, which ``facts`` tell of: recorded like an admission, and only then granted.

        A disk that will not do holds nobody in: whoever is to leave goes, and is recorded later.

        Raises:
            StoreError: nobody was let in.
        """
        grant, now = OpenGrant(UNRECORDED + subject, subject, None, direction=direction), self._now()
        try:
            with self._store.transaction() as writing:
                recorded = replace(grant, id=writing.append(EventType.COMMAND, facts, subject=subject, now=now.instant))
                writing.memory.open_grant(recorded, now)
            grant = recorded
        except StoreError:
            if direction is not Direction.EXIT:
                raise
            self._journal.add(Fact(EventType.COMMAND, facts, subject, begins=(grant, now)), self._ticks())
        self._granted[grant.id] = _Granted(grant, {})
        self._act.grant(Grant(grant.id, deadline_ns, direction=direction))
        self._committed()

    # --- passages and other facts ------------------------------------------------------------------------------

    def passage(self, ended: Passage) -> None:
        """Record how a grant ended; what it had reserved is consumed or given back with it."""
        granted = self._granted.pop(ended.grant_id)
        log.info("passage %s", ended.outcome)
        if granted.grant is None:
            self._journal.miss()
            return
        if ended.outcome is PassageOutcome.FREE:
            self._crossings.expect(ended.people, granted.grant.direction, self._ticks())
        timing = granted.timing | {"opened_ns": ended.opened_ns, "ended_ns": ended.ended_ns}
        self._journal.add(passage(granted.grant, ended.outcome, ended.people, {"timing": timing}), self._ticks())

    def crossing(self, crossing: Crossing) -> None:
        """Record somebody who went through without a grant."""
        self._crossings.add(crossing, self._now())

    @property
    def store_fails(self) -> bool:
        """Would the store not take a decision just now, or is there something that it has not taken yet?"""
        failed_just_now = self._failed_ns is not None and self._ticks() - self._failed_ns < FAILS_NS
        return failed_just_now or self._journal.is_stuck

    def fact(self, kind: EventType, facts: dict[str, Any]) -> None:
        """Record something that happened to the gate itself."""
        self._journal.add(Fact(kind, facts), self._ticks())

    def recover(self) -> None:
        """Grants that were open when the gate died: nobody knows whether the person passed, and none opens again.

        On a full disk this waits like every fact: a gate that did not start could not be told what it may let go.

        Raises:
            StoreError: they cannot be read.
        """
        for grant in self._store.open_grants():
            self._journal.add(passage(grant, PassageOutcome.UNKNOWN, grant.people, {}), self._ticks())

    def catch_up(self, now_ns: int) -> None:
        """Record what could not be recorded before, the refusals that a full minute has folded; forget whom the night has passed over."""
        self.call_next(now_ns)
        self._crossings.catch_up(now_ns)
        if (folded := self._budget.due(now_ns)) and self._journal.has_room:
            self._journal.add(Fact(EventType.AUDIT, {"what": "refusals_folded", "counts": dict(folded)}), now_ns)
            self._budget.settle(folded)
        if (counts := self._shadow.due(now_ns)) and self._journal.has_room:
            self._journal.add(Fact(EventType.AUDIT, {"what": "shadow_policy", "counts": dict(counts)}), now_ns)
            self._shadow.settle(counts)
        self._journal.catch_up(now_ns)
        if self._forgetting_ns is None or now_ns - self._forgetting_ns >= MINUTE_NS:
            self._forgetting_ns = now_ns
            self._recall.forget_if_due(self.policy, self._now())

    def finish(self) -> None:
        """An orderly end: record the refusals of the minute that is not over, since nobody else will know them.

        Whoever waits for the lane is not decided: the next life of the gate does that.
        """
        self._lane_wait.forget()
        self.catch_up(self._ticks() + MINUTE_NS)


def _timing(case: Case) -> dict[str, int]:
    return {"frame_ns": case.presentation.track.frame_ns, "decoded_ns": case.presentation.track.decoded_ns}
