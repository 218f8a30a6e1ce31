"""A store and those who write to it, at a clock of its own: cards are decided, people pass, the recorder confirms."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device.admission.history import History
from device.admission.policy import Policy
from device.admission.presence import Moment
from device.admission.presentations import Presentation
from device.clock import NS
from device.domain import (
    ClockTrust,
    Credential,
    CredentialKind,
    Decision,
    Direction,
    EventType,
    Instant,
    PassageOutcome,
    Proof,
    Reason,
    Track,
    TrackState,
)
from device.events.confirmation import Confirmation, range_digest
from device.gate.case import Case
from device.gate.decision_record import DecisionRecord
from device.gate.journal import Journal, passage
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.limits import Limits
from device.gate.memory import OpenGrant
from device.gate.recall import NoLists, Recall, Recalled
from device.gate.store import Store
from tests.gates import day_keys

GATE, BOOT = "b0-lane-1", "3f0b2c9e-6d1a-4b57-9a44-1c7d0e5b8a21"
BEGIN = datetime(2026, 11, 25, tzinfo=UTC)
POLICY = Policy("b0-lane-1", "main", Direction.ENTRY, again_after_s=60)
NAMES = ("frame_ns", "decoded_ns", "committed_ns", "commit_ns", "opened_ns", "ended_ns")
UNLIMITED = Limits(bytes_max=2**40, events_max=10**9)
FILL_BATCH = 1_000


class StoreLane:
    def __init__(self, folder: Path, *, fill: int = 0) -> None:
        """``fill`` events wait in the store already."""
        folder.mkdir()
        self.store = Store(folder / "events.db", gate=GATE, boot=BOOT, limits=UNLIMITED, reserve=0)
        first = folder / "first.json"
        first.write_text(day_keys(), encoding="ascii")
        self.now_ns = 0
        self._fingerprints = Fingerprints(folder)
        self._journal = Journal(self.store, lambda: self._moment().instant, lambda: None)
        recall = Recall(self.store, self._fingerprints, NoLists())
        self._records = DecisionRecord(self.store, self._journal, PseudonymKey(folder, first, "s1"), self._fingerprints, recall)
        self._shown = 0
        for begin in range(0, fill, FILL_BATCH):
            self._append(begin, min(begin + FILL_BATCH, fill))
        self._confirmed_to = self.store.last_sequence

    def _append(self, begin: int, end: int) -> None:
        with self.store.transaction() as writing:
            for number in range(begin, end):
                facts = {"presentation": f"0badcafe-{number}", "direction": "entry", "admit": True, "reason": "ok", "person": f"{number:032x}"}
                writing.append(EventType.DECISION, facts, subject=f"0badcafe-{number}", now=self._moment().instant)

    def _moment(self) -> Moment:
        return Moment(Instant(BEGIN + timedelta(microseconds=self.now_ns // 1000), ClockTrust.TRUSTED), BOOT, self.now_ns)

    def decide(self, *, admits: bool = True) -> tuple[OpenGrant, int]:
        """Somebody shows a card: the grant, and for how many nanoseconds its record took."""
        self._shown += 1
        track = Track(f"0badcafe-{self._shown}", TrackState.APPEARED, b"999%09d" % self._shown, 7, self.now_ns, self.now_ns, self.now_ns, "half")
        card = Credential(CredentialKind.CCCD, Proof.CLAIMED, b"cccd:999%09d" % self._shown, also=(b"cmnd:999%06d" % self._shown,))
        names = tuple(self._fingerprints.of(name) for name in (card.person_key, *card.also))
        recalled = Recalled(History(), None, names[0], names=names)
        case = Case(Presentation(track.id, track, card, several=False, tracks=(track,)), self._moment(), self.now_ns, recalled)
        decision = Decision.admitted() if admits else Decision.refused(Reason.EXPIRED)
        begin_ns = time.perf_counter_ns()
        written = self._records.write(case, decision, POLICY, None, self.now_ns)
        return written.grant, time.perf_counter_ns() - begin_ns

    def pass_through(self, grant: OpenGrant) -> None:
        timing = {name: 123_456_789_012 + number for number, name in enumerate(NAMES)}
        self._journal.add(passage(grant, PassageOutcome.TURNED, 1, {"timing": timing}), self.now_ns)

    def confirm(self) -> None:
        """The recorder has all that this lane has recorded by itself."""
        while events := self.store.events_after(self._confirmed_to, 100):
            first, self._confirmed_to = events[0].sequence, events[-1].sequence
            digest = range_digest(event.body for event in events)
            self.store.confirm(Confirmation(GATE, self.store.epoch, first, self._confirmed_to, digest))

    def turn(self, seconds: float) -> None:
        """Time passes, a second a turn."""
        until_ns = self.now_ns + int(seconds * NS)
        while self.now_ns < until_ns:
            self.now_ns = min(self.now_ns + NS, until_ns)
            self.store.tidy(self.now_ns)

    def close(self) -> None:
        self.store.close()
