"""Read, decide, commit, and only then grant: the heart of the recording thread.

The order is the promise: an entry that cannot be recorded does not happen.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from device.admission.budget import MINUTE_NS, RefusalBudget
from device.admission.decide import decide
from device.admission.policy import Policy
from device.admission.presence import Moment
from device.admission.presentations import Presentation, Presentations, Remembered
from device.admission.shadow import ShadowCount
from device.clock import monotonic_ns
from device.domain import Credential, Decision, Direction, EventType, Grant, Instant, Misread, NotACredential, Passage, PassageOutcome, Reason
from device.errors import StoreError
from device.gate.act import Act
from device.gate.journal import Fact, Journal, passage
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.memory import OpenGrant
from device.gate.recall import NOTHING, Recall, Recalled
from device.gate.store import Store, Transaction
from device.turnstile.signals import SIGNAL_OF_REASON, Signal

log = logging.getLogger("qrgate.gate")

ALERTS_A_MINUTE = 10
"""Refusals that an officer must see are recorded singly even when the minute's budget of refusals is spent, up to so many."""

UNRECORDED = "unrecorded "
"""Before a presentation's id: a grant that was given before it could be recorded. Its record has an id like any other."""


class Clock(Protocol):
    def now(self) -> Instant:
        """Wall time, and whether it may be believed."""


class Seal(Protocol):
    """Whoever the bearer was, sealed to the health department's key."""

    def __call__(self, credential: Credential, payload: bytes, sequence: int) -> bytes:
        """The sealed bytes for the event ``sequence``; this gate cannot open them."""


