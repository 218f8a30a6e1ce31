"""Deciding with a real store; the acting thread is not started, so what it is told waits in its inbox."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from device import credentials
from device.admission.budget import MINUTE_NS, SINGLY_A_MINUTE
from device.admission.policy import Declaration, Mode, Outcome, Policy
from device.admission.presentations import Presentations
from device.clock import NS, WallClock, monotonic_ns
from device.credentials.trust import Trust
from device.domain import (
    CredentialKind,
    Crossing,
    CrossingKind,
    Direction,
    EventType,
    Grant,
    Passage,
    PassageOutcome,
    Reason,
    StoredEvent,
    Track,
    TrackState,
)
from device.errors import StoreError
from device.events.pseudonyms import day_in_viet_nam
from device.gate.act import Act, Answer, LaneState
from device.gate.deciding import Deciding
from device.gate.journal import UNRECORDED_MAX
from device.gate.keys import Fingerprints, PseudonymKey
from device.gate.lamps import Lamps
from device.gate.lane_wait import LANE_WAIT_NS, LANE_WAITING_MAX
from device.gate.memory import OpenGrant
from device.gate.recall import NoLists, Recall
from device.gate.store import Store
from device.settings import ClockSource
from device.turnstile.freedom import Cause
from device.turnstile.lane import Lane, LaneKind
from device.turnstile.machine import Turnstile
from device.turnstile.signals import Signal
from tests.gates import Issuer, day_keys

ISSUER = Issuer()
WITHIN_NS = 1_500_000_000
HOUR_NS = 3600 * NS
ENDED_UNKNOWN = {"presentation": "0badcafe-1", "direction": "entry", "outcome": "unknown", "people": 1}
CARD = "999000000001|999000001|Nguyễn Thử Nghiệm|01011990|Nam|Số 1 đường Mẫu|01012022".encode()


class Bench:
    def __init__(self, state: Path, *, admits_claims: bool = False, keys: str = "") -> None:
        self.store = Store(state / "events.db", gate="g1", boot="boot-1")
        first = state.parent / "first.json"
        first.write_text(keys or day_keys(), encoding="ascii")
        self.act = Act(Turnstile(Lane(LaneKind.TRIPOD, pulse_ns=NS, max_on_ns=NS, wait_ns=NS)), {}, Lamps({}), lambda _fact: None)
        fingerprints = Fingerprints(state)
        issuers = {ISSUER.key_id: Ed25519PublicKey.from_public_bytes(ISSUER.public)}
        self.presentations = Presentations(read=partial(credentials.read, trust=Trust(passes=issuers)), fingerprint=fingerprints.of, settle_ns=0)
        self.committed = 0
        self.deciding = Deciding(
            policy=Policy("g1", "main", Direction.ENTRY, mode=Mode.RECORD if admits_claims else Mode.VERIFY),
            presentations=self.presentations,
            store=self.store,
            clock=WallClock(ClockSource.SYSTEM),
            pseudonyms=PseudonymKey(state, first, "s1"),
            fingerprints=fingerprints,
            recall=Recall(self.store, fingerprints, NoLists()),
            boot="boot-1",
            act=self.act,
            grant_within_ns=WITHIN_NS,
            committed=self._commit,
            ticks=self.now_ns,
        )
        self.ahead_ns = 0
        self._tracks = 0

    def now_ns(self) -> int:
        return monotonic_ns() + self.ahead_ns

    def later(self, seconds: float) -> None:
        """Time passes, and the recording thread turns."""
        self.ahead_ns += int(seconds * NS)
        self.deciding.catch_up(self.now_ns())

    def _commit(self) -> None:
        self.committed += 1

    def show(self, *payloads: bytes) -> None:
        """New codes come into view, and whatever was there leaves."""
        self.look(*(self.track(payload) for payload in payloads))

    def look(self, *tracks: Track) -> None:
        for presentation in self.presentations.look(tracks, self.now_ns()):
            self.deciding.settle(presentation)

    def track(self, payload: bytes) -> Track:
        self._tracks += 1
        now = self.now_ns()
        return Track(f"0badcafe-{self._tracks}", TrackState.APPEARED, payload, self._tracks, now, now, now, "half")

    def told(self) -> list[Any]:
        """What the acting thread was told since the last look."""
        inbox, told = self.act._inbox, []
        while not inbox.empty():
            told.append(inbox.get())
        return told

    def granted(self) -> str:
        (grant,) = self.told()
        assert isinstance(grant, Grant)
        return grant.id

    def goes(self, outcome: PassageOutcome = PassageOutcome.TURNED) -> str:
        """Whoever was let through goes; the id of the grant."""
        id_ = self.granted()
        self.deciding.passage(passage(id_, outcome))
        return id_

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(event.body) for event in self.store.events_after(0, 100)]

    def facts(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event["type"], event["data"]) for event in self.events()]

    def fill_the_disk(self) -> None:
        (pages,) = self.store._db.execute("PRAGMA page_count").fetchone()
        self.store._db.execute(f"PRAGMA max_page_count={pages}")
        with suppress(StoreError):
            while True:
                with self.store.transaction() as writing:
                    writing.append(EventType.AUDIT, {"what": "filler"}, subject="gate", now=self.deciding._clock.now())

    def make_room(self) -> None:
        self.store._db.execute("PRAGMA max_page_count=100000")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


@pytest.fixture
def bench(state: Path) -> Iterator[Bench]:
    bench = Bench(state)
    with closing(bench.store):
        yield bench


def every_event(store: Store) -> list[StoredEvent]:
    events: list[StoredEvent] = []
    while batch := store.events_after(events[-1].sequence if events else 0, 100):
        events += batch
    return events


def passage(id_: str, outcome: PassageOutcome) -> Passage:
    return Passage(id_, outcome, None if outcome is PassageOutcome.TOO_LATE else 5, 9)


# --- decisions -------------------------------------------------------------------------------------------------


def test_an_admission_is_recorded_before_it_is_granted(bench: Bench) -> None:
    track = bench.track(ISSUER.issue(1))
    bench.look(track)
    ((kind, data),) = bench.facts()
    assert kind == "qrgate.decision"
    assert len(bytes.fromhex(data.pop("person"))) == 16
    assert data == {
        "presentation": "0badcafe-1",
        "direction": "entry",
        "admit": True,
        "reason": "ok",
        "credential": "kd1",
        "proof": "proven",
        "frame": 1,
        "frame_ns": track.frame_ns,
        "decoded_ns": track.decoded_ns,
        "stage": "half",
    }
    (event,) = bench.events()
    assert bench.told() == [Grant(event["id"], track.last_seen_ns + WITHIN_NS)]
    assert bench.store.open_grants() == [OpenGrant(event["id"], "0badcafe-1", None)]
    assert (event["subject"], bench.committed) == ("0badcafe-1", 1)


def test_a_refusal_is_recorded_and_told_and_grants_nothing(bench: Bench) -> None:
    bench.show(CARD)
    ((kind, data),) = bench.facts()
    assert (kind, data["admit"], data["reason"], data["credential"], data["proof"]) == ("qrgate.decision", False, "not_proven", "cccd", "claimed")
    assert (bench.told(), bench.store.open_grants()) == ([Answer(Signal.ANOTHER_CODE, Reason.NOT_PROVEN, 1)], [])


def test_what_is_no_credential_is_recorded_by_its_kind_and_not_as_a_person(bench: Bench) -> None:
    bench.show(b"https://example.org/a")
    ((_, data),) = bench.facts()
    assert (data["reason"], data["shown"], "person" in data) == ("link", "link", False)


def test_of_what_somebody_is_to_be_reminded_the_lane_is_told_with_the_grant(bench: Bench) -> None:
    bench.deciding.adopt(replace(bench.deciding.policy, declaration=Declaration(unknown=Outcome.REMIND)), None)
    bench.show(ISSUER.issue(1))
    (grant,) = bench.told()
    assert (grant.hint, bench.facts()[0][1]["hint"]) == (Reason.DECLARATION_UNKNOWN, "declaration_unknown")


def test_two_people_at_once_are_refused_as_one_presentation(bench: Bench) -> None:
    bench.show(ISSUER.issue(1), ISSUER.issue(2))
    assert [(data["reason"], data["presentation"]) for _, data in bench.facts()] == [("one_at_a_time", "0badcafe-1")]
    assert bench.told() == [Answer(Signal.ONE_AT_A_TIME, Reason.ONE_AT_A_TIME, 1)]
    assert [known.track_id for known in bench.store.remembered(monotonic_ns())] == ["0badcafe-1", "0badcafe-2"]


def test_a_code_that_stays_in_view_is_decided_once(bench: Bench) -> None:
    track = bench.track(ISSUER.issue(1))
    for _ in range(20):
        bench.look(track)
    assert len(bench.facts()) == 1


def test_the_same_person_has_the_same_pseudonym_and_another_has_another(bench: Bench) -> None:
    for payload in (CARD, CARD, CARD.replace(b"999000000001", b"999000000002")):
        bench.show(payload)
    one, again, other = (data["person"] for _, data in bench.facts())
    assert one == again != other


def test_a_day_without_a_key_of_the_office_is_marked_and_told_once(state: Path) -> None:
    bench = Bench(state, keys='{"site": "s1", "days": {"2026-01-01": "' + "5a" * 32 + '"}}')
    with closing(bench.store):
        today = day_in_viet_nam(WallClock(ClockSource.SYSTEM).now()).isoformat()
        for payload in (CARD, CARD):
            bench.show(payload)
        (told, alarm), *decisions = bench.facts()
        assert (told, alarm) == ("qrgate.alarm", {"what": "pseudonym_key_own", "day": today})
        one, again = ((data["person"], data["own_key"]) for _, data in decisions)
        assert one == again == (one[0], True)


def test_a_reader_whose_clock_runs_ahead_gets_no_longer_grant(bench: Bench) -> None:
    track = bench.track(ISSUER.issue(1))
    ahead = monotonic_ns() + 3600 * NS
    bench.look(replace(track, decoded_ns=ahead, last_seen_ns=ahead))
    (grant,) = bench.told()
    assert grant.deadline_ns <= monotonic_ns() + WITHIN_NS


def test_a_code_that_was_read_long_ago_and_is_still_seen_gets_a_grant_that_ages_from_now_on(bench: Bench) -> None:
    fresh = bench.track(ISSUER.issue(1))
    bench.look(replace(fresh, frame_ns=fresh.frame_ns - 60 * NS, decoded_ns=fresh.decoded_ns - 60 * NS))
    (grant,) = bench.told()
    assert grant.deadline_ns == fresh.last_seen_ns + WITHIN_NS
    assert bench.facts()[0][1]["decoded_ns"] == fresh.decoded_ns - 60 * NS  # the facts stay as they are


def test_a_code_that_was_last_seen_long_ago_gets_a_grant_that_is_too_old(bench: Bench) -> None:
    track = bench.track(ISSUER.issue(1))
    bench.look(replace(track, decoded_ns=track.decoded_ns - 60 * NS, last_seen_ns=track.last_seen_ns - 60 * NS))
    (grant,) = bench.told()
    assert grant.deadline_ns < monotonic_ns()


def test_a_decision_and_a_passage_are_a_line_each_that_names_nobody(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="qrgate.gate")
    bench.show(ISSUER.issue(1))
    bench.deciding.passage(passage(bench.granted(), PassageOutcome.TURNED))
    bench.show(CARD)
    bench.show(b"https://example.org/")
    one, card = (data["person"][:8] for _, data in bench.facts() if "person" in data)
    assert [record.getMessage() for record in caplog.records] == [
        f"ADMIT ok kd1 person {one}",
        "passage turned",
        f"REFUSE not_proven cccd person {card}",
        "REFUSE link link",
    ]


# --- passages --------------------------------------------------------------------------------------------------


def test_a_passage_repeats_the_times_of_its_decision(bench: Bench) -> None:
    track = bench.track(ISSUER.issue(1))
    bench.look(track)
    id_ = bench.granted()
    bench.deciding.passage(Passage(id_, PassageOutcome.TURNED, 5, 9))
    kind, data = bench.facts()[1]
    timing = data.pop("timing")
    assert (kind, data) == ("qrgate.passage", {"decision": id_, "presentation": "0badcafe-1", "direction": "entry", "outcome": "turned", "people": 1})
    assert (timing["frame_ns"], timing["decoded_ns"], timing["opened_ns"], timing["ended_ns"]) == (track.frame_ns, track.decoded_ns, 5, 9)
    assert timing["committed_ns"] >= track.decoded_ns
    assert timing["commit_ns"] > 0
    assert bench.store.open_grants() == []


@pytest.mark.parametrize(
    ("outcome", "second"),
    [
        (PassageOutcome.TURNED, "used_up"),
        (PassageOutcome.ASSUMED, "used_up"),
        (PassageOutcome.FREE, "used_up"),
        (PassageOutcome.UNUSED, "ok"),
        (PassageOutcome.TOO_LATE, "ok"),
        (PassageOutcome.OUT_OF_SERVICE, "ok"),
        (PassageOutcome.FAULT, "ok"),
    ],
)
def test_a_use_counts_only_if_the_lane_was_passed(bench: Bench, outcome: PassageOutcome, second: str) -> None:
    once = ISSUER.issue(1, uses=1, counted_at="g1")
    bench.show(once)
    bench.deciding.passage(passage(bench.granted(), outcome))
    bench.show(once)
    assert [data["reason"] for kind, data in bench.facts() if kind == "qrgate.decision"] == ["ok", second]


def test_a_use_is_reserved_while_its_grant_is_open(bench: Bench) -> None:
    once = ISSUER.issue(1, uses=1, counted_at="g1")
    bench.show(once)
    bench.show()
    bench.show(once)
    assert [data["reason"] for _, data in bench.facts()] == ["ok", "used_up"]


def test_grants_that_were_open_when_the_gate_died_end_as_unknown_and_their_use_is_consumed(state: Path) -> None:
    once = ISSUER.issue(1, uses=1, counted_at="g1")
    before = Bench(state)
    before.show(once)
    id_ = before.granted()
    before.store.close()
    after = Bench(state)
    with closing(after.store):
        after.deciding.recover()
        after.deciding.recover()
        assert after.facts()[1:] == [("qrgate.passage", ENDED_UNKNOWN | {"decision": id_})]
        assert after.told() == []
        after.show(once)
        assert after.facts()[-1][1]["reason"] == "used_up"


# --- waiting for the lane --------------------------------------------------------------------------------------

BUSY = Answer(Signal.AGAIN, Reason.LANE_BUSY)
WAIT = Answer(Signal.WAIT)
OCCUPIED, FREE = LaneState(is_occupied=True), LaneState()


def decided(bench: Bench) -> list[tuple[str, str, str]]:
    """(presentation, direction, reason) of every decision."""
    return [(data["presentation"], data["direction"], data["reason"]) for kind, data in bench.facts() if kind == "qrgate.decision"]


def two_way(state: Path) -> Bench:
    """A gate for both ways, where anybody with a card may come in."""
    bench = Bench(state, admits_claims=True)
    bench.deciding.policy = replace(bench.deciding.policy, direction=Direction.BOTH)
    return bench


def card(number: int) -> bytes:
    return CARD.replace(b"999000000001|999000001", b"9990000%05d|9990%05d" % (number, number))


def test_a_code_that_meets_an_open_grant_waits_and_is_decided_when_the_lane_is_free(bench: Bench) -> None:
    bench.show(ISSUER.issue(1))
    first = bench.granted()
    bench.show(ISSUER.issue(2))
    bench.later(2.8)
    assert (bench.told(), decided(bench)) == ([WAIT], [("0badcafe-1", "entry", "ok")])
    bench.deciding.passage(passage(first, PassageOutcome.TURNED))
    bench.deciding.call_next(bench.now_ns())
    assert decided(bench) == [("0badcafe-1", "entry", "ok"), ("0badcafe-2", "entry", "ok")]
    assert bench.granted() == bench.events()[-1]["id"]


def test_a_code_that_meets_somebody_in_the_beams_waits_and_is_decided_when_the_lane_is_free(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))
    bench.later(2.8)
    assert (bench.told(), decided(bench)) == ([WAIT], [])
    bench.act.lane = FREE
    bench.deciding.call_next(bench.now_ns())
    assert (decided(bench), bench.granted()) == ([("0badcafe-1", "entry", "ok")], bench.events()[0]["id"])


def test_the_grant_of_one_who_has_waited_ages_from_then_on(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))
    bench.act.lane = FREE
    before_ns = bench.now_ns() + 2 * NS
    bench.later(2)
    _, grant = bench.told()
    assert before_ns + WITHIN_NS <= grant.deadline_ns <= bench.now_ns() + WITHIN_NS


def test_a_disk_that_stalled_while_somebody_waited_opens_for_nobody_who_has_long_gone(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))
    until_ns = bench.now_ns() + LANE_WAIT_NS
    bench.act.lane = FREE
    bench.later(30)
    _, grant = bench.told()
    assert grant.deadline_ns <= until_ns + WITHIN_NS < bench.now_ns()


def test_only_what_could_be_let_through_waits(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    for payload in (CARD, b"junk"):
        bench.show(payload)
    assert [each.signal for each in bench.told()] == [Signal.ANOTHER_CODE, Signal.ANOTHER_CODE]
    assert [reason for *_, reason in decided(bench)] == ["not_proven", "not_a_pass"]


def test_whoever_waits_is_judged_afresh_by_what_has_happened_meanwhile(bench: Bench) -> None:
    once = ISSUER.issue(2, uses=1, counted_at="g1")
    bench.act.lane = OCCUPIED
    for payload in (once, once):  # two telephones with the same pass
        bench.show(payload)
        bench.show()
    bench.act.lane = FREE
    bench.deciding.call_next(bench.now_ns())
    assert bench.told()[:2] == [WAIT, WAIT]
    bench.deciding.passage(passage(bench.events()[0]["id"], PassageOutcome.TURNED))
    bench.deciding.call_next(bench.now_ns())
    assert decided(bench) == [("0badcafe-1", "entry", "ok"), ("0badcafe-2", "entry", "used_up")]
    assert bench.told() == [Answer(Signal.NO, Reason.USED_UP, 3)]


def test_nobody_goes_before_one_who_has_waited(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))
    bench.act.lane = FREE
    bench.show(ISSUER.issue(2))
    assert decided(bench) == [("0badcafe-1", "entry", "ok")]
    assert [each if isinstance(each, Answer) else type(each) for each in bench.told()] == [WAIT, Grant, WAIT]


def test_whoever_waits_is_judged_by_the_policy_and_the_lane_of_the_moment_when_it_is_free(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    for number in (1, 2):
        bench.show(ISSUER.issue(number))
    bench.act.lane = LaneState(serves_entry=False)
    bench.deciding.call_next(bench.now_ns())
    bench.deciding.adopt(replace(bench.deciding.policy, zone="other", accepts=frozenset({CredentialKind.HC1})), None)
    bench.deciding.call_next(bench.now_ns())
    assert decided(bench) == [("0badcafe-1", "entry", "out_of_service"), ("0badcafe-2", "entry", "not_accepted")]


def test_after_three_seconds_one_is_told_to_show_it_once_more(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))
    bench.later(2.8)
    assert bench.told() == [WAIT]
    bench.later(0.2)
    bench.later(10)
    assert (bench.told(), decided(bench)) == ([replace(BUSY, number=1)], [("0badcafe-1", "entry", "lane_busy")])
    assert bench.store.open_grants() == []


def test_a_code_that_was_refused_since_the_lane_was_busy_is_good_when_it_is_shown_again(bench: Bench) -> None:
    once = ISSUER.issue(2, uses=1, counted_at="g1")
    bench.act.lane = OCCUPIED
    bench.show(once)
    bench.later(3)
    bench.act.lane = FREE
    bench.show(once)
    assert decided(bench) == [("0badcafe-1", "entry", "lane_busy"), ("0badcafe-2", "entry", "ok")]


def test_more_than_may_wait_are_told_at_once(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    for number in range(LANE_WAITING_MAX + 1):
        bench.show(ISSUER.issue(number))
    assert (bench.told(), decided(bench)) == (
        [*[WAIT] * LANE_WAITING_MAX, replace(BUSY, number=1)],
        [(f"0badcafe-{LANE_WAITING_MAX + 1}", "entry", "lane_busy")],
    )


def test_out_goes_before_in(state: Path) -> None:
    bench = two_way(state)
    with closing(bench.store):
        bench.show(card(1))
        bench.goes()
        bench.act.lane = OCCUPIED
        for number in (2, 1):
            bench.show(card(number))
        bench.act.lane = FREE
        bench.deciding.call_next(bench.now_ns())
        assert decided(bench)[1:] == [("0badcafe-3", "exit", "recorded")]
        (grant,) = (each for each in bench.told() if isinstance(each, Grant))
        assert grant.direction is Direction.EXIT
        bench.deciding.passage(passage(grant.id, PassageOutcome.TURNED))
        bench.deciding.call_next(bench.now_ns())
        assert decided(bench)[2:] == [("0badcafe-2", "entry", "recorded")]


def test_whoever_wants_out_takes_the_place_of_the_last_who_waits_to_get_in(state: Path) -> None:
    bench = two_way(state)
    with closing(bench.store):
        bench.show(card(0))
        bench.goes()
        bench.act.lane = OCCUPIED
        for number in (*range(1, LANE_WAITING_MAX + 1), 0):
            bench.show(card(number))
        assert decided(bench)[1:] == [(f"0badcafe-{LANE_WAITING_MAX + 1}", "entry", "lane_busy")]
        assert bench.told() == [*[WAIT] * LANE_WAITING_MAX, replace(BUSY, number=3), WAIT]


@pytest.mark.parametrize("both_ways", [False, True])
def test_whoever_wants_out_goes_after_three_seconds_although_the_beams_see_somebody(state: Path, both_ways: bool) -> None:
    """It may be himself, or his suitcase."""
    bench = two_way(state)
    with closing(bench.store):
        bench.show(card(1))
        bench.goes()
        if not both_ways:
            leaving(bench)
        bench.act.lane = OCCUPIED
        bench.show(card(1))
        bench.later(2.8)
        assert bench.told() == [WAIT]
        bench.later(0.2)
        (grant,) = bench.told()
        assert (grant.direction, decided(bench)[1:]) == (Direction.EXIT, [("0badcafe-2", "exit", "recorded")])


def test_whoever_wants_out_and_meets_an_open_grant_for_three_seconds_shows_it_again(bench: Bench) -> None:
    leaving(bench)
    for number in (1, 2):
        bench.show(ISSUER.issue(number))
    bench.later(3)
    assert decided(bench) == [("0badcafe-1", "exit", "ok"), ("0badcafe-2", "exit", "lane_busy")]
    assert [type(each) for each in bench.told()] == [Grant, Answer, Answer]


def test_a_lane_that_has_become_free_for_all_lets_nobody_wait(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))
    bench.act.lane = LaneState(free_by=Cause.FIRE, is_occupied=True, serves_entry=False)
    bench.deciding.call_next(bench.now_ns())
    bench.show(ISSUER.issue(2))
    assert [reason for *_, reason in decided(bench)] == ["ok", "ok"]
    assert [type(each) for each in bench.told()] == [Answer, Grant, Grant]


def test_a_lane_that_is_busy_again_before_the_next_one_is_decided_makes_him_wait_on(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    bench.show(ISSUER.issue(1))

    class Flickering(Act):
        """The beams are clear for one look."""

    states = [FREE, FREE, OCCUPIED]
    Flickering.lane = property(lambda _self: states.pop(0) if len(states) > 1 else states[0], lambda _self, _state: None)  # type: ignore[assignment]
    bench.deciding._act = Flickering(Turnstile(Lane(LaneKind.TRIPOD, pulse_ns=NS, max_on_ns=NS, wait_ns=NS)), {}, Lamps({}), lambda _fact: None)
    bench.deciding.call_next(bench.now_ns())
    assert (decided(bench), bench.told(), bench.deciding._act._inbox.qsize()) == ([], [WAIT], 0)
    bench.later(3)
    assert decided(bench) == [("0badcafe-1", "entry", "lane_busy")]


@pytest.mark.parametrize("orderly", [False, True])
def test_a_gate_that_ends_while_somebody_waits_decides_anew_when_it_is_back(state: Path, orderly: bool) -> None:
    before = Bench(state)
    before.act.lane = OCCUPIED
    track = before.track(ISSUER.issue(1))
    before.look(track)
    if orderly:
        before.act.lane = FREE
        before.deciding.finish()
    assert decided(before) == []
    before.store.close()
    after = Bench(state)
    with closing(after.store):
        after.deciding.recover()
        after.look(track)
        assert (decided(after), [type(each) for each in after.told()]) == ([("0badcafe-1", "entry", "ok")], [Grant])


def test_a_store_that_fails_while_somebody_waits_lets_him_try_again(bench: Bench) -> None:
    bench.act.lane = OCCUPIED
    track = bench.track(ISSUER.issue(1))
    bench.look(track)
    bench.fill_the_disk()
    bench.act.lane = FREE
    bench.deciding.call_next(bench.now_ns())
    assert bench.told() == [WAIT, Answer(Signal.OUT_OF_ORDER)]
    bench.make_room()
    bench.look(track)
    assert (decided(bench), [type(each) for each in bench.told()]) == ([("0badcafe-1", "entry", "ok")], [Grant])


@pytest.mark.parametrize("seed", range(5))
def test_every_presentation_is_decided_once_whatever_the_lane_does(state: Path, seed: int) -> None:
    chance = random.Random(seed)
    bench = two_way(state)
    with closing(bench.store):
        shown: list[str] = []
        granted: list[str] = []
        for _ in range(60):
            bench.act.lane = chance.choice((FREE, FREE, OCCUPIED))
            track = bench.track(card(chance.randrange(8)))
            bench.look(track)
            shown.append(track.id)
            granted += [each.id for each in bench.told() if isinstance(each, Grant)]
            if granted and chance.random() < 0.6:
                bench.deciding.passage(passage(granted.pop(0), chance.choice((PassageOutcome.TURNED, PassageOutcome.UNUSED))))
            bench.later(chance.choice((0.1, 0.5, 4.0)))
            assert len(bench.store.open_grants()) <= 1
        bench.act.lane = OCCUPIED
        bench.later(3)
        found = [event for event in every_event(bench.store) if event.type is EventType.DECISION]
        assert sorted(json.loads(event.body)["data"]["presentation"] for event in found) == sorted(shown)


# --- out of service, and free for all --------------------------------------------------------------------------


def test_a_lane_that_does_not_serve_lets_nobody_in_and_says_so(bench: Bench) -> None:
    bench.act.lane = LaneState(serves_entry=False)
    bench.show(ISSUER.issue(1))
    assert (bench.told(), decided(bench)) == ([Answer(Signal.OUT_OF_ORDER, Reason.OUT_OF_SERVICE, 1)], [("0badcafe-1", "entry", "out_of_service")])
    assert bench.store.open_grants() == []


def test_a_lane_that_does_not_serve_still_tells_what_is_wrong_with_a_code(bench: Bench) -> None:
    bench.act.lane = LaneState(serves_entry=False)
    bench.show(CARD)
    assert decided(bench) == [("0badcafe-1", "entry", "not_proven")]


def test_out_goes_on_where_nobody_is_let_in(state: Path) -> None:
    bench = two_way(state)
    with closing(bench.store):
        bench.show(card(1))
        bench.goes()
        bench.act.lane = LaneState(serves_entry=False)
        bench.show(card(1))
        bench.goes()
        bench.show(card(2))
        assert decided(bench)[1:] == [("0badcafe-2", "exit", "recorded"), ("0badcafe-3", "entry", "out_of_service")]


def test_in_a_free_lane_it_is_decided_and_recorded_who_goes(bench: Bench) -> None:
    bench.act.lane = LaneState(free_by=Cause.FIRE, is_latched=True, serves_entry=False)
    bench.show(ISSUER.issue(1))
    bench.goes(PassageOutcome.FREE)
    assert [(kind, data.get("reason") or data["outcome"]) for kind, data in bench.facts()] == [("qrgate.decision", "ok"), ("qrgate.passage", "free")]
    assert bench.store.open_grants() == []


def test_who_showed_a_code_in_a_free_lane_is_not_counted_once_more_by_the_beams(bench: Bench) -> None:
    bench.act.lane = LaneState(free_by=Cause.KEY)
    bench.show(ISSUER.issue(1))
    bench.goes(PassageOutcome.FREE)
    for at_ns in (1, 2):
        bench.deciding.crossing(Crossing(CrossingKind.COUNTED, Direction.ENTRY, at_ns))
    assert [(data["outcome"], data.get("at_ns")) for kind, data in bench.facts() if kind == "qrgate.passage"] == [("free", None), ("counted", 2)]


# --- the budget of refusals ------------------------------------------------------------------------------------


def test_refusals_beyond_the_budget_become_one_counted_record_a_minute_later(bench: Bench) -> None:
    for number in range(SINGLY_A_MINUTE + 5):
        bench.show(f"junk {number}".encode())
    assert len(bench.facts()) == SINGLY_A_MINUTE
    numbers = [*range(1, SINGLY_A_MINUTE + 1), *[None] * 5]
    assert bench.told() == [Answer(Signal.ANOTHER_CODE, Reason.NOT_A_PASS, number) for number in numbers]  # everybody is told
    for _ in range(2):
        bench.deciding.catch_up(monotonic_ns() + MINUTE_NS)
    assert bench.facts()[SINGLY_A_MINUTE:] == [("qrgate.audit", {"what": "refusals_folded", "counts": {"not_a_pass": 5}})]


def test_refusals_that_no_minute_has_ended_are_recorded_at_an_orderly_end(bench: Bench) -> None:
    for number in range(SINGLY_A_MINUTE + 2):
        bench.show(f"junk {number}".encode())
    for _ in range(2):
        bench.deciding.finish()
    assert bench.facts()[SINGLY_A_MINUTE:] == [("qrgate.audit", {"what": "refusals_folded", "counts": {"not_a_pass": 2}})]


def test_a_refusal_that_is_tried_again_costs_the_budget_once(bench: Bench) -> None:
    bench.fill_the_disk()
    filled = len(bench.facts())
    track = bench.track(b"junk")
    for _ in range(2 * SINGLY_A_MINUTE):
        bench.look(track)
    bench.make_room()
    bench.look(track)
    for number in range(SINGLY_A_MINUTE):
        bench.show(f"junk {number}".encode())
    bench.deciding.finish()
    *singly, folded = bench.facts()[filled:]
    assert [data.get("reason") for _, data in singly] == ["not_a_pass"] * SINGLY_A_MINUTE
    assert folded == ("qrgate.audit", {"what": "refusals_folded", "counts": {"not_a_pass": 1}})


def test_admissions_have_no_budget(bench: Bench) -> None:
    for number in range(SINGLY_A_MINUTE + 5):
        bench.show(ISSUER.issue(number))
        bench.goes()
    assert [data["admit"] for kind, data in bench.facts() if kind == "qrgate.decision"] == [True] * (SINGLY_A_MINUTE + 5)


# --- a disk that will not do -----------------------------------------------------------------------------------


def test_what_cannot_be_recorded_does_not_happen_and_the_code_is_offered_again(bench: Bench) -> None:
    bench.fill_the_disk()
    filled = len(bench.facts())
    track = bench.track(ISSUER.issue(1))
    for _ in range(3):
        bench.look(track)
    assert bench.told() == [Answer(Signal.OUT_OF_ORDER)] * 3
    bench.make_room()
    bench.look(track)
    assert bench.granted() == bench.events()[-1]["id"]
    assert [(kind, data.get("reason")) for kind, data in bench.facts()[filled:]] == [("qrgate.decision", "ok")]


def test_facts_that_cannot_be_recorded_wait_and_are_recorded_in_order(bench: Bench) -> None:
    bench.show(ISSUER.issue(1))
    id_ = bench.granted()
    bench.fill_the_disk()
    filled = len(bench.facts())
    bench.deciding.passage(passage(id_, PassageOutcome.ASSUMED))
    bench.deciding.fact(EventType.ALARM, {"what": "camera", "state": "no_frames"})
    assert len(bench.facts()) == filled
    bench.make_room()
    bench.deciding.catch_up(monotonic_ns())
    assert [(kind, data.get("outcome") or data["what"]) for kind, data in bench.facts()[filled:]] == [
        ("qrgate.passage", "assumed"),
        ("qrgate.alarm", "camera"),
    ]
    assert bench.store.open_grants() == []


def test_the_end_of_a_grant_is_never_dropped_and_what_is_dropped_is_counted(bench: Bench) -> None:
    bench.show(ISSUER.issue(1, uses=1, counted_at="g1"))
    id_ = bench.granted()
    bench.fill_the_disk()
    filled = len(bench.facts())
    for _ in range(UNRECORDED_MAX + 7):
        bench.deciding.fact(EventType.ALARM, {"what": "turned_without_grant"})
    bench.deciding.passage(passage(id_, PassageOutcome.ASSUMED))
    bench.make_room()
    for _ in range(2):
        bench.deciding.catch_up(monotonic_ns())
    recorded = [(event.type, json.loads(event.body)["data"]) for event in every_event(bench.store)][filled:]
    assert [data["what"] for _, data in recorded[:UNRECORDED_MAX]] == ["turned_without_grant"] * UNRECORDED_MAX
    (ended, dropped) = recorded[UNRECORDED_MAX:]
    assert (ended[0], ended[1]["decision"], ended[1]["outcome"]) == (EventType.PASSAGE, id_, "assumed")
    assert dropped == (EventType.AUDIT, {"what": "facts_dropped", "n": 7})
    assert bench.store.open_grants() == []


def test_facts_that_wait_are_a_line_every_ten_seconds(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.fill_the_disk()
    begin_ns = monotonic_ns()
    bench.deciding.fact(EventType.ALARM, {"what": "camera", "state": "no_frames"})
    for tenth in range(1, 250):
        bench.deciding.catch_up(begin_ns + tenth * NS // 10)
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == ["1 facts wait to be recorded, 0 were dropped"] * 3


def test_a_gate_that_starts_on_a_full_disk_records_its_open_grants_when_there_is_room(state: Path) -> None:
    before = Bench(state)
    before.show(ISSUER.issue(1))
    id_ = before.granted()
    before.store.close()
    after = Bench(state)
    with closing(after.store):
        after.fill_the_disk()
        filled = len(after.facts())
        after.deciding.recover()
        after.make_room()
        after.deciding.catch_up(monotonic_ns())
        assert after.facts()[filled:] == [("qrgate.passage", ENDED_UNKNOWN | {"decision": id_})]


def test_a_pseudonym_key_that_cannot_be_kept_lets_nobody_in(state: Path) -> None:
    bench = Bench(state)
    with closing(bench.store):
        (state / "pseudonym.new").mkdir()  # in the way of the file that replaces the key
        bench.show(ISSUER.issue(1))
        assert (bench.told(), bench.facts(), bench.store.open_grants()) == ([Answer(Signal.OUT_OF_ORDER)], [], [])


def test_the_store_fails_until_something_is_recorded_again(bench: Bench) -> None:
    told = [bench.deciding.store_fails]
    bench.fill_the_disk()
    bench.show(ISSUER.issue(1))
    told.append(bench.deciding.store_fails)
    bench.deciding.fact(EventType.ALARM, {"what": "store_failed", "on": True})  # as it is told by whoever looks
    bench.later(3600)
    told.append(bench.deciding.store_fails)
    bench.make_room()
    bench.later(0.2)
    told.append(bench.deciding.store_fails)
    assert told == [False, True, True, False]


def test_a_store_that_takes_the_next_decision_fails_no_more(bench: Bench) -> None:
    bench.fill_the_disk()
    bench.show(ISSUER.issue(1))
    bench.make_room()
    before = bench.deciding.store_fails
    bench.show(ISSUER.issue(2))
    assert (before, bench.deciding.store_fails) == (True, False)


def test_a_pseudonym_key_that_cannot_be_kept_is_no_alarm_with_every_view(state: Path) -> None:
    bench = Bench(state)
    with closing(bench.store):
        (state / "pseudonym.new").mkdir()  # in the way of the file that replaces the key
        track = bench.track(ISSUER.issue(1))
        for _ in range(50):
            bench.look(track)
            bench.later(0.2)
            assert bench.deciding.store_fails
        assert bench.facts() == []
        bench.later(10)
        assert not bench.deciding.store_fails


def test_a_store_that_cannot_be_read_lets_nobody_in_and_nobody_wait(bench: Bench) -> None:
    bench.deciding.adopt(replace(bench.deciding.policy, capacity=5), None)
    bench.store._db.execute("ALTER TABLE inside RENAME TO away")
    bench.act.lane = OCCUPIED
    track = bench.track(ISSUER.issue(1))
    bench.look(track)
    assert (bench.told(), bench.facts()) == ([Answer(Signal.OUT_OF_ORDER)], [])
    bench.store._db.execute("ALTER TABLE away RENAME TO inside")
    bench.act.lane = FREE
    bench.look(track)
    assert decided(bench) == [("0badcafe-1", "entry", "ok")]


# --- the way out -----------------------------------------------------------------------------------------------


def leaving(bench: Bench) -> None:
    bench.deciding.policy = replace(bench.deciding.policy, direction=Direction.EXIT)


def test_a_full_disk_holds_nobody_in_and_is_caught_up_with(bench: Bench) -> None:
    leaving(bench)
    bench.fill_the_disk()
    filled = len(bench.facts())
    track = bench.track(ISSUER.issue(1))
    for _ in range(3):
        bench.look(track)
    id_ = bench.granted()
    bench.deciding.passage(passage(id_, PassageOutcome.TURNED))
    bench.make_room()
    bench.deciding.catch_up(monotonic_ns())
    (kind, decided), (_, ended) = bench.facts()[filled:]
    assert (kind, decided["admit"], decided["direction"], ended["outcome"], ended["presentation"]) == (
        "qrgate.decision",
        True,
        "exit",
        "turned",
        decided["presentation"],
    )
    assert ended["decision"] == bench.events()[filled]["id"] != id_
    assert bench.store.open_grants() == []


def test_whoever_leaves_has_gone_before_it_is_recorded(bench: Bench) -> None:
    leaving(bench)
    given: list[int] = []
    bench.store._db.set_trace_callback(lambda statement: given.append(bench.act._inbox.qsize()) if statement == "COMMIT" else None)
    bench.show(ISSUER.issue(1))
    assert given == [1]
    id_ = bench.goes()
    decision, ended = bench.events()
    assert (id_, ended["data"]["decision"], bench.store.open_grants()) == ("unrecorded 0badcafe-1", decision["id"], [])
    assert decision["id"].startswith("g1")


def test_whoever_comes_in_is_recorded_first(bench: Bench) -> None:
    given: list[int] = []
    bench.store._db.set_trace_callback(lambda statement: given.append(bench.act._inbox.qsize()) if statement == "COMMIT" else None)
    bench.show(ISSUER.issue(1))
    assert (given, len(bench.told())) == ([0], 1)


def test_where_nothing_more_can_be_remembered_people_go_out_and_are_counted(bench: Bench) -> None:
    leaving(bench)
    bench.fill_the_disk()
    filled = len(every_event(bench.store))
    for number in range(UNRECORDED_MAX):
        bench.deciding.fact(EventType.ALARM, {"what": "x", "n": number})
    for number in range(3):
        bench.show(ISSUER.issue(number))
        bench.goes()
    bench.make_room()
    bench.deciding.catch_up(bench.now_ns())
    recorded = [(event.type, json.loads(event.body)["data"]) for event in every_event(bench.store)][filled:]
    assert [data["n"] for _, data in recorded[:UNRECORDED_MAX]] == list(range(UNRECORDED_MAX))
    assert recorded[UNRECORDED_MAX:] == [(EventType.AUDIT, {"what": "facts_dropped", "n": 6})]  # each decision, each passage


@pytest.mark.parametrize("broken", ["full", "unreadable"])
def test_a_store_that_fails_makes_nobody_jump_the_queue_at_the_way_out(bench: Bench, broken: str) -> None:
    leaving(bench)
    bench.deciding.adopt(replace(bench.deciding.policy, capacity=5), None)
    if broken == "full":
        bench.fill_the_disk()
    else:
        bench.store._db.execute("ALTER TABLE inside RENAME TO away")
    for number in (1, 2):
        bench.show(ISSUER.issue(number))
    first, wait = bench.told()
    assert (type(first), wait) == (Grant, WAIT)
    bench.deciding.passage(passage(first.id, PassageOutcome.UNUSED))
    bench.deciding.call_next(bench.now_ns())
    assert [type(each) for each in bench.told()] == [Grant]


def test_on_a_full_disk_what_is_no_credential_opens_no_exit(bench: Bench) -> None:
    leaving(bench)
    bench.fill_the_disk()
    bench.show(b"https://example.org/")
    assert bench.told() == [Answer(Signal.OUT_OF_ORDER)]


def test_the_way_out_without_a_key_for_the_day_is_free_and_names_nobody(state: Path) -> None:
    bench = Bench(state)
    with closing(bench.store):
        leaving(bench)
        (state / "pseudonym.new").mkdir()  # in the way of the file that replaces the key
        bench.show(ISSUER.issue(1))
        assert [type(each) for each in bench.told()] == [Grant]
        ((kind, data),) = bench.facts()
        assert (kind, data["admit"], data["direction"], data["shown"], "person" in data) == ("qrgate.decision", True, "exit", "other", False)


def test_whoever_leaves_goes_even_where_the_store_cannot_be_read(bench: Bench) -> None:
    leaving(bench)
    bench.deciding.adopt(replace(bench.deciding.policy, capacity=5), None)
    bench.store._db.execute("ALTER TABLE inside RENAME TO away")
    bench.show(ISSUER.issue(1))
    assert [type(each) for each in bench.told()] == [Grant]


def test_two_at_the_way_out_are_recorded_as_on_their_way_out(bench: Bench) -> None:
    leaving(bench)
    bench.show(ISSUER.issue(1), ISSUER.issue(2))
    assert [(data["reason"], data["direction"]) for _, data in bench.facts()] == [("one_at_a_time", "exit")]


# --- by order --------------------------------------------------------------------------------------------------

ORDER = {"what": "open", "outcome": "done"}
DEADLINE_NS = 7 * NS


def let_through(bench: Bench, direction: Direction) -> None:
    bench.deciding.let_through(ORDER, direction, subject="order-1", deadline_ns=DEADLINE_NS)


@pytest.mark.parametrize("direction", [Direction.ENTRY, Direction.EXIT])
def test_whoever_is_let_through_by_order_is_recorded_before_the_lane_opens_and_when_he_has_gone(bench: Bench, direction: Direction) -> None:
    let_through(bench, direction)
    ((kind, facts),) = bench.facts()
    assert (kind, facts, [grant.direction for grant in bench.store.open_grants()]) == ("qrgate.command", ORDER, [direction])
    id_ = bench.events()[0]["id"]
    assert bench.told() == [Grant(id_, DEADLINE_NS, direction=direction)]
    bench.deciding.passage(passage(id_, PassageOutcome.TURNED))
    ended = bench.facts()[1][1]
    assert (ended["decision"], ended["presentation"], ended["outcome"], ended["people"]) == (id_, "order-1", "turned", 1)
    assert bench.store.open_grants() == []


def test_an_order_that_cannot_be_recorded_lets_nobody_in(bench: Bench) -> None:
    bench.fill_the_disk()
    with pytest.raises(StoreError):
        let_through(bench, Direction.ENTRY)
    assert bench.told() == []


def test_an_order_lets_somebody_out_on_a_full_disk_and_is_recorded_later(bench: Bench) -> None:
    bench.fill_the_disk()
    before = len(bench.events())
    let_through(bench, Direction.EXIT)
    bench.goes()
    bench.make_room()
    bench.later(1)
    (_, ordered), (_, ended) = bench.facts()[before:]
    assert (ordered, ended["decision"], ended["outcome"]) == (ORDER, bench.events()[before]["id"], "turned")


def test_whoever_was_let_through_by_order_when_the_gate_died_is_recorded_as_unknown(bench: Bench) -> None:
    let_through(bench, Direction.ENTRY)
    bench.deciding.recover()
    assert [(kind, facts.get("outcome")) for kind, facts in bench.facts()] == [("qrgate.command", "done"), ("qrgate.passage", "unknown")]


# --- roll-call, and a policy that is only counted ---------------------------------------------------------------


class OneExpected(NoLists):
    """A list of the expected that knows everybody by one entry."""

    def expected(self, names: Iterable[bytes]) -> bytes | None:
        return b"\x07" * 12 if tuple(names) else None


def reported(bench: Bench) -> int:
    with bench.store.roll_calls() as reports:
        return len(reports.between(datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)))


def expecting(bench: Bench, **changes: Any) -> Bench:
    bench.deciding._recall = Recall(bench.store, Fingerprints(bench.store._path.parent), OneExpected())
    bench.deciding.adopt(replace(bench.deciding.policy, roll_call=(420,), **changes), None)
    return bench


def forged(payload: bytes) -> bytes:
    return payload[:-2] + (b"AA" if payload[-2:] != b"AA" else b"BB")


@pytest.mark.parametrize(
    ("payload", "mode", "list_needs_proof", "counts"),
    [
        (ISSUER.issue(1), Mode.VERIFY, False, 1),
        (forged(ISSUER.issue(1)), Mode.RECORD, False, 0),
        (Issuer(7).issue(1), Mode.RECORD, False, 0),
        (CARD, Mode.VERIFY, False, 0),
        (CARD, Mode.RECORD, False, 1),
        (CARD, Mode.LIST, False, 1),
        (CARD, Mode.LIST, True, 0),
    ],
)
def test_only_what_this_gate_would_believe_reports_its_bearer(bench: Bench, payload: bytes, mode: Mode, list_needs_proof: bool, counts: int) -> None:
    expecting(bench, mode=mode, list_needs_proof=list_needs_proof).show(payload)
    assert reported(bench) == counts


def test_somebody_who_is_refused_in_a_minute_full_of_refusals_has_reported_all_the_same(bench: Bench) -> None:
    expecting(bench)
    for number in range(SINGLY_A_MINUTE):
        bench.show(b"junk %d" % number)
    before = len(bench.events())
    bench.show(ISSUER.issue(1, valid_until_s=1_700_000_000))
    assert (len(bench.events()) - before, reported(bench)) == (0, 1)


def shadows(bench: Bench) -> list[dict[str, Any]]:
    return [facts for _, facts in bench.facts() if facts.get("what") == "shadow_policy"]


def test_a_policy_that_is_only_counted_is_told_once_an_hour_and_refuses_nobody(bench: Bench) -> None:
    ticks = [HOUR_NS]
    bench.deciding._ticks = lambda: ticks[0]
    policy = bench.deciding.policy
    bench.deciding.adopt(replace(policy, shadow=replace(policy, accepts=frozenset({CredentialKind.HC1}))), None)
    for number in range(3):
        bench.show(ISSUER.issue(number))
        bench.goes()
    bench.show(b"junk")
    ticks[0] += HOUR_NS - 1
    bench.deciding.catch_up(ticks[0])
    assert (shadows(bench), [facts["admit"] for kind, facts in bench.facts() if kind.endswith("decision")]) == ([], [True, True, True, False])
    ticks[0] += 1
    bench.deciding.catch_up(ticks[0])
    bench.deciding.catch_up(ticks[0])
    assert shadows(bench) == [{"what": "shadow_policy", "counts": {"not_accepted": 3}}]
    ticks[0] += HOUR_NS
    bench.deciding.catch_up(ticks[0])
    assert len(shadows(bench)) == 1
