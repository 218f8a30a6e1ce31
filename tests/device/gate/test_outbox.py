from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device.admission.presence import Moment
from device.domain import ClockTrust, EventType, Instant
from device.errors import StoreError
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.events.topics import Topics
from device.gate.outbox import GIVE_MAX, REFUSED_MAX, Outbox
from device.gate.store import Store
from device.links import Again, BrokerState, Events, Give, Health, Hello, Lane, Link, Received, Refused, Say, View
from device.seldom import AT_ONCE

RECORDER = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
TOPICS = Topics("p1", "s1", "g1")
NOW = Instant(datetime(2026, 1, 2, tzinfo=UTC), ClockTrust.TRUSTED)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "events.db", gate="g1", boot="boot-1")
        self.alarms: list[tuple[EventType, dict[str, Any]]] = []
        self.broker: list[bool] = []
        self.confirmations = 0
        self.voids: list[tuple[int, str]] = []
        self.commands: list[tuple[str, bytes]] = []
        self.unvoidable = False
        self.outbox = self.made()
        gate_end, uplink_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.gate, self.uplink = Link(gate_end), Link(uplink_end)
        self.outbox.connected(self.gate)
        self.hello = self.uplink.receive()

    def made(self, health: Callable[[], bytes] | None = None) -> Outbox:
        return Outbox(
            self.store,
            TOPICS,
            RECORDER.public_key(),
            boot="boot-1",
            key=b"key",
            head=lambda: b"head %d" % self.store.last_sequence,
            void=self.void,
            commands=lambda verb, payload: self.commands.append((verb, payload)),
            alarm=lambda kind, facts: self.alarms.append((kind, facts)),
            broker=self.broker.append,
            health=health,
            confirmed=self._confirmed,
        )

    def _confirmed(self) -> None:
        self.confirmations += 1

    def void(self, sequence: int, why: str) -> bool:
        if self.unvoidable:
            raise StoreError("the disk is full")
        self.voids.append((sequence, why))
        return True

    def close(self) -> None:
        for each in (self.gate, self.uplink, self.store):
            each.close()

    def record(self, count: int = 1) -> None:
        for _ in range(count):
            with self.store.transaction() as writing:
                writing.append(EventType.AUDIT, {}, subject="gate", now=NOW)

    def given(self) -> list[int] | None:
        """The sequences of the next answer, or ``None`` if there is none."""
        answer = self.uplink.receive()
        assert answer is None or isinstance(answer, Events)
        return None if answer is None else [event.sequence for event in answer.events]

    def confirm(self, first: int, last: int, *, key: Ed25519PrivateKey = RECORDER, context: bytes = confirmation.CONTEXT, gate: str = "g1") -> bytes:
        bodies = [event.body for event in self.store.events_after(first - 1, last - first + 1)]
        return sign1(key, confirmation.encode(Confirmation(gate, self.store.epoch, first, last, range_digest(bodies))), context=context)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with closing(Bench(tmp_path)) as bench:
        yield bench


def test_a_new_uplink_is_told_who_this_is(bench: Bench) -> None:
    assert bench.hello == Hello("boot-1", bench.store.epoch, 0, b"key", b"head 0")


def test_a_new_uplink_is_told_how_the_gate_is_now(bench: Bench) -> None:
    bodies = iter((b"ok", b"degraded"))
    outbox = bench.made(lambda: next(bodies))
    for body in (b"ok", b"degraded"):
        outbox.connected(bench.gate)
        assert [bench.uplink.receive() for _ in range(3)] == [Hello("boot-1", bench.store.epoch, 0, b"key", b"head 0"), Health(body), None]


def test_an_uplink_without_a_session_is_told_who_this_is_now_each_time_it_says_so(bench: Bench) -> None:
    bench.outbox.take(BrokerState(True))
    bench.record(2)
    bench.outbox.take(BrokerState(False))
    bench.record()
    bench.outbox.take(BrokerState(False))
    assert [bench.uplink.receive() for _ in range(3)] == [
        *(Hello("boot-1", bench.store.epoch, last, b"key", b"head %d" % last) for last in (2, 3)),
        None,
    ]
    assert bench.broker == [True, False]


