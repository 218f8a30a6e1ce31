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

from device.domain import ClockTrust, EventType, Instant
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.events.topics import Topics
from device.gate.outbox import GIVE_MAX, REFUSED_MAX, Outbox
from device.gate.store import Store
from device.links import BrokerState, Events, Give, Health, Hello, Link, Received, Refused, View

RECORDER = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
TOPICS = Topics("p1", "s1", "g1")
NOW = Instant(datetime(2026, 1, 2, tzinfo=UTC), ClockTrust.TRUSTED)


class Bench:
    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "events.db", gate="g1", boot="boot-1")
        self.alarms: list[tuple[EventType, dict[str, Any]]] = []
        self.broker: list[bool] = []
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
            alarm=lambda kind, facts: self.alarms.append((kind, facts)),
            broker=self.broker.append,
            health=health,
        )

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
    assert bench.hello == Hello("boot-1", bench.store.epoch, 0)


def test_a_new_uplink_is_told_how_the_gate_is_now(bench: Bench) -> None:
    bodies = iter((b"ok", b"degraded"))
    outbox = bench.made(lambda: next(bodies))
    for body in (b"ok", b"degraded"):
        outbox.connected(bench.gate)
        assert [bench.uplink.receive() for _ in range(3)] == [Hello("boot-1", bench.store.epoch, 0), Health(body), None]


def test_the_broker_is_there_as_long_as_the_uplink_says_so_and_gone_with_it(bench: Bench) -> None:
    for connected in (True, False, True):
        bench.outbox.take(BrokerState(connected))
    bench.outbox.lost()
    assert bench.broker == [True, False, True, False]


def test_a_wish_is_answered_at_once_with_the_stored_bytes(bench: Bench) -> None:
    bench.record(3)
    bench.outbox.take(Give(1, 20))
    assert bench.uplink.receive() == Events(bench.store.events_after(1, 20))
    assert [json.loads(event.body)["sequence"] for event in bench.store.events_after(1, 20)] == [f"{2:020d}", f"{3:020d}"]


def test_a_wish_waits_for_an_event_and_is_answered_once(bench: Bench) -> None:
    bench.outbox.take(Give(0, 20))
    assert bench.given() is None
    for _ in range(2):
        bench.record()
        bench.outbox.serve()
    assert [bench.given(), bench.given()] == [[1], None]


def test_a_new_wish_replaces_the_old(bench: Bench) -> None:
    bench.outbox.take(Give(0, 20))
    bench.outbox.take(Give(1, 20))
    bench.record(2)
    bench.outbox.serve()
    assert [bench.given(), bench.given()] == [[2], None]


@pytest.mark.parametrize(("limit", "given"), [(10**6, GIVE_MAX), (1, 1), (0, None), (-1, None)])
def test_no_wish_gets_more_than_its_limit_or_ours(bench: Bench, limit: int, given: int | None) -> None:
    bench.record(GIVE_MAX + 1)
    bench.outbox.take(Give(0, limit))
    answer = bench.given()
    assert (answer and len(answer)) == given


def test_an_uplink_that_is_lost_leaves_no_wish_for_its_successor(bench: Bench) -> None:
    bench.outbox.take(Give(0, 20))
    bench.outbox.lost()
    bench.record()
    bench.outbox.serve()
    assert bench.given() is None


def test_a_slow_uplink_gets_its_answer_when_there_is_room(bench: Bench) -> None:
    bench.record(GIVE_MAX)
    sent = 0
    while bench.gate.send(Received("t", bytes(30_000))):  # fill the link
        sent += 1
    bench.outbox.take(Give(0, 20))
    for _ in range(sent):
        bench.uplink.receive()
    assert bench.given() is None
    bench.outbox.serve()
    assert bench.given() == list(range(1, 21))


def test_events_that_cannot_be_read_now_are_given_with_the_next_turn_and_that_is_said_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.record()
    bench.store._db.execute("ALTER TABLE event RENAME TO out_of_reach")
    bench.outbox.take(Give(0, 20))
    for _ in range(5):
        bench.outbox.serve()
    assert (bench.given(), len(caplog.records)) == (None, 1)
    bench.store._db.execute("ALTER TABLE out_of_reach RENAME TO event")
    bench.outbox.serve()
    assert bench.given() == [1]


# --- confirmations ---------------------------------------------------------------------------------------------


def test_a_signed_confirmation_lets_its_events_go(bench: Bench) -> None:
    bench.record(3)
    bench.outbox.take(Received(TOPICS.confirmation, bench.confirm(1, 2)))
    assert [event.sequence for event in bench.store.events_after(0, 9)] == [3]


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


# --- what the broker refuses -----------------------------------------------------------------------------------


def test_an_event_that_the_broker_refuses_is_one_alarm_and_stays(bench: Bench) -> None:
    bench.record()
    for _ in range(3):
        bench.outbox.take(Refused(1, 135))
    assert bench.alarms == [(EventType.ALARM, {"what": "refused_by_broker", "sequence": 1, "code": 135})]
    assert bench.store.unconfirmed() == 1


def test_an_uplink_that_refuses_everything_cannot_fill_the_store(bench: Bench) -> None:
    for sequence in range(10 * REFUSED_MAX):
        bench.outbox.take(Refused(sequence, 135))
    assert len(bench.alarms) == REFUSED_MAX


@pytest.mark.parametrize("message", [View(()), BrokerState(True), BrokerState(False), Events(())])
def test_what_needs_no_answer_gets_none(bench: Bench, message: Any) -> None:
    bench.outbox.take(message)
    assert (bench.given(), bench.alarms) == (None, [])
