"""Read, decide, commit, and only then grant: the heart of the recording thread.

The order is the promise: an entry that cannot be recorded does not happen.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.admission.budget import MINUTE_NS, RefusalBudget
from device.admission.policy import NO_HISTORY, History, Policy, decide
from device.admission.presentations import Presentation, Presentations, Remembered
from device.clock import NS, WallClock, monotonic_ns
from device.domain import Credential, Decision, EventType, Grant, Instant, Passage, PassageOutcome, Reason
from device.errors import StoreError
from device.gate.act import Act
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.store import OpenGrant, Store
from device.turnstile.signals import SIGNAL_OF_REASON, Signal

log = logging.getLogger("qrgate.gate")

UNRECORDED_MAX = 1000
"""Facts that may wait for the store before further ones are only counted. The end of a grant is never refused: while the
store fails there are no new grants, so these are few."""

TELL_NS = 10 * NS
"""A disk that is full for a week is not a line every turn."""

GIVEN_BACK = frozenset({PassageOutcome.UNUSED, PassageOutcome.TOO_LATE})


@dataclass(frozen=True, slots=True)
class _Granted:
    """What a passage's record repeats of its decision."""

    grant: OpenGrant
    timing: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something to be recorded, at once or as soon as the store will. ``ends`` is the grant that ends with it."""

    kind: EventType
    data: dict[str, Any]
    subject: str = "gate"
    ends: OpenGrant | None = None
    give_back: bool = False


class Deciding:
    def __init__(  # noqa: PLR0913 - the composition root hands everything in, once
        self,
        *,
        policy: Policy,
        presentations: Presentations,
        store: Store,
        clock: WallClock,
        pseudonyms: PseudonymKey,
        fingerprints: Fingerprints,
        act: Act,
        grant_within_ns: int,
        committed: Callable[[], None],
    ) -> None:
        self._policy = policy
        self._presentations = presentations
        self._store = store
        self._clock = clock
        self._pseudonyms = pseudonyms
        self._fingerprints = fingerprints
        self._act = act
        self._grant_within_ns = grant_within_ns
        self._committed = committed
        self._budget = RefusalBudget()
        self._granted: dict[str, _Granted] = {}
        self._unspent = False  # the budget allowed a refusal that could not be recorded: the next one is that one, or stands for it
        self._unrecorded: deque[_Fact] = deque()
        self._dropped = 0
        self._told_ns: int | None = None

    # --- decisions ---------------------------------------------------------------------------------------------

    def settle(self, presentation: Presentation) -> None:
        """Decide ``presentation``, record it, and tell the person."""
        now, credential = self._clock.now(), presentation.shown if isinstance(presentation.shown, Credential) else None
        try:
            pass_key = self._counted_pass(credential)
            decision = self._decide(presentation, pass_key, now)
            if decision.admit:
                self._record(presentation, decision, pass_key, now)
            elif self._unspent or self._budget.allows(decision.reason, monotonic_ns()):
                self._unspent = True
                self._record(presentation, decision, pass_key, now)
                self._unspent = False
            if not decision.admit:
                self._act.show(SIGNAL_OF_REASON[decision.reason])
        except StoreError as error:
            log.error("nothing can be recorded, so nobody is let in: %s", error)
            self._presentations.take_back(presentation, monotonic_ns())
            self._act.show(Signal.OUT_OF_ORDER)

    def _decide(self, presentation: Presentation, pass_key: bytes | None, now: Instant) -> Decision:
        if presentation.several:
            return Decision.refused(Reason.ONE_AT_A_TIME)
        history = History(self._store.uses_of(pass_key)) if pass_key else NO_HISTORY
        return decide(presentation.shown, self._policy, history, now)

    def _record(self, presentation: Presentation, decision: Decision, pass_key: bytes | None, now: Instant) -> None:
        track, at_ns = presentation.track, monotonic_ns()
        facts = self._facts(presentation, decision, now)
        with self._store.transaction() as writing:
            id_ = writing.append(EventType.DECISION, facts, subject=presentation.id, now=now)
            for each in presentation.tracks:
                writing.remember(Remembered(each.id, presentation.id, self._fingerprints.of(each.payload)), at_ns)
            grant = OpenGrant(id_, presentation.id, pass_key)
            if decision.admit:
                writing.open_grant(grant)
        committed_ns = monotonic_ns()
        if decision.admit:
            seen_ns = min(track.last_seen_ns, at_ns)  # a reader whose clock runs ahead must not make a grant that never ages
            self._act.grant(Grant(id_, seen_ns + self._grant_within_ns))
            timing = {"frame_ns": track.frame_ns, "decoded_ns": track.decoded_ns, "committed_ns": committed_ns, "commit_ns": self._store.commit_ns}
            self._granted[id_] = _Granted(grant, timing)
        log.info("%s", _line(facts))
        self._committed()

    def _facts(self, presentation: Presentation, decision: Decision, now: Instant) -> dict[str, Any]:
        shown, track = presentation.shown, presentation.track
        facts: dict[str, Any] = {
            "presentation": presentation.id,
            "direction": self._policy.direction,
            "admit": decision.admit,
            "reason": decision.reason,
        }
        if isinstance(shown, Credential):
            facts |= {"credential": shown.kind, "proof": shown.proof, "person": self._pseudonyms.today(now).pseudonym(shown.person_key)}
        else:
            facts |= {"shown": shown.what}
        return facts | {"frame": track.frame, "frame_ns": track.frame_ns, "decoded_ns": track.decoded_ns, "stage": track.stage}

    def _counted_pass(self, credential: Credential | None) -> bytes | None:
        """The name under which this pass's uses are counted, if they are."""
        if credential is None or credential.uses is None or credential.pass_key is None:
            return None
        return self._fingerprints.of(credential.pass_key)

    # --- passages and other facts ------------------------------------------------------------------------------

    def passage(self, passage: Passage) -> None:
        """Record how a grant ended; its use is consumed or given back with it."""
        granted = self._granted.pop(passage.grant_id)
        log.info("passage %s", passage.outcome)
        timing = granted.timing | {"opened_ns": passage.opened_ns, "ended_ns": passage.ended_ns}
        self._queue(_passage(granted.grant, passage.outcome, {"timing": timing}))

    def fact(self, kind: EventType, facts: dict[str, Any]) -> None:
        """Record something that happened to the gate itself."""
        self._queue(_Fact(kind, facts))

    def recover(self) -> None:
        """Grants that were open when the gate died: nobody knows whether the person passed, and none opens again.

        On a full disk this waits like every fact: a gate that did not start could not be told what it may let go.

        Raises:
            StoreError: they cannot be read.
        """
        for grant in self._store.open_grants():
            self._queue(_passage(grant, PassageOutcome.UNKNOWN, {}))

    def catch_up(self, now_ns: int) -> None:
        """Record what could not be recorded before, and the refusals that a full minute has folded."""
        if (folded := self._budget.due(now_ns)) and len(self._unrecorded) < UNRECORDED_MAX:
            self._unrecorded.append(_Fact(EventType.AUDIT, {"what": "refusals_folded", "counts": dict(folded)}))
            self._budget.settle(folded)
        try:
            while self._unrecorded:
                self._write(self._unrecorded[0])
                self._unrecorded.popleft()
            if self._dropped:
                self._write(_Fact(EventType.AUDIT, {"what": "facts_dropped", "n": self._dropped}))
                self._dropped = 0
        except StoreError as error:
            if self._told_ns is None or now_ns - self._told_ns >= TELL_NS:
                self._told_ns = now_ns
                log.error("%d facts wait to be recorded, %d were dropped: %s", len(self._unrecorded), self._dropped, error)

    def finish(self) -> None:
        """An orderly end: record the refusals of the minute that is not over, since nobody else will know them."""
        self.catch_up(monotonic_ns() + MINUTE_NS)

    def _queue(self, fact: _Fact) -> None:
        if fact.ends is None and len(self._unrecorded) >= UNRECORDED_MAX:
            self._dropped += 1
        else:
            self._unrecorded.append(fact)
        self.catch_up(monotonic_ns())

    def _write(self, fact: _Fact) -> None:
        with self._store.transaction() as writing:
            writing.append(fact.kind, fact.data, subject=fact.subject, now=self._clock.now())
            if fact.ends is not None:
                writing.end_grant(fact.ends, give_back=fact.give_back)
        self._committed()


def _passage(grant: OpenGrant, outcome: PassageOutcome, more: dict[str, Any]) -> _Fact:
    """How ``grant`` ended: its use is consumed, or given back where nobody passed."""
    data = {"decision": grant.id, "presentation": grant.presentation, "outcome": outcome, **more}
    return _Fact(EventType.PASSAGE, data, grant.presentation, grant, give_back=outcome in GIVEN_BACK)


def _line(facts: dict[str, Any]) -> str:
    """A decision for the log: nothing in it names a person, and a part of the day's pseudonym finds the event."""
    words = ["ADMIT" if facts["admit"] else "REFUSE", facts["reason"]]
    words += [facts["credential"], "person", facts["person"][:8]] if "person" in facts else [facts["shown"]]
    return " ".join(words)
