"""What is written with a decision, on a real store."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from device.admission.history import History
from device.admission.policy import Policy, SealedIdentity
from device.admission.presence import DAY_NS, Moment
from device.admission.presentations import Presentation
from device.clock import NS, WallClock
from device.domain import (
    Alert,
    ClockTrust,
    Credential,
    CredentialKind,
    Decision,
    Direction,
    Instant,
    Misread,
    NotACredential,
    Proof,
    Reason,
    Track,
    TrackState,
)
from device.errors import StoreError
from device.gate.case import Case
from device.gate.decision_record import UNRECORDED, DecisionRecord, Seal, Written
from device.gate.journal import UNRECORDED_MAX, Journal
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.memory import OpenGrant
from device.gate.recall import NoLists, Recall, Recalled
from device.gate.store import Store
from device.settings import ClockSource
from tests.gates import day_keys

POLICY = Policy("g1", "main", Direction.BOTH, sealed_identity=SealedIdentity(b"k" * 32, retention_days=2))
PASS = Credential(CredentialKind.KD1, Proof.PROVEN, b"kd1:999", pass_key=b"999", uses=3)
ADMITTED = Decision.admitted(people=2)
LEAVES = Decision.admitted(Reason.EXIT_FREE, direction=Direction.EXIT, alert=Alert.DENIED_PERSON)


def sealing(credential: Credential, payload: bytes, sequence: int) -> bytes:
    return b"sealed %s %d %s" % (credential.kind.encode(), sequence, payload)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "events.db", gate="g1", boot="boot-1", reserve=0)
        first = folder / "first.json"
        first.write_text(day_keys(), encoding="ascii")
        wall = WallClock(ClockSource.SYSTEM)
        self.now = Moment(wall.now(), "boot-1", 5)
        self.fingerprints = Fingerprints(folder)
        self.journal = Journal(self.store, wall.now, lambda: None)
        recall = Recall(self.store, self.fingerprints, NoLists())
        self.records = DecisionRecord(self.store, self.journal, PseudonymKey(folder, first, "s1"), self.fingerprints, recall)

    def case(self, shown: Credential | NotACredential = PASS, **recalled: Any) -> Case:
        tracks = tuple(Track(f"cafe-{n}", TrackState.APPEARED, b"code %d" % n, 7, 10, 20, 30, "half") for n in (1, 2))
        known = Recalled(History(), b"key", b"person", names=(b"name",), **recalled)
        return Case(Presentation("cafe-1", tracks[0], shown, several=False, tracks=tracks), self.now, 30, known)

    def write(self, case: Case, decision: Decision, seal: Seal | None = None) -> Written:
        return self.records.write(case, decision, POLICY, seal, 100)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(event.body) for event in self.store.events_after(0, 100)]

    def facts(self) -> list[dict[str, Any]]:
        return [event["data"] for event in self.events()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    with closing(made.store):
        yield made


def test_an_admission_is_written_with_all_that_it_reserves(bench: Bench) -> None:
    written = bench.write(bench.case(), ADMITTED)
    (event,) = bench.events()
    grant = OpenGrant(event["id"], "cafe-1", b"key", b"person", Direction.ENTRY, 2)
    assert (written, event["subject"], bench.store.open_grants()) == (Written(1, grant, event["data"]), "cafe-1", [grant])
    with bench.store.recalling() as memory:
        assert (memory.uses_of(b"key"), memory.occupied(), memory.persons_of((b"name",))) == (1, 2, (b"person",))


@pytest.mark.parametrize("decision", [ADMITTED, Decision.refused(Reason.EXPIRED)])
def test_every_code_of_a_presentation_is_known_after_a_restart(bench: Bench, decision: Decision) -> None:
    bench.write(bench.case(), decision)
    assert [(each.track_id, each.presentation) for each in bench.store.remembered(100)] == [("cafe-1", "cafe-1"), ("cafe-2", "cafe-1")]


def test_a_refusal_reserves_nothing_and_seals_nothing(bench: Bench) -> None:
    written = bench.write(bench.case(), Decision.refused(Reason.EXPIRED), sealing)
    assert (written.sequence, bench.store.open_grants(), bench.store.identity(1), "identity" in bench.facts()[0]) == (1, [], None, False)


def test_who_passed_is_kept_sealed_beside_the_event_which_only_has_its_hash(bench: Bench) -> None:
    bench.write(bench.case(), Decision.refused(Reason.EXPIRED), sealing)
    bench.write(bench.case(), ADMITTED, sealing)
    sealed = b"sealed kd1 2 code 1"
    assert (bench.store.identity(2), bench.facts()[1]["identity"]) == (sealed, hashlib.sha256(sealed).hexdigest())
    for days, kept in ((1, sealed), (2, None)):
        later = Moment(Instant(bench.now.instant.utc + timedelta(days=days), ClockTrust.TRUSTED), "boot-1", 5 + days * DAY_NS)
        with bench.store.erasing() as writing:
            writing.identities.erase_due(later)
        assert bench.store.identity(2) == kept


def test_what_is_no_credential_is_neither_named_nor_sealed(bench: Bench) -> None:
    bench.write(bench.case(NotACredential(Misread.OTHER)), LEAVES, sealing)
    assert ("person" in bench.facts()[0], bench.store.identity(1)) == (False, None)


def test_what_an_officer_must_see_is_an_alarm_in_the_same_transaction(bench: Bench) -> None:
    bench.write(bench.case(), LEAVES)
    decision, alarm = bench.events()
    assert alarm["data"] == {"what": "denied_person", "decision": decision["id"], "presentation": "cafe-1"}


def test_whoever_is_judged_has_reported(bench: Bench) -> None:
    bench.write(bench.case(entry=b"entry"), Decision.refused(Reason.EXPIRED))
    with bench.store.roll_calls() as reports:
        assert reports.between(datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)) == {b"entry"}


def test_what_fails_on_the_way_leaves_nothing_behind(bench: Bench) -> None:
    def torn(credential: Credential, payload: bytes, sequence: int) -> bytes:
        raise StoreError(f"no seal for {credential.kind}, {len(payload)} bytes, {sequence}")

    with pytest.raises(StoreError):
        bench.write(bench.case(), ADMITTED, torn)
    bench.store._db.execute("ALTER TABLE presentation RENAME TO away")
    with pytest.raises(StoreError):
        bench.write(bench.case(), ADMITTED, sealing)
    assert (bench.events(), bench.store.open_grants(), bench.store.last_sequence, bench.store.identity(1)) == ([], [], 0, None)


# --- afterwards ------------------------------------------------------------------------------------------------


def test_what_is_written_later_has_its_grant_at_once_and_its_alarm_after_it(bench: Bench) -> None:
    bench.store._db.execute("PRAGMA query_only=ON")
    grant = bench.records.write_later(bench.case(), LEAVES, POLICY, 100)
    assert grant == OpenGrant(UNRECORDED + "cafe-1", "cafe-1", None, b"person", Direction.EXIT, 1)
    bench.store._db.execute("PRAGMA query_only=OFF")
    bench.journal.catch_up(NS)
    decision, alarm = bench.events()
    assert (decision["data"]["reason"], alarm["data"]) == ("exit_free", {"what": "denied_person", "presentation": "cafe-1"})
    assert [each.id for each in bench.store.open_grants()] == [decision["id"]]


def test_what_there_is_no_room_for_is_counted_and_has_no_grant(bench: Bench) -> None:
    bench.store._db.execute("PRAGMA query_only=ON")
    kept = [bench.records.write_later(bench.case(), Decision.admitted(direction=Direction.EXIT), POLICY, 100) for _ in range(UNRECORDED_MAX + 2)]
    assert [each is not None for each in kept] == [True] * UNRECORDED_MAX + [False] * 2


def test_a_day_without_a_key_names_nobody_who_leaves(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "pseudonym.new").mkdir()  # in the way of the file that replaces the key
    with pytest.raises(StoreError):
        bench.write(bench.case(), LEAVES)
    assert bench.records.write_later(bench.case(), LEAVES, POLICY, 100) is not None
    assert (bench.facts()[0]["shown"], "person" in bench.facts()[0]) == ("other", False)
