"""The uplink between a scripted gate and a real mosquitto with mutual TLS."""

from __future__ import annotations

import json
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device.clock import NS, monotonic_ns
from device.domain import EventType
from device.errors import EXIT_OK, SettingsError
from device.links import Give, Lane, Received, Refused
from device.settings import Protocol
from device.uplink.lanes import LOWEST, PAGE
from tests.brokers import ACCESS, Broker, Observer, make_authority, needs_mosquitto
from tests.device.uplink.scripted import (
    ACK_TOPIC,
    EVENT_TOPIC,
    GATE,
    HEALTH_TOPIC,
    HELLO,
    QUICK,
    STATE_TOPIC,
    ConfirmingObserver,
    Gate,
    Uplink,
    event,
    paho_forgets_sockets,
    settings,
)

pytestmark = needs_mosquitto

ACCESS_WITH_HEALTH = f"pattern write qg/v1/+/+/%u/health\n{ACCESS}"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    make_authority(tmp_path, GATE)
    with Broker(tmp_path) as running:
        yield running


@pytest.fixture
def with_health(tmp_path: Path) -> Iterator[Broker]:
    """A broker where the gate may write its health, too."""
    make_authority(tmp_path, GATE)
    with Broker(tmp_path, access=ACCESS_WITH_HEALTH) as running:
        yield running


def healths(observer: Observer) -> list[bytes]:
    return [seen.payload for seen in observer.seen if seen.topic == HEALTH_TOPIC]


def wait_health(observer: Observer, body: bytes) -> None:
    observer.wait(lambda _: healths(observer)[-1:] == [body])


def first_of_each(bodies: list[bytes]) -> list[bytes]:
    return list(dict.fromkeys(bodies))


def test_events_arrive_byte_for_byte_in_order_as_cloudevents(tmp_path: Path, broker: Broker) -> None:
    events = [event(sequence) for sequence in range(1, 101)]
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
        gate.add(*events)
        observer.wait(lambda _: len(observer.bodies()) >= 100)
    assert [each.body for each in events] == observer.bodies()
    kinds = {(seen.topic, seen.retained, seen.content_type, seen.payload_format) for seen in observer.seen if "/event/" in seen.topic}
    assert {(EVENT_TOPIC, False, "application/cloudevents+json", 1)} == kinds


def test_the_gate_learns_whether_there_is_a_session(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path) as gate, Uplink(settings(tmp_path, broker.port)):
        gate.wait(lambda gate: gate.broker_states == [False, True])
        broker.end(signal.SIGKILL)
        gate.wait(lambda gate: gate.broker_states == [False, True, False])
        broker.start()
        gate.wait(lambda gate: gate.broker_states == [False, True, False, True])


def test_presence_is_retained_ready_at_connect_and_disconnected_at_the_end(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path, replace(HELLO, boot="b", epoch="e")) as gate, Uplink(settings(tmp_path, broker.port)) as uplink:
        gate.wait(lambda gate: True in gate.broker_states)
        with Observer(broker) as observer:
            observer.wait(lambda seen: seen)
        uplink.stop()
        assert uplink.code == EXIT_OK
        gate.wait(lambda gate: not gate.broker_states[-1])
        with Observer(broker) as after:
            after.wait(lambda seen: seen)
    assert [(each.topic, each.retained, each.content_type, json.loads(each.payload)["state"]) for each in observer.seen] == [
        (STATE_TOPIC, True, "application/json", "ready")
    ]
    assert [json.loads(each)["state"] for each in after.states()] == ["disconnected"]


def test_a_confirmation_reaches_the_gate_as_the_bytes_it_was(tmp_path: Path, broker: Broker) -> None:
    payload = bytes(range(256))
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
        gate.wait(lambda gate: True in gate.broker_states)
        observer.publish(ACK_TOPIC, payload)
        observer.publish(ACK_TOPIC.replace("/ack", "/cmd/open"), b"anything")
        gate.wait(lambda gate: len(gate.received) == 2)
    assert [Received(ACK_TOPIC, payload), Received(ACK_TOPIC.replace("/ack", "/cmd/open"), b"anything")] == gate.received


