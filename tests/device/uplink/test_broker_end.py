"""What is sent beside the events, and what becomes of a session, against a broker of raw packets."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from device.links import Received, Refused
from device.seldom import AT_ONCE
from device.settings import Protocol
from tests.brokers import make_authority
from tests.device.uplink.scripted import (
    ACK_TOPIC,
    DISCONNECT,
    GATE,
    HEALTH_TOPIC,
    PUBLISH,
    QUICK,
    REPLY_TOPIC,
    STATE_TOPIC,
    Gate,
    Publish,
    ScriptedBroker,
    Uplink,
    event,
    ignore,
    settings,
    take,
)

DESCRIPTION_TOPIC = f"homeassistant/device/{GATE}/config"
RECEIVE_MAXIMUM_1 = b"\x21\x00\x01"
OFTEN = replace(QUICK, word_apart_s=0.05, first_word_wait_s=0.05, most_word_wait_s=0.2)
Word = Callable[[ScriptedBroker, Publish], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_authority(tmp_path, GATE)
    return tmp_path


def on(topic: str, deed: Word) -> Word:
    """``deed`` for what is said on ``topic``, and the rest is taken."""
    return lambda broker, publish: (deed if publish.topic == topic else take)(broker, publish)


def refuse(broker: ScriptedBroker, publish: Publish) -> None:
    broker.puback(publish.mid, 0x87)


def hang_up(broker: ScriptedBroker, _publish: Publish) -> None:
    broker.hang_up()


def disconnect(broker: ScriptedBroker, publish: Publish) -> None:
    broker.send(DISCONNECT << 4, b"\x87\x00")
    hang_up(broker, publish)


def said(broker: ScriptedBroker) -> list[bytes]:
    return [each.body for each in broker.publishes if each.topic == REPLY_TOPIC]


def descriptions(count: int) -> Callable[[ScriptedBroker], bool]:
    return lambda broker: len([each for each in broker.publishes if each.topic == DESCRIPTION_TOPIC]) == count


# --- the birth message -----------------------------------------------------------------------------------------


def test_the_birth_message_tells_the_last_sequence_of_now_not_of_when_the_gate_came(folder: Path) -> None:
    """A recorder takes a gate whose last sequence lies far below what it has for another gate of the same name."""
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 41)))
        broker.wait(lambda broker: len(broker.bodies()) == 40)
        broker.hang_up()
        broker.wait(lambda broker: len([each for each in broker.publishes if each.topic == STATE_TOPIC]) == 2)
    births = [json.loads(each.body) for each in broker.publishes if each.topic == STATE_TOPIC][:2]
    assert [(birth["last_sequence"], birth["key"], birth["head"]) for birth in births] == [(0, "00" * 32, "00" * 100), (40, "00" * 32, "00" * 100)]


def test_what_an_outage_held_up_is_no_news_when_it_is_over(folder: Path) -> None:
    def only_later(broker: ScriptedBroker, publish: Publish) -> None:
        if publish.connection == 1:
            broker.hang_up()
        else:
            broker.puback(publish.mid)

    with ScriptedBroker(folder, only_later) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(event(1))
        broker.wait(lambda broker: len(broker.bodies()) == 2)
        gate.wait_session()
        gate.add(event(2))
        broker.wait(lambda broker: len(broker.bodies()) == 3)
    assert [(each.body, each.replayed) for each in broker.publishes if "/event/" in each.topic] == [
        (event(1).body, False),
        (event(1).body, True),
        (event(2).body, False),
    ]


def test_what_the_recorder_wants_again_is_sent_again_at_once_as_replayed(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 6)))
        broker.wait(lambda broker: len(broker.pubacks) == 0 and len(broker.bodies()) == 5)
        gate.again(2, 3)
        broker.wait(lambda broker: len(broker.bodies()) == 7)
    assert [(each.body, each.replayed) for each in broker.publishes if "/event/" in each.topic][5:] == [(event(2).body, True), (event(3).body, True)]


# --- what is said once -----------------------------------------------------------------------------------------


def test_an_answer_is_said_once_below_the_gates_prefix_and_not_retained(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.say(b"a", b"b")
        broker.wait(lambda broker: len(said(broker)) == 2)
    assert [(each.topic, each.body, each.retained) for each in broker.publishes if each.topic == REPLY_TOPIC] == [
        (REPLY_TOPIC, b"a", False),
        (REPLY_TOPIC, b"b", False),
    ]


def test_where_the_broker_takes_one_at_a_time_an_answer_goes_after_what_is_live_and_before_the_backlog(folder: Path) -> None:
    held: list[int] = []

    def hold_the_first(broker: ScriptedBroker, publish: Publish) -> None:
        if publish.body == event(1).body:
            held.append(publish.mid)
        else:
            broker.puback(publish.mid)

    with ScriptedBroker(folder, hold_the_first, connack=RECEIVE_MAXIMUM_1) as broker, Gate(folder) as gate:
        gate.add(event(1), event(2))
        with Uplink(settings(folder, broker.port)):
            gate.wait_session()
            broker.wait(lambda _: held)
            gate.say(b"a")
            gate.add(event(3))
            gate.wait(lambda gate: any(give.after == 3 for give in gate.gives))  # what was said before it has been read, too
            broker.puback(held[0])
            broker.wait(lambda broker: len(broker.bodies()) == 3)
    assert [each.body for each in broker.publishes if each.topic != STATE_TOPIC] == [event(1).body, event(3).body, b"a", event(2).body]


@pytest.mark.parametrize("answer", [refuse, hang_up, disconnect], ids=["refuses", "hangs up", "disconnects"])
def test_an_answer_that_the_broker_will_not_have_holds_up_no_event_and_accuses_none(folder: Path, answer: Word) -> None:
    with (
        ScriptedBroker(folder, take, on_word=on(REPLY_TOPIC, answer)) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port), OFTEN),
    ):
        gate.wait_session()
        gate.say(*(b"%d" % number for number in range(3)))
        gate.add(*(event(sequence) for sequence in range(1, 101)))
        broker.wait(lambda broker: len(set(broker.bodies())) == 100)
        broker.wait(lambda broker: len(said(broker)) == 3)
    assert (said(broker), gate.refused) == ([b"0", b"1", b"2"], [])


def test_an_answer_without_an_answer_means_a_new_connection_in_its_time(folder: Path) -> None:
    with (
        ScriptedBroker(folder, take, on_word=on(REPLY_TOPIC, ignore)) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port), replace(OFTEN, answer_s=0.3)),
    ):
        gate.wait_session()
        gate.say(b"a")
        broker.wait(lambda broker: broker.connections == 2)
        gate.wait_session()
        gate.add(event(1))
        broker.wait(lambda broker: broker.bodies())
    assert said(broker) == [b"a"]


# --- Home Assistant --------------------------------------------------------------------------------------------


def test_home_assistant_is_told_nothing_unless_the_settings_ask_for_it(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(event(1))
        broker.wait(lambda broker: broker.bodies())
    assert {each.topic for each in broker.publishes} == {STATE_TOPIC, broker.publishes[1].topic}


def test_home_assistant_is_told_once_a_session_after_the_birth_message_retained(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder), Uplink(settings(folder, broker.port, home_assistant=True), OFTEN):
        for connection in (1, 2):
            broker.wait(descriptions(connection))
            broker.hang_up()
    told = [(each.connection, each.topic, each.retained) for each in broker.publishes if "/event/" not in each.topic]
    assert told[:4] == [(1, STATE_TOPIC, True), (1, DESCRIPTION_TOPIC, True), (2, STATE_TOPIC, True), (2, DESCRIPTION_TOPIC, True)]


@pytest.mark.parametrize("answer", [refuse, hang_up, disconnect], ids=["refuses", "hangs up", "disconnects"])
def test_a_broker_that_keeps_no_description_gets_events_and_health_all_the_same(folder: Path, answer: Word, caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedBroker(folder, take, on_word=on(DESCRIPTION_TOPIC, answer)) as broker, Gate(folder) as gate:
        gate.be(b"{}")
        gate.add(*(event(sequence) for sequence in range(1, 101)))
        with Uplink(settings(folder, broker.port, home_assistant=True), replace(OFTEN, first_word_wait_s=0.5, most_word_wait_s=60)):
            broker.wait(lambda broker: len(set(broker.bodies())) == 100)
            broker.wait_health(b"{}")
    assert gate.refused == []
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == (1 if answer is refuse else 0)


# --- MQTT 3.1.1 ------------------------------------------------------------------------------------------------

SILENT = Protocol.MQTT_3_1_1


def test_before_mqtt_5_packets_carry_topic_and_payload_alone_and_the_session_is_kept(folder: Path) -> None:
    with ScriptedBroker(folder, take, mqtt_5=False) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port, protocol=SILENT)):
        gate.be(b"{}")
        gate.add(*(event(sequence) for sequence in range(1, 51)))
        broker.wait(lambda broker: len(broker.bodies()) == 50)
        gate.say(b"a")
        broker.wait(said)
    (connect,) = broker.connects
    assert (connect[:7], connect[7]) == (b"\x00\x04MQTT\x04", 0b00101100)  # will retained, will QoS 1, will, no clean session
    assert b'"state":"lost"' in connect
    assert [event(sequence).body for sequence in range(1, 51)] == broker.bodies()
    assert {(each.topic, each.retained) for each in broker.publishes if "/event/" not in each.topic} == {
        (STATE_TOPIC, True),
        (HEALTH_TOPIC, True),
        (REPLY_TOPIC, False),
    }


def test_before_mqtt_5_twenty_are_under_way_at_most(folder: Path) -> None:
    with ScriptedBroker(folder, ignore, mqtt_5=False) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port, protocol=SILENT)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 201)))
        broker.wait(lambda broker: len(broker.bodies()) == 20)
        gate.wait(lambda gate: any(give.after == 100 for give in gate.gives))
        assert len(broker.bodies()) == 20


@pytest.mark.parametrize("answer", [hang_up, ignore], ids=["hangs up", "never answers"])
def test_before_mqtt_5_an_event_at_which_every_session_ends_is_found_and_refused(folder: Path, answer: Word) -> None:
    """RabbitMQ hangs up at a publish that it does not allow, and says nothing."""
    at_seven: Word = lambda broker, publish: (answer if publish.body == event(7).body else take)(broker, publish)  # noqa: E731
    with ScriptedBroker(folder, at_seven, mqtt_5=False) as broker, Gate(folder) as gate:
        gate.add(*(event(sequence) for sequence in range(1, 41)))
        with Uplink(settings(folder, broker.port, protocol=SILENT), replace(QUICK, answer_s=0.5)):
            gate.wait(lambda gate: gate.refused, within_s=90)
            broker.wait(lambda broker: event(40).body in broker.bodies())
    assert [Refused(7, 0x80)] == gate.refused


def test_before_mqtt_5_a_line_that_breaks_now_and_then_accuses_nobody(folder: Path) -> None:
    """At every fortieth publish, whatever it is."""

    def break_now_and_then(broker: ScriptedBroker, publish: Publish) -> None:
        if len(broker.publishes) % 40 == 39:
            broker.hang_up()
        else:
            broker.puback(publish.mid)

    with ScriptedBroker(folder, break_now_and_then, mqtt_5=False) as broker, Gate(folder) as gate:
        gate.add(*(event(sequence) for sequence in range(1, 21)))
        with Uplink(settings(folder, broker.port, protocol=SILENT, confirm_within_s=0.5)):
            broker.wait(lambda broker: broker.connections >= 6, within_s=90)  # what is suspected travels alone, half a second apart
    assert gate.refused == []


def test_before_mqtt_5_what_is_too_large_is_dropped_and_acknowledged_and_the_session_goes_on(folder: Path) -> None:
    """It would come again with each connection otherwise; no limit can be agreed there."""

    def push(broker: ScriptedBroker, publish: Publish) -> None:
        for mid, body in ((7, bytes(33_000)), (8, b"signed")):
            topic = ACK_TOPIC.encode()
            broker.send(PUBLISH << 4 | 2, len(topic).to_bytes(2, "big") + topic + bytes([0, mid]) + body)
        broker.puback(publish.mid)

    with ScriptedBroker(folder, push, mqtt_5=False) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port, protocol=SILENT)):
        gate.add(event(1))
        gate.wait(lambda gate: gate.received)
        broker.wait(lambda broker: sorted(broker.pubacks) == [7, 8])
    assert [Received(ACK_TOPIC, b"signed")] == gate.received
    assert broker.connections == 1


# --- the log ---------------------------------------------------------------------------------------------------


def to_events(deed: Word) -> Word:
    """``deed`` for events, and the rest is taken."""
    return lambda broker, publish: (deed if "/event/" in publish.topic else take)(broker, publish)


def test_a_broker_that_refuses_every_event_does_not_fill_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    count = 300
    with ScriptedBroker(folder, to_events(refuse)) as broker, Gate(folder) as gate:
        gate.add(*(event(sequence) for sequence in range(1, count + 1)))
        with Uplink(settings(folder, broker.port)):
            gate.wait(lambda gate: len({each.sequence for each in gate.refused}) == count)
    refused = [message for message in caplog.messages if "refuses event" in message]
    assert refused == [f"the broker refuses event {sequence} for good (reason code 0x87)" for sequence in range(1, AT_ONCE + 1)]


def test_a_broker_that_takes_nothing_now_does_not_fill_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each second answer is a yes, after which the waits are short again."""
    noes: list[int] = []

    def by_turns(broker: ScriptedBroker, publish: Publish) -> None:
        if len(broker.bodies()) % 2:
            noes.append(publish.mid)
        broker.puback(publish.mid, 0x97 if len(broker.bodies()) % 2 else 0x00)

    with ScriptedBroker(folder, to_events(by_turns)) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 101)))
        broker.wait(lambda _: len(noes) > 4 * AT_ONCE)
    assert len([message for message in caplog.messages if "takes nothing now" in message]) == AT_ONCE


def test_a_broker_that_greets_and_hangs_up_does_not_fill_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "qrgate.uplink")
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        for count in range(1, 2 * AT_ONCE):
            gate.wait(partial(has_had_sessions, count))
            broker.hang_up()
    lines = {kind: len([message for message in caplog.messages if message.startswith(kind)]) for kind in ("connected with", "no session")}
    assert lines == {"connected with": AT_ONCE, "no session": AT_ONCE}


def has_had_sessions(count: int, gate: Gate) -> bool:
    return gate.broker_states.count(True) >= count