def test_the_broker_is_there_as_long_as_the_uplink_says_so_and_gone_with_it(bench: Bench) -> None:
    for connected in (True, False, True):
        bench.outbox.take(BrokerState(connected))
    bench.outbox.lost()
    assert bench.broker == [True, False, True, False]


def test_a_wish_is_answered_at_once_with_the_stored_bytes(bench: Bench) -> None:
    bench.record(3)
    bench.outbox.take(Give(Lane.LIVE, 1, 20))
    assert bench.uplink.receive() == Events(Lane.LIVE, bench.store.events_after(1, 20))
    assert [json.loads(event.body)["sequence"] for event in bench.store.events_after(1, 20)] == [f"{2:020d}", f"{3:020d}"]


def test_a_wish_waits_for_an_event_and_is_answered_once(bench: Bench) -> None:
    bench.outbox.take(Give(Lane.LIVE, 0, 20))
    assert bench.given() is None
    for _ in range(2):
        bench.record()
        bench.outbox.serve()
    assert [bench.given(), bench.given()] == [[1], None]


def test_the_backlogs_wish_is_answered_at_once_even_with_nothing_and_once(bench: Bench) -> None:
    bench.outbox.take(Give(Lane.BACKLOG, 0, 20))
    bench.record(2)
    bench.outbox.serve()
    bench.outbox.take(Give(Lane.BACKLOG, -(2**63) + 1, 20))
    bench.outbox.take(Give(Lane.BACKLOG, 2, 20))
    assert [bench.uplink.receive() for _ in range(4)] == [
        Events(Lane.BACKLOG, ()),
        Events(Lane.BACKLOG, bench.store.events_after(0, 20)),
        Events(Lane.BACKLOG, ()),
        None,
    ]


def test_each_lane_has_a_wish_of_its_own(bench: Bench) -> None:
    bench.record(2)
    bench.outbox.take(Give(Lane.LIVE, 2, 20))
    bench.outbox.take(Give(Lane.BACKLOG, 0, 20))
    bench.record()
    bench.outbox.serve()
    answers = [bench.uplink.receive() for _ in range(2)]
    assert answers == [Events(Lane.BACKLOG, bench.store.events_after(0, 2)), Events(Lane.LIVE, bench.store.events_after(2, 20))]


def test_a_new_wish_replaces_the_old(bench: Bench) -> None:
    bench.outbox.take(Give(Lane.LIVE, 0, 20))
    bench.outbox.take(Give(Lane.LIVE, 1, 20))
    bench.record(2)
    bench.outbox.serve()
    assert [bench.given(), bench.given()] == [[2], None]


@pytest.mark.parametrize(("limit", "given"), [(10**6, GIVE_MAX), (1, 1), (0, None), (-1, None)])
def test_no_wish_gets_more_than_its_limit_or_ours(bench: Bench, limit: int, given: int | None) -> None:
    bench.record(GIVE_MAX + 1)
    bench.outbox.take(Give(Lane.LIVE, 0, limit))
    answer = bench.given()
    assert (answer and len(answer)) == given


def test_an_uplink_that_is_lost_leaves_no_wish_for_its_successor(bench: Bench) -> None:
    bench.outbox.take(Give(Lane.LIVE, 0, 20))
    bench.outbox.lost()
    bench.record()
    bench.outbox.serve()
    assert bench.given() is None


def test_a_slow_uplink_gets_its_answer_when_there_is_room(bench: Bench) -> None:
    bench.record(GIVE_MAX)
    sent = 0
    while bench.gate.send(Received("t", bytes(30_000))):  # fill the link
        sent += 1
    bench.outbox.take(Give(Lane.LIVE, 0, 20))
    for _ in range(sent):
        bench.uplink.receive()
    assert bench.given() is None
    bench.outbox.serve()
    assert bench.given() == list(range(1, 21))