def test_a_command_waits_at_the_broker_for_a_gate_that_was_away(tmp_path: Path, broker: Broker) -> None:
    with Observer(broker) as observer:
        with Gate(tmp_path) as gate, Uplink(settings(tmp_path, broker.port)):
            gate.wait(lambda gate: True in gate.broker_states)
        observer.publish(ACK_TOPIC, b"while away")
        with Gate(tmp_path) as gate, Uplink(settings(tmp_path, broker.port)):
            gate.wait(lambda gate: gate.received)
    assert [Received(ACK_TOPIC, b"while away")] == gate.received


def test_a_command_that_meets_no_gate_is_not_acknowledged_and_comes_when_the_gate_is_back(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
        gate.wait(lambda gate: True in gate.broker_states)
        gate.close()
        observer.publish(ACK_TOPIC, b"nobody in")
        gate.open()
        gate.wait(lambda gate: gate.received)
    assert [Received(ACK_TOPIC, b"nobody in")] == gate.received


def test_what_is_not_confirmed_in_time_is_sent_again_until_it_is(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port, confirm_within_s=0.5)):
        gate.add(event(1), event(2))
        observer.wait(lambda _: len(observer.bodies()) >= 2)
        gate.confirm(1)
        observer.wait(lambda _: observer.bodies().count(event(2).body) == 2)
        gate.confirm(2)
        gives = len(gate.gives)
        gate.wait(lambda gate: Give(Lane.BACKLOG, LOWEST, PAGE) in gate.gives[gives:])
        gate.add(event(3))
        observer.wait(lambda _: event(3).body in observer.bodies())
    assert [event(each).body for each in (1, 2, 2, 3)] == observer.bodies()


def test_a_broker_that_is_killed_loses_no_event_and_changes_no_byte(tmp_path: Path, broker: Broker) -> None:
    """It has no persistence, so it forgets what it acknowledged, and whom it should tell."""
    events = [event(sequence) for sequence in range(1, 1501)]
    timing = replace(QUICK, pace_per_s=2000)
    with Gate(tmp_path) as gate, ConfirmingObserver(broker) as observer, Uplink(settings(tmp_path, broker.port, confirm_within_s=1), timing):
        gate.add(*events)
        for kill in range(1, 4):
            observer.wait_bodies(kill * 300)
            broker.end(signal.SIGKILL)
            broker.start()
            observer.wait_subscribed()
        gate.wait(lambda gate: not gate.events, within_s=30)
    assert {each.body for each in events} == set(observer.bodies())


def test_a_gate_that_dies_and_comes_back_gets_its_events_out_over_the_same_session(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
        gate.add(event(1))
        observer.wait(lambda _: observer.bodies())
        gate.close()
        gate.add(event(2))
        gate.open()
        observer.wait(lambda _: event(2).body in observer.bodies())
        gate.wait(lambda gate: gate.links == 2)
    assert [event(each).body for each in (1, 1, 2)] == observer.bodies()
    assert [json.loads(each)["state"] for each in observer.states()] == ["ready", "disconnected"]


def test_a_gate_that_stays_away_is_lost_until_it_is_back(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port), replace(QUICK, gate_silent_s=0.3)):
        gate.wait(lambda gate: True in gate.broker_states)
        gate.close()
        observer.wait(lambda _: [json.loads(each)["state"] for each in observer.states()] == ["ready", "lost"], within_s=30)
        gate.open()
        observer.wait(lambda _: [json.loads(each)["state"] for each in observer.states()] == ["ready", "lost", "ready"])


