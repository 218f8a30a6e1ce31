"""The record of a decision: its event, and all that becomes true with it, in one transaction."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from typing import Any, Protocol

from device.admission.policy import Policy
from device.admission.presentations import Remembered
from device.domain import Credential, Decision, EventType, Instant, Misread, NotACredential
from device.errors import StoreError
from device.gate.case import Case, facts_of, line, open_grant_of
from device.gate.journal import Fact, Journal
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.memory import OpenGrant
from device.gate.recall import Recall
from device.gate.store import Store, Transaction

log = logging.getLogger("qrgate.gate")

UNRECORDED = "unrecorded "
"""Before a presentation's id: a grant that was given before it was recorded. Its record has an id like any other."""


class Seal(Protocol):
    """Whoever the bearer was, sealed to the health department's key."""

    def __call__(self, credential: Credential, payload: bytes, sequence: int) -> bytes:
        """The sealed bytes for the event ``sequence``; this gate cannot open them."""


@dataclass(frozen=True, slots=True)
class Written:
    """A decision was recorded under ``sequence``, with ``facts``; ``grant`` is what it has reserved, where it admits."""

    sequence: int
    grant: OpenGrant
    facts: dict[str, Any]


class DecisionRecord:
    def __init__(self, store: Store, journal: Journal, pseudonyms: PseudonymKey, fingerprints: Fingerprints, recall: Recall) -> None:
        self._store = store
        self._journal = journal
        self._pseudonyms = pseudonyms
        self._fingerprints = fingerprints
        self._recall = recall

    def write(self, case: Case, decision: Decision, policy: Policy, seal: Seal | None, now_ns: int) -> Written:
        """Raises StoreError: nothing was recorded then."""
        presentation, facts = case.presentation, self._facts(case, decision, policy, now_ns)
        with self._store.transaction() as writing:
            sequence = writing.next_sequence
            sealed = _sealed(case, decision, seal, sequence)
            if sealed is not None:
                facts["identity"] = hashlib.sha256(sealed).hexdigest()
            id_ = writing.append(EventType.DECISION, facts, subject=presentation.id, now=case.now.instant)
            if sealed is not None:
                days = policy.sealed_identity.retention_days if policy.sealed_identity else 0
                writing.identities.keep(sequence, sealed, days, case.now)
            for each in presentation.tracks:
                writing.remember(Remembered(each.id, presentation.id, self._fingerprints.of(each.payload)), now_ns)
            grant = open_grant_of(id_, case, decision)
            if decision.admit:
                self._reserve(writing, grant, case)
            if case.recalled.entry is not None:
                writing.reports.add(case.recalled.entry, case.now.instant.utc)
            if decision.alert is not None:
                alarm = {"what": decision.alert, "decision": id_, "presentation": presentation.id}
                writing.append(EventType.ALARM, alarm, subject=presentation.id, now=case.now.instant)
        return Written(sequence, grant, facts)

    def write_later(self, case: Case, decision: Decision, policy: Policy, now_ns: int) -> OpenGrant | None:
        """Somebody was let out, and is recorded when the store will; ``None`` where not even that could be kept, which is counted."""
        if not self._journal.has_room:
            self._journal.miss()
            return None
        subject = case.presentation.id
        try:
            facts = self._facts(case, decision, policy, now_ns)
        except StoreError:  # nobody may be recorded under yesterday's key: it is recorded that somebody left
            nameless = replace(case, presentation=replace(case.presentation, shown=NotACredential(Misread.OTHER)))
            facts = facts_of(nameless, decision, person={}, trip=policy.trip)
        grant = open_grant_of(UNRECORDED + subject, case, decision)
        log.warning("let out, to be recorded later: %s", line(facts))
        self._journal.add(Fact(EventType.DECISION, facts, subject, begins=(grant, case.now)), now_ns)
        if decision.alert is not None:
            self._journal.add(Fact(EventType.ALARM, {"what": decision.alert, "presentation": subject}, subject), now_ns)
        return grant

    def _reserve(self, writing: Transaction, grant: OpenGrant, case: Case) -> None:
        writing.memory.open_grant(grant, case.now)
        if case.credential is not None:
            self._recall.remember(writing, case.credential, case.recalled, case.now)

    def _facts(self, case: Case, decision: Decision, policy: Policy, now_ns: int) -> dict[str, Any]:
        """Raises StoreError."""
        person = {} if case.credential is None else self._person(case.credential, case.now.instant, now_ns)
        return facts_of(case, decision, person=person, trip=policy.trip)

    def _person(self, credential: Credential, now: Instant, now_ns: int) -> dict[str, Any]:
        """The day's pseudonyms; ``own_key`` where no other gate of the site could give the same.

        Raises:
            StoreError: the day's key cannot be kept, so nobody may be called by it.
        """
        key = self._pseudonyms.today(now)
        for alarm in self._pseudonyms.alarms():
            self._journal.add(Fact(EventType.ALARM, alarm), now_ns)
        more: dict[str, Any] = {"also": [key.pseudonym(name) for name in credential.also]} if credential.also else {}
        return {"person": key.pseudonym(credential.person_key)} | more | ({"own_key": True} if key.own else {})


def _sealed(case: Case, decision: Decision, seal: Seal | None, sequence: int) -> bytes | None:
    """Who passed, for the health department. Of whom is refused nothing is kept: he was not there."""
    if seal is None or case.credential is None or not decision.admit:
        return None
    return seal(case.credential, case.presentation.track.payload, sequence)