@dataclass(frozen=True, slots=True)
class _Granted:
    """What a passage's record repeats of its decision."""

    grant: OpenGrant
    timing: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Case:
    """A presentation on its way: decided on what was known at ``now``."""

    presentation: Presentation
    credential: Credential | None
    recalled: Recalled
    now: Moment


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
        self._pseudonyms = pseudonyms
        self._fingerprints = fingerprints
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
        self._granted: dict[str, _Granted] = {}
        self._forgetting_ns: int | None = None
        self._unspent = False  # the budget allowed a refusal that could not be recorded: the next one is that one, or stands for it

    def adopt(self, policy: Policy, seal: Seal | None) -> None:
        """From now on go by ``policy``."""
        self.policy, self.seal = policy, seal

    # --- decisions ---------------------------------------------------------------------------------------------

    def settle(self, presentation: Presentation) -> None:
        """Decide ``presentation``, record it, and tell the person."""
        now = self._now()
        case: _Case | None = None
        decision: Decision | None = None
        try:
            case = self._case(presentation, now)
            decision = self._decide(case)
            self._count_shadow(case, decision)
            if decision.admit:
                self._record(case, decision)
            elif self._unspent or self._may_be_recorded(decision):
                self._unspent = True
                self._record(case, decision)
                self._unspent = False
            elif case.recalled.entry is not None:  # roll-call misses nobody because the minute was full
                with self._store.transaction() as writing:
                    writing.reports.add(case.recalled.entry, now.instant.utc)
            if not decision.admit:
                self._act.show(SIGNAL_OF_REASON[decision.reason])
        except StoreError as error:
            case = case or self._unremembered(presentation, now)
            decision = decision or self._decide(case)
            if self._let_out(case, decision):
                return
            log.error("nothing can be recorded, so nobody is let in: %s", error)
            self._presentations.take_back(presentation, now.monotonic_ns)
            self._act.show(Signal.OUT_OF_ORDER)

    def _case(self, presentation: Presentation, now: Moment) -> _Case:
        credential = presentation.shown if isinstance(presentation.shown, Credential) else None
        recalled = NOTHING if credential is None or presentation.several else self._recall.of(credential, self.policy, now)
        return _Case(presentation, credential, recalled, now)

    @staticmethod
    def _unremembered(presentation: Presentation, now: Moment) -> _Case:
        """Where the store cannot even be read, nothing is known of anybody."""
        return _Case(presentation, presentation.shown if isinstance(presentation.shown, Credential) else None, NOTHING, now)

    def _decide(self, case: _Case) -> Decision:
        if case.presentation.several:
            direction = Direction.EXIT if self.policy.direction is Direction.EXIT else Direction.ENTRY
            return Decision.refused(Reason.ONE_AT_A_TIME, direction=direction)
        return decide(case.presentation.shown, self.policy, case.recalled.history, case.now.instant)

    def _count_shadow(self, case: _Case, decision: Decision) -> None:
        """What a policy that is not yet in force would have said, for the province to see before it is."""
        if self.policy.shadow is not None and case.credential is not None and not case.presentation.several:
            shadow = decide(case.credential, self.policy.shadow, case.recalled.history, case.now.instant)
            self._shadow.count(decision, shadow, self._ticks())

    def _may_be_recorded(self, decision: Decision) -> bool:
        now_ns = self._ticks()
        return (decision.alert is not None and self._alerts.allows(decision.reason, now_ns)) or self._budget.allows(decision.reason, now_ns)

    def _record(self, case: _Case, decision: Decision) -> None:
        presentation, track = case.presentation, case.presentation.track
        facts, at_ns = self._facts(case, decision), self._ticks()
        with self._store.transaction() as writing:
            sealed = self._sealed(case, decision, writing.next_sequence)
            if sealed is not None:
                facts["identity"] = hashlib.sha256(sealed).hexdigest()
            id_ = writing.append(EventType.DECISION, facts, subject=presentation.id, now=case.now.instant)
            if sealed is not None:
                self._keep(writing, sealed, case)
            for each in presentation.tracks:
                writing.remember(Remembered(each.id, presentation.id, self._fingerprints.of(each.payload)), at_ns)
            grant = _open_grant(id_, case, decision)
            if decision.admit:
                self._reserve(writing, grant, case)
            if case.recalled.entry is not None:
                writing.reports.add(case.recalled.entry, case.now.instant.utc)
            if decision.alert is not None:
                alarm = {"what": decision.alert, "decision": id_, "presentation": presentation.id}
                writing.append(EventType.ALARM, alarm, subject=presentation.id, now=case.now.instant)
        committed_ns = self._ticks()
        if decision.admit:
            seen_ns = min(track.last_seen_ns, at_ns)  # a reader whose clock runs ahead must not make a grant that never ages
            self._act.grant(Grant(id_, seen_ns + self._grant_within_ns, decision.people))
            if decision.direction is Direction.ENTRY:
                self._recall.granted(committed_ns, decision.people)
            timing = {"frame_ns": track.frame_ns, "decoded_ns": track.decoded_ns, "committed_ns": committed_ns, "commit_ns": self._store.commit_ns}
            self._granted[id_] = _Granted(grant, timing)
        log.info("%s", _line(facts))
        self._committed()

    def _let_out(self, case: _Case, decision: Decision) -> bool:
        """A disk that will not do holds nobody in: whoever leaves goes first, and it is recorded when the store will.

        Only where a lane lets nobody in: at a gate for both ways what cannot be remembered could be shown again and again.
        """
        if not (decision.admit and self.policy.direction is Direction.EXIT and self._journal.has_room):
            return False
        try:
            facts = self._facts(case, decision)
        except StoreError:  # nobody may be recorded under yesterday's key: it is recorded that somebody left
            facts = self._facts(replace(case, presentation=replace(case.presentation, shown=NotACredential(Misread.OTHER))), decision)
        track, at_ns, subject = case.presentation.track, self._ticks(), case.presentation.id
        grant = _open_grant(UNRECORDED + subject, case, decision)
        self._act.grant(Grant(grant.id, min(track.last_seen_ns, at_ns) + self._grant_within_ns, decision.people))
        self._granted[grant.id] = _Granted(grant, {"frame_ns": track.frame_ns, "decoded_ns": track.decoded_ns})
        log.warning("let out, to be recorded later: %s", _line(facts))
        self._journal.add(Fact(EventType.DECISION, facts, subject, begins=(grant, case.now)), at_ns)
        if decision.alert is not None:
            self._journal.add(Fact(EventType.ALARM, {"what": decision.alert, "presentation": subject}, subject), at_ns)
        return True

    def _reserve(self, writing: Transaction, grant: OpenGrant, case: _Case) -> None:
        writing.memory.open_grant(grant, case.now)
        if case.credential is not None:
            self._recall.remember(writing, case.credential, case.recalled, case.now)

    def _sealed(self, case: _Case, decision: Decision, sequence: int) -> bytes | None:
        """Who passed, for the health department. Of whom is refused nothing is kept: he was not there."""
        if self.seal is None or case.credential is None or not decision.admit:
            return None
        return self.seal(case.credential, case.presentation.track.payload, sequence)

    def _keep(self, writing: Transaction, sealed: bytes, case: _Case) -> None:
        days = self.policy.sealed_identity.retention_days if self.policy.sealed_identity else 0
        writing.identities.keep(writing.next_sequence, sealed, days, case.now)

    def _facts(self, case: _Case, decision: Decision) -> dict[str, Any]:
        shown, track = case.presentation.shown, case.presentation.track
        facts: dict[str, Any] = {
            "presentation": case.presentation.id,
            "direction": decision.direction,
            "admit": decision.admit,
            "reason": decision.reason,
        }
        if isinstance(shown, Credential):
            facts |= {"credential": shown.kind, "proof": shown.proof} | self._person(shown, case.now.instant)
        else:
            facts |= {"shown": shown.what}
        facts |= _more(decision) | ({"trip": self.policy.trip} if self.policy.trip else {})
        return facts | {"frame": track.frame, "frame_ns": track.frame_ns, "decoded_ns": track.decoded_ns, "stage": track.stage}

    def _person(self, credential: Credential, now: Instant) -> dict[str, Any]:
        """The day's pseudonyms; ``own_key`` where no other gate of the site could give the same.

        Raises:
            StoreError: the day's key cannot be kept, so nobody may be called by it.
        """
        key = self._pseudonyms.today(now)
        for alarm in self._pseudonyms.alarms():
            self.fact(EventType.ALARM, alarm)
        more: dict[str, Any] = {"also": [key.pseudonym(name) for name in credential.also]} if credential.also else {}
        return {"person": key.pseudonym(credential.person_key)} | more | ({"own_key": True} if key.own else {})

    def _now(self) -> Moment:
        return Moment(self._clock.now(), self._boot, self._ticks())

    # --- passages and other facts ------------------------------------------------------------------------------

    def passage(self, ended: Passage) -> None:
        """Record how a grant ended; what it had reserved is consumed or given back with it."""
        granted = self._granted.pop(ended.grant_id)
        log.info("passage %s", ended.outcome)
        timing = granted.timing | {"opened_ns": ended.opened_ns, "ended_ns": ended.ended_ns}
        self._journal.add(passage(granted.grant, ended.outcome, ended.people, {"timing": timing}), self._ticks())

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
        """An orderly end: record the refusals of the minute that is not over, since nobody else will know them."""
        self.catch_up(self._ticks() + MINUTE_NS)


def _open_grant(id_: str, case: _Case, decision: Decision) -> OpenGrant:
    """Who comes in uses up a pass, and who goes out on one that is good for nothing else."""
    shown = case.credential
    counted = shown is not None and shown.uses is not None and (decision.direction is Direction.ENTRY or shown.direction is Direction.EXIT)
    pass_key = case.recalled.pass_key if counted else None
    return OpenGrant(id_, case.presentation.id, pass_key, case.recalled.person, decision.direction, decision.people)


def _more(decision: Decision) -> dict[str, Any]:
    """What only some decisions have to say."""
    more: dict[str, Any] = {"hint": decision.hint, "alert": decision.alert, "rules": list(decision.rules)}
    if decision.people > 1:
        more["people"] = decision.people
    return {name: value for name, value in more.items() if value}


def _line(facts: dict[str, Any]) -> str:
    """A decision for the log: nothing in it names a person, and a part of the day's pseudonym finds the event."""
    words = ["ADMIT" if facts["admit"] else "REFUSE", facts["reason"]]
    words += [facts["credential"], "person", facts["person"][:8]] if "person" in facts else [facts["shown"]]
    return " ".join(words)