def test_a_gate_with_a_new_epoch_gets_a_new_birth_message(tmp_path: Path, broker: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
        gate.wait(lambda gate: True in gate.broker_states)
        gate.close(replace(HELLO, epoch="epoch-2"))
        gate.open()
        observer.wait(lambda _: [json.loads(each)["epoch"] for each in observer.states()] == ["epoch-1", "epoch-2"])


def test_health_stands_at_the_broker_byte_for_byte_for_whoever_comes_later(tmp_path: Path, with_health: Broker) -> None:
    body = '{"health":"degraded","troubles":["mất điện"]}'.encode()
    with Gate(tmp_path) as gate, Observer(with_health) as observer, Uplink(settings(tmp_path, with_health.port)):
        gate.be(body)
        observer.wait(lambda _: healths(observer))
        with Observer(with_health) as later:
            later.wait(lambda _: healths(later))
    seen = [each for each in later.seen if each.topic == HEALTH_TOPIC]
    assert [(each.payload, each.retained, each.content_type, each.payload_format) for each in seen] == [(body, True, "application/json", 1)]


def test_changes_of_health_arrive_in_order(tmp_path: Path, with_health: Broker) -> None:
    words = [b"%d" % number for number in range(10)]
    timing = replace(QUICK, word_apart_s=0.01)
    with Gate(tmp_path) as gate, Observer(with_health) as observer, Uplink(settings(tmp_path, with_health.port), timing):
        for word in words:
            gate.be(word)
            wait_health(observer, word)
    assert words == healths(observer)


def test_a_flood_of_changes_becomes_one_a_second_and_ends_with_the_last(tmp_path: Path, with_health: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(with_health) as observer, Uplink(settings(tmp_path, with_health.port)):
        gate.wait(lambda gate: True in gate.broker_states)
        begin_ns = monotonic_ns()
        gate.be(*(b"%d" % number for number in range(100)))
        gate.add(event(1))
        wait_health(observer, b"99")
        took_s = (monotonic_ns() - begin_ns) / NS
        observer.wait(lambda _: observer.bodies())
    assert len(healths(observer)) <= 1 + took_s


def test_a_new_connection_hears_the_health_again_after_the_birth_message(tmp_path: Path, with_health: Broker) -> None:
    """The broker keeps nothing over its death; the gate says nothing new."""
    with Gate(tmp_path) as gate, Observer(with_health) as observer, Uplink(settings(tmp_path, with_health.port)):
        gate.be(b"{}")
        observer.wait(lambda _: healths(observer))
        with_health.end(signal.SIGKILL)
        gate.wait(lambda gate: not gate.broker_states[-1])
        with_health.start()
        gate.wait(lambda gate: gate.broker_states[-1])
        with Observer(with_health) as later:
            later.wait(lambda _: healths(later))
    assert [(json.loads(each)["state"]) for each in later.states()] == ["ready"]
    assert healths(later) == [b"{}"]


def test_a_gate_that_comes_back_says_how_it_is_over_the_same_session(tmp_path: Path, with_health: Broker) -> None:
    with Gate(tmp_path) as gate, Observer(with_health) as observer, Uplink(settings(tmp_path, with_health.port)):
        gate.be(b"before")
        observer.wait(lambda _: healths(observer))
        gate.close()
        gate.open()
        gate.be(b"after")
        wait_health(observer, b"after")
    assert healths(observer) == [b"before", b"after"]


def test_a_broker_whose_access_list_is_older_than_health_takes_the_events(tmp_path: Path, broker: Broker) -> None:
    """mosquitto 2.0.11 refuses and hangs up, so a word said again with each connection would end each of them."""
    refused = _Waiting("the broker refuses this gate's health for good (reason code 0x87)")
    logging.getLogger("qrgate.uplink").addHandler(refused)
    try:
        with Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
            gate.be(b"{}")
            assert refused.seen.wait(10)
            gate.add(*(event(sequence) for sequence in range(1, 101)))
            observer.wait_bodies(100)
    finally:
        logging.getLogger("qrgate.uplink").removeHandler(refused)
    assert healths(observer) == []
    assert gate.broker_states.count(True) <= 2


def test_a_health_beyond_the_packet_size_the_broker_announced_stays_unsaid_and_the_next_is_said(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    with (
        Broker(tmp_path, more="max_packet_size 1000", access=ACCESS_WITH_HEALTH) as broker,
        Gate(tmp_path) as gate,
        Observer(broker) as observer,
        Uplink(settings(tmp_path, broker.port)),
    ):
        gate.be(bytes(1000))
        gate.add(event(1))
        observer.wait(lambda _: observer.bodies())
        gate.be(b"{}")
        observer.wait(lambda _: healths(observer))
        assert (healths(observer), gate.broker_states) == ([b"{}"], [False, True])


def test_an_event_for_which_the_broker_has_no_right_is_refused_and_the_next_goes_on(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    access = f"user observer\ntopic readwrite qg/#\nuser {GATE}\ntopic write qg/v1/p1/s1/{GATE}/state\ntopic write {EVENT_TOPIC}\n"
    with Broker(tmp_path, access=access) as broker, Gate(tmp_path) as gate, Observer(broker) as observer, Uplink(settings(tmp_path, broker.port)):
        gate.add(event(1), replace(event(2), type=EventType.AUDIT), event(3))
        gate.wait(lambda gate: gate.refused)
        observer.wait(lambda _: event(3).body in observer.bodies())
    assert [event(1).body, event(3).body] == first_of_each(observer.bodies())
    assert [Refused(2, 0x87)] == gate.refused


def test_an_event_beyond_the_packet_size_the_broker_announced_is_refused_unsent(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    with (
        Broker(tmp_path, more="max_packet_size 1000") as broker,
        Gate(tmp_path) as gate,
        Observer(broker) as observer,
        Uplink(settings(tmp_path, broker.port)),
    ):
        gate.add(event(1), replace(event(2), body=b"x" * 1000), event(3))
        observer.wait(lambda _: len(observer.bodies()) == 2)
        gate.wait(lambda gate: gate.refused)
        assert gate.broker_states[1:] == [True]
    assert [Refused(2, 0x95)] == gate.refused


def test_the_packet_size_the_broker_announced_is_used_to_the_last_byte(tmp_path: Path) -> None:
    make_authority(tmp_path, GATE)
    overhead = 1 + 2 + 2 + len(EVENT_TOPIC) + 2 + 1 + 2 + 3 + len("application/cloudevents+json")
    with Broker(tmp_path, more="max_packet_size 1000") as broker, Gate(tmp_path) as gate, Observer(broker) as observer:
        sizes = [1000 - overhead, 1001 - overhead]
        with Uplink(settings(tmp_path, broker.port)):
            gate.wait_session()
            gate.add(*(replace(event(number), body=b"x" * size) for number, size in enumerate(sizes, start=1)))
            gate.wait(lambda gate: gate.refused)
            observer.wait(lambda _: observer.bodies())
    assert ([Refused(2, 0x95)], [sizes[0]]) == (gate.refused, [len(body) for body in observer.bodies()])


def test_before_mqtt_5_events_are_delivered_and_confirmed_all_the_same(tmp_path: Path, broker: Broker) -> None:
    events = [event(sequence) for sequence in range(1, 301)]
    with Gate(tmp_path) as gate, ConfirmingObserver(broker) as observer, Uplink(settings(tmp_path, broker.port, protocol=Protocol.MQTT_3_1_1)):
        gate.add(*events[:200])
        observer.wait_bodies(200)
        gate.add(*events[200:])
        gate.wait(lambda gate: not gate.events)
    assert [each.body for each in events] == first_of_each(observer.bodies())


def test_before_mqtt_5_an_event_for_which_the_broker_has_no_right_is_found_and_the_others_go_on(tmp_path: Path) -> None:
    """mosquitto 2.0.11 acknowledges it as if it had passed it on, and hangs up."""
    make_authority(tmp_path, GATE)
    access = f"user observer\ntopic readwrite qg/#\nuser {GATE}\ntopic write qg/v1/p1/s1/{GATE}/state\ntopic write {EVENT_TOPIC}\n"
    with (
        Broker(tmp_path, access=access) as broker,
        Gate(tmp_path) as gate,
        Observer(broker) as observer,
        Uplink(settings(tmp_path, broker.port, protocol=Protocol.MQTT_3_1_1), replace(QUICK, first_word_wait_s=0.5)),
    ):
        gate.be(b"{}")  # for which it has no right, either
        gate.add(event(1), replace(event(2), type=EventType.AUDIT), event(3))
        gate.wait(lambda gate: gate.refused, within_s=30)
        gate.add(event(4))
        observer.wait(lambda _: {event(3).body, event(4).body} <= set(observer.bodies()))
    assert [event(each).body for each in (1, 3, 4)] == sorted(set(observer.bodies()))
    assert [Refused(2, 0x80)] == gate.refused


def test_an_event_at_which_paho_cannot_read_the_answer_is_found_and_refused(tmp_path: Path) -> None:
    """mosquitto's message_size_limit is not announced, and its PUBACK carries 0x95, which MQTT 5 does not allow there."""
    make_authority(tmp_path, GATE)
    with (
        Broker(tmp_path, more="message_size_limit 500") as broker,
        Gate(tmp_path) as gate,
        Observer(broker) as observer,
        Uplink(settings(tmp_path, broker.port)),
    ):
        gate.add(event(1), event(2), replace(event(3), body=b"x" * 600), event(4))
        gate.wait(lambda gate: gate.refused)
        observer.wait(lambda _: event(4).body in observer.bodies())
    assert {3} == {each.sequence for each in gate.refused}
    assert [event(each).body for each in (1, 2, 4)] == first_of_each(observer.bodies())


@paho_forgets_sockets
def test_a_broker_whose_certificate_is_for_later_is_named_with_the_clock(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority = make_authority(tmp_path, GATE)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    authority.issue("server", host="127.0.0.1", valid=(tomorrow, tomorrow + timedelta(days=1)))
    warned = _Waiting("not yet valid by this machine's clock (a Raspberry Pi wakes up in the past: set the clock)")
    logging.getLogger("qrgate.uplink").addHandler(warned)
    try:
        with Broker(tmp_path) as broker, Gate(tmp_path), Uplink(settings(tmp_path, broker.port)):
            assert warned.seen.wait(10), caplog.text
    finally:
        logging.getLogger("qrgate.uplink").removeHandler(warned)


def test_missing_certificate_files_end_the_process_with_what_to_do(tmp_path: Path) -> None:
    with Gate(tmp_path), Uplink(settings(tmp_path, 1)) as uplink:
        uplink.wait_end()
    assert isinstance(uplink.error, SettingsError)
    assert f"broker.ca_file {tmp_path / 'ca.crt'} cannot be used: No such file or directory" == uplink.error.what


def test_an_outage_is_one_line_in_the_log_not_one_a_try(tmp_path: Path, broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qrgate.uplink")
    with Gate(tmp_path) as gate, Uplink(settings(tmp_path, broker.port)):
        gate.wait(lambda gate: True in gate.broker_states)
        refused = _Waiting("Connection refused")
        logging.getLogger("qrgate.uplink").addHandler(refused)
        broker.end(signal.SIGTERM)
        assert refused.seen.wait(10)
        broker.start()
        gate.wait(lambda gate: gate.broker_states[-1])
    logging.getLogger("qrgate.uplink").removeHandler(refused)
    lost = [record.message for record in caplog.records if "no session" in record.message]
    assert len(set(lost)) == len(lost)
    assert len(lost) == 2
    assert not [record for record in caplog.records if "epoch-1-0000" in record.message]


def test_systemd_hears_ready_signs_of_life_and_stopping(tmp_path: Path, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        with Gate(tmp_path), Uplink(settings(tmp_path, broker.port), replace(QUICK, watchdog_s=0.05)):
            heard = [manager.recv(100) for _ in range(4)]
        while heard[-1] == b"WATCHDOG=1":
            heard.append(manager.recv(100))
    assert (heard[0], set(heard[1:-1]), heard[-1]) == (b"READY=1", {b"WATCHDOG=1"}, b"STOPPING=1")


class _Waiting(logging.Handler):
    """Rings when a log line holds ``words``."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.seen.set()