def test_events_that_cannot_be_read_now_are_given_with_the_next_turn_and_that_is_said_seldom(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.record()
    bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")
    bench.outbox.take(Give(Lane.LIVE, 0, 20))
    for _ in range(2 * AT_ONCE):
        bench.outbox.serve()
    assert (bench.given(), len(caplog.records)) == (None, AT_ONCE)
    bench.store._db.execute("ALTER TABLE out_of_reach RENAME TO event")
    bench.outbox.serve()
    assert bench.given() == [1]


# --- confirmations ---------------------------------------------------------------------------------------------


def test_a_signed_confirmation_lets_its_events_go(bench: Bench) -> None:
    bench.record(3)
    bench.outbox.take(Received(TOPICS.confirmation, bench.confirm(1, 2)))
    assert [event.sequence for event in bench.store.events_after(0, 9)] == [3]


def test_only_a_confirmation_that_lets_events_go_counts_as_the_last_one(bench: Bench) -> None:
    bench.record(2)
    first = bench.confirm(1, 1)
    for payload in (first, first, bench.confirm(2, 2, key=STRANGER)):
        bench.outbox.take(Received(TOPICS.confirmation, payload))
    assert bench.confirmations == 1


def test_a_forged_confirmation_lets_nothing_go(bench: Bench) -> None:
    bench.record(3)
    true = bench.confirm(1, 3)
    forged = [
        bench.confirm(1, 3, key=STRANGER),
        bench.confirm(1, 3, context=b"another purpose"),
        bench.confirm(1, 3, gate="g2"),
        true[:-1],
        true[:-1] + bytes([true[-1] ^ 1]),
        true * 2,
        b"",
        b"\xff" * 30_000,
        sign1(RECORDER, b"not a range", context=confirmation.CONTEXT),
    ]
    for payload in forged:
        bench.outbox.take(Received(TOPICS.confirmation, payload))
    assert bench.store.unconfirmed() == 3


def test_without_a_recorder_no_confirmation_lets_anything_go(bench: Bench) -> None:
    bench.record()
    nobodys = Outbox(
        bench.store,
        TOPICS,
        None,
        boot="boot-1",
        key=b"",
        head=bytes,
        void=bench.void,
        commands=lambda *_: None,
        alarm=lambda *_: None,
    )
    nobodys.take(Received(TOPICS.confirmation, bench.confirm(1, 1)))
    assert bench.store.unconfirmed() == 1


@pytest.mark.parametrize("topic", [Topics("p1", "s1", "g2").confirmation, "qg/v1/p1/s1/g1/cmd/open", "", "x" * 1000])
def test_a_confirmation_on_another_topic_is_not_looked_at(bench: Bench, topic: str) -> None:
    bench.record()
    bench.outbox.take(Received(topic, bench.confirm(1, 1)))
    assert bench.store.unconfirmed() == 1


def test_a_confirmation_that_the_disk_cannot_carry_out_stops_nothing(bench: Bench) -> None:
    bench.record()
    signed = bench.confirm(1, 1)
    bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")
    bench.outbox.take(Received(TOPICS.confirmation, signed))
    bench.store._db.execute("ALTER TABLE out_of_reach RENAME TO event")
    assert bench.store.unconfirmed() == 1
    bench.outbox.take(Received(TOPICS.confirmation, signed))
    assert bench.store.unconfirmed() == 0


def test_a_confirmation_that_does_not_fit_is_reckoned_through_once(bench: Bench) -> None:
    bench.record(3)
    unfit = sign1(RECORDER, confirmation.encode(Confirmation("g1", bench.store.epoch, 1, 3, bytes(32))), context=confirmation.CONTEXT)
    bench.outbox.take(Received(TOPICS.confirmation, unfit))
    bench.store._db.set_trace_callback(pytest.fail)
    for _ in range(3):
        bench.outbox.take(Received(TOPICS.confirmation, unfit))
    bench.store._db.set_trace_callback(None)
    assert bench.store.unconfirmed() == 3


def test_a_confirmation_that_did_not_fit_is_tried_again_where_something_else_stands_in_the_store_now(bench: Bench) -> None:
    bench.record()
    bench.void = lambda sequence, why: bench.store.void(sequence, why, STRANGER, Moment(NOW, "boot-1", 1))  # type: ignore[method-assign]
    bench.outbox = bench.made()
    of_the_original = bench.confirm(1, 1)
    bench.outbox.take(Refused(1, 135))
    of_the_void = bench.confirm(1, 1)
    bench.store.unvoid(1, 1)
    bench.outbox.again(1, 1)
    bench.outbox.take(Received(TOPICS.confirmation, of_the_void))
    assert bench.store.unconfirmed() == 1
    bench.outbox.take(Refused(1, 135))
    bench.outbox.take(Received(TOPICS.confirmation, of_the_void))
    assert (bench.store.unconfirmed(), bench.store.unvoid(1, 1)) == (0, 1)
    bench.outbox.take(Received(TOPICS.confirmation, of_the_original))
    assert bench.store.unconfirmed() == 0


# --- what the broker refuses -----------------------------------------------------------------------------------


def test_an_event_that_the_broker_refuses_is_made_void_and_is_one_alarm(bench: Bench) -> None:
    bench.record()
    for _ in range(3):
        bench.outbox.take(Refused(1, 135))
    assert bench.voids == [(1, "refused_135")]
    assert bench.alarms == [(EventType.ALARM, {"what": "refused_by_broker", "sequence": 1, "code": 135})]


def test_an_event_that_cannot_be_made_void_is_one_alarm_all_the_same_and_stays_until_it_can(bench: Bench) -> None:
    bench.record()
    bench.unvoidable = True
    bench.outbox.take(Refused(1, 135))
    assert (len(bench.alarms), bench.voids, bench.store.unconfirmed()) == (1, [], 1)
    bench.unvoidable = False
    for _ in range(3):
        bench.outbox.take(Refused(1, 135))
    assert (len(bench.alarms), bench.voids) == (1, [(1, "refused_135")])


def test_an_original_that_is_back_in_its_place_and_is_refused_again_is_made_void_again(bench: Bench) -> None:
    bench.record(2)
    for sequence in (1, 2):
        bench.outbox.take(Refused(sequence, 135))
    bench.voids.clear()
    bench.outbox.again(2, 2)  # by order of the recorder
    for sequence in (1, 2, 2):
        bench.outbox.take(Refused(sequence, 151))
    assert (len(bench.alarms), bench.voids) == (2, [(2, "refused_151")])


def test_an_uplink_that_refuses_everything_can_neither_fill_the_store_nor_empty_it(bench: Bench) -> None:
    bench.record(5)
    for sequence in range(-5 * REFUSED_MAX, 5 * REFUSED_MAX):
        bench.outbox.take(Refused(sequence, 2**62))
    assert (len(bench.alarms), len(bench.voids), bench.store.unconfirmed()) == (REFUSED_MAX, REFUSED_MAX, 5)


# --- orders ----------------------------------------------------------------------------------------------------


def test_what_comes_on_the_gates_own_command_topics_is_handed_on_unproven(bench: Bench) -> None:
    bench.outbox.take(Received("qg/v1/p1/s1/g1/cmd/open", b"\xff"))
    bench.outbox.take(Received("qg/v1/p1/s1/g1/cmd/time", b""))
    assert bench.commands == [("open", b"\xff"), ("time", b"")]


@pytest.mark.parametrize(
    "topic",
    [
        *("qg/v1/p1/s1/g2/cmd/open", "qg/v1/p1/s1/g1/cmd/", "qg/v1/p1/s1/g1/cmd", "qg/v1/p1/s1/g1/cmd/open/1", "qg/v1/p1/s1/g1/cmd/OPEN"),
        *("qg/v1/p1/s1/g1/cmd/open\n", "qg/v1/p1/s1/g1/cmd/" + "x" * 33, "qg/v1/p1/s1/g1/cmd/+", "cmd/open", "open", ""),
    ],
)
def test_what_comes_on_any_other_topic_is_no_order(bench: Bench, topic: str) -> None:
    bench.outbox.take(Received(topic, b"open"))
    assert bench.commands == []


def test_answers_and_ranges_go_to_the_uplink(bench: Bench) -> None:
    assert bench.outbox.say("reply/1", b"done")
    assert bench.outbox.again(1, 2)
    assert [bench.uplink.receive() for _ in range(3)] == [Say("reply/1", b"done"), Again(1, 2), None]


@pytest.mark.parametrize("topic", ["event/decision", "../g2/reply/1", ""])
def test_what_no_uplink_would_say_is_not_sent(bench: Bench, topic: str) -> None:
    assert not bench.outbox.say(topic, b"")
    assert bench.uplink.receive() is None


def test_without_an_uplink_or_with_one_that_is_slow_or_gone_what_is_said_is_dropped(bench: Bench) -> None:
    while bench.gate.send(Received("t", bytes(30_000))):
        pass  # the link fills
    dropped = [bench.outbox.say("reply/1", bytes(10_000))]
    bench.uplink.close()
    dropped += [bench.outbox.say("reply/1", b""), bench.outbox.again(1, 2)]
    bench.outbox.lost()
    dropped += [bench.outbox.say("reply/1", b""), bench.outbox.again(1, 2)]
    assert dropped == [False] * 5


# --- a captured uplink -----------------------------------------------------------------------------------------

numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.integers(-5, 200)
topics = st.sampled_from([TOPICS.confirmation, TOPICS.command("open"), TOPICS.event(EventType.VOID), ""]) | st.text(max_size=60)
claims = (
    st.builds(Give, st.sampled_from(Lane), numbers, numbers)
    | st.builds(Refused, numbers, numbers)
    | st.builds(BrokerState, st.booleans())
    | st.builds(Received, topics, st.binary(max_size=100))
    | st.sampled_from([View(()), Events(Lane.LIVE, ()), Hello("b", "e", 9, b"", b""), Health(b"{}"), Again(-5, 5), Say("reply/1", b"")])
)


@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(claims, max_size=60))
def test_whatever_an_uplink_claims_in_whatever_order_nothing_is_erased_and_an_honest_one_is_served_after_it(
    bench: Bench, messages: list[Any]
) -> None:
    if bench.store.last_sequence == 0:
        bench.record(10)
    bench.commands.clear()
    bench.voids.clear()
    for message in messages:
        bench.outbox.take(message)
        while bench.uplink.receive() is not None:
            pass
    assert bench.store.unconfirmed() == 10
    assert len(bench.commands) == sum(isinstance(each, Received) and each.topic == TOPICS.command("open") for each in messages)
    assert {sequence for sequence, _ in bench.voids} <= {each.sequence for each in messages if isinstance(each, Refused)}
    bench.outbox.lost()
    bench.outbox.connected(bench.gate)
    bench.uplink.receive()
    bench.outbox.take(Give(Lane.BACKLOG, 0, 20))
    bench.outbox.take(Give(Lane.LIVE, 7, 20))
    assert [bench.given(), bench.given()] == [list(range(1, 11)), [8, 9, 10]]


@pytest.mark.parametrize("message", [View(()), BrokerState(True), Events(Lane.LIVE, ())])
def test_what_needs_no_answer_gets_none(bench: Bench, message: Any) -> None:
    bench.outbox.take(message)
    assert (bench.given(), bench.alarms) == (None, [])
