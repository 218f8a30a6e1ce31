"""The uplink is captured: the test holds its end of the gate's link, and says whatever it likes."""

from __future__ import annotations

import random
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from device.admission.presence import DAY_NS
from device.domain import EventType, StoredEvent
from device.errors import LinkError
from device.events import confirmation
from device.events.confirmation import Confirmation, range_digest
from device.events.cose import sign1
from device.links import (
    INTEGER_MAX,
    UPLINK_SOCKET,
    Again,
    BrokerState,
    Events,
    Give,
    Health,
    Hello,
    Lane,
    Link,
    Message,
    Received,
    Refused,
    Say,
    View,
)
from tests.brokers_captured import forgeries
from tests.brokers_captured.bench import Bench
from tests.brokers_captured.forgeries import HERE
from tests.gates import wait_message


class Captor:
    """Holds the uplink's place, and takes it again whenever the gate has had enough of it."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.come_back()

    def come_back(self) -> None:
        self._link: Link = self._bench.gate.connect("uplink")
        hello = wait_message(self._link)
        assert isinstance(hello, Hello)
        self.hello = hello

    def say(self, *messages: Message) -> None:
        for message in messages:
            try:
                while not self._link.send(message):
                    self._read()
                self._read()
            except LinkError:
                self.hang_up()

    def leave(self) -> None:
        self._link.close()

    def hang_up(self) -> None:
        self.leave()
        self.come_back()

    def unconfirmed(self) -> list[StoredEvent]:
        """All that the gate holds for the recorder, asked for on a line of its own."""
        self.hang_up()
        found: list[StoredEvent] = []
        while True:
            self._link.send(Give(Lane.BACKLOG, found[-1].sequence if found else -INTEGER_MAX, 100))
            while not isinstance(message := wait_message(self._link), Events):
                pass
            if not message.events:
                return found
            found += message.events

    def answer(self, order: Received) -> Say:
        """The gate's answer to an order, or to the question before it."""
        self._link.send(order)
        while not (isinstance(message := wait_message(self._link), Say) and message.topic.startswith("reply/")):
            pass
        return message

    def have_given_up(self, events: list[StoredEvent]) -> list[StoredEvent]:
        """Say that the broker refuses ``events`` until all of them are voids; what the gate holds for the recorder then."""
        held, refused = self.unconfirmed(), {each.sequence for each in events}
        while any(each.type is not EventType.VOID for each in held if each.sequence in refused):
            self.say(*(Refused(sequence, 0x99) for sequence in refused))  # some may be lost when it hangs up
            held = self.unconfirmed()
        return held

    def confirm(self, events: list[StoredEvent]) -> Received:
        """The recorder's true word on ``events``."""
        named = Confirmation("g1", self.hello.epoch, events[0].sequence, events[-1].sequence, range_digest(each.body for each in events))
        return Received(HERE.confirmation, sign1(self._bench.gate.recorder, confirmation.encode(named), context=confirmation.CONTEXT))

    def _read(self) -> None:
        """What comes is thrown away, so that the gate's words do not pile up in the kernel."""
        while self._link.receive() is not None:
            pass


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path) as made:
        made.admit()
        yield made


@pytest.fixture
def captor(bench: Bench) -> Iterator[Captor]:
    made = Captor(bench)
    yield made
    made.leave()


def forged(captor: Captor, events: list[StoredEvent], bench: Bench) -> None:
    sent = forgeries.everything(bench.gate.recorder, captor.hello.epoch, [each.body for each in events], events[0].sequence)
    captor.say(*(Received(topic, payload) for topic, payload in sent))


def questions(captor: Captor, _events: list[StoredEvent], _bench: Bench) -> None:
    for lane in Lane:
        for after in (-INTEGER_MAX, -1, 0, INTEGER_MAX):
            captor.say(*(Give(lane, after, limit) for limit in (-INTEGER_MAX, 0, 1, INTEGER_MAX)))


def refusals(captor: Captor, events: list[StoredEvent], _bench: Bench) -> None:
    for code in (0, 0x87, -1, INTEGER_MAX):
        captor.say(*(Refused(each.sequence, code) for each in events), *(Refused(sequence, code) for sequence in range(-200, 400)))
    captor.say(Refused(INTEGER_MAX, 0x87), Refused(-INTEGER_MAX, 0x87))


def states(captor: Captor, _events: list[StoredEvent], _bench: Bench) -> None:
    captor.say(*(BrokerState(connected=number % 2 == 0) for number in range(500)))


def what_is_not_its_to_say(captor: Captor, events: list[StoredEvent], _bench: Bench) -> None:
    hello = captor.hello
    captor.say(hello, Events(Lane.LIVE, tuple(events[:1])), Again(1, 10), Say("reply/1", b"{}"), Health(b"{}"), View(()))


def hanging_up(captor: Captor, _events: list[StoredEvent], _bench: Bench) -> None:
    for _ in range(100):
        captor.hang_up()


def bytes_that_are_no_message(captor: Captor, _events: list[StoredEvent], bench: Bench) -> None:
    """Each costs the link that it came by."""
    chance = random.Random(1)
    captor.leave()
    for _ in range(50):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line, suppress(OSError):
            line.connect(str(bench.gate.runtime / UPLINK_SOCKET))
            line.send(chance.randbytes(chance.randint(1, 2000)))
            line.recv(1)  # the gate's word, or its end of the line closed
    captor.come_back()


ATTACKS: list[Callable[[Captor, list[StoredEvent], Bench], None]] = [
    forged,
    questions,
    refusals,
    states,
    what_is_not_its_to_say,
    hanging_up,
    bytes_that_are_no_message,
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_it_opens_nothing_erases_nothing_and_the_gate_goes_on(
    bench: Bench, captor: Captor, attack: Callable[[Captor, list[StoredEvent], Bench], None]
) -> None:
    events = captor.unconfirmed()
    attack(captor, events, bench)
    bench.admit()
    attack(captor, events, bench)
    bench.admit()
    assert bench.opened == bench.admitted == 3
    after = captor.unconfirmed()
    assert [each.sequence for each in after] == [*range(1, len(after) + 1)]
    bench.end()
    assert {each.body for each in events} <= bench.held()


def test_a_true_confirmation_takes_its_events_away_and_does_nothing_a_second_time(bench: Bench, captor: Captor) -> None:
    """What is refused above is not refused because nothing at all is believed."""
    events = captor.unconfirmed()
    true = captor.confirm(events)
    captor.say(true)
    bench.admit()
    left = captor.unconfirmed()
    captor.say(*[true] * 20)
    bench.admit()
    again = captor.unconfirmed()
    assert left[0].sequence == events[-1].sequence + 1
    assert again[: len(left)] == left


def test_what_it_calls_refused_is_still_here_years_after_the_recorder_has_confirmed_the_voids(tmp_path: Path, bench: Bench, captor: Captor) -> None:
    events = captor.unconfirmed()
    held = captor.have_given_up(events)
    while held:
        captor.say(captor.confirm(held))
        held = captor.unconfirmed()
    bench.end()
    with closing(sqlite3.connect(bench.gate.state / "events.db")) as store, store:
        store.execute("UPDATE voided SET at_ns = at_ns - ?, utc = '2000-01-01T00:00:00+00:00'", (9999 * DAY_NS,))
    with Bench(tmp_path) as later:
        later.admitted = later.gate.tracks = 10  # people and codes that it has not seen
        later.admit()
        later.end()
        assert {each.body for each in events} <= later.held()
