"""The uplink against a broker of raw packets, which does what no real broker does on demand."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from device.links import Received, Refused
from tests.brokers import HOST, make_authority
from tests.device.uplink.scripted import (
    ACK_TOPIC,
    CONNACK,
    DISCONNECT,
    GATE,
    HEALTH_TOPIC,
    PUBLISH,
    QUICK,
    STATE_TOPIC,
    Gate,
    Publish,
    ScriptedBroker,
    Uplink,
    event,
    ignore,
    paho_forgets_sockets,
    settings,
    take,
)

RECEIVE_MAXIMUM_1 = b"\x21\x00\x01"
RECEIVE_MAXIMUM_3 = b"\x21\x00\x03"
RECEIVE_MAXIMUM_5 = b"\x21\x00\x05"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_authority(tmp_path, GATE)
    return tmp_path


def answering(code_of: Callable[[bytes], int]) -> Callable[[ScriptedBroker, Publish], None]:
    return lambda broker, publish: broker.puback(publish.mid, code_of(publish.body))


def test_no_more_than_the_receive_maximum_of_the_broker_are_under_way(folder: Path) -> None:
    """The broker answers the oldest only when it holds three, and would see a fourth."""
    held: list[int] = []
    most = []

    def hold(broker: ScriptedBroker, publish: Publish) -> None:
        held.append(publish.mid)
        most.append(len(held))
        if len(held) >= 3:
            broker.puback(held.pop(0))

    with ScriptedBroker(folder, hold, connack=RECEIVE_MAXIMUM_3) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 101)))
        broker.wait(lambda broker: len(broker.bodies()) == 100)
    assert max(most) == 3
    assert [event(sequence).body for sequence in range(1, 101)] == broker.bodies()


def test_without_a_word_from_the_broker_twenty_are_under_way(folder: Path) -> None:
    with ScriptedBroker(folder, ignore) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 201)))
        broker.wait(lambda broker: len(broker.bodies()) == 20)
        gate.wait(lambda gate: any(give.after == 100 for give in gate.gives))  # it has asked for more, and sends none of it
        assert len(broker.bodies()) == 20


def test_a_backlog_leaves_two_places_free_and_what_is_recorded_now_takes_them(folder: Path) -> None:
    with ScriptedBroker(folder, ignore) as broker, Gate(folder) as gate:
        gate.add(*(event(sequence) for sequence in range(1, 201)))
        with Uplink(settings(folder, broker.port)):
            broker.wait(lambda broker: len(broker.bodies()) == 18)
            gate.wait_session()
            gate.add(event(201), event(202), event(203))
            broker.wait(lambda broker: len(broker.bodies()) == 20)
    assert [(each.body, each.replayed) for each in broker.publishes if each.topic != STATE_TOPIC] == [
        *((event(sequence).body, True) for sequence in range(1, 19)),
        (event(201).body, False),
        (event(202).body, False),
    ]


def test_connect_announces_session_expiry_limits_and_the_will(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder), Uplink(settings(folder, broker.port)):
        broker.wait(lambda broker: broker.publishes)
    (connect,) = broker.connects
    protocol, version, flags, keepalive = connect[:6], connect[6], connect[7], int.from_bytes(connect[8:10], "big")
    assert (protocol, version, keepalive) == (b"\x00\x04MQTT", 5, 20)
    assert flags == 0b00101100  # will retained, will QoS 1, will, no clean start
    assert b"\x11" + (86400).to_bytes(4, "big") in connect  # session expiry
    assert b"\x21\x00\x14" in connect  # receive maximum 20
    assert b"\x18\x00\x00\x00\x0a" in connect  # will delay 10 s
    assert b'"state":"lost"' in connect
    assert [publish.topic for publish in broker.publishes[:1]] == [STATE_TOPIC]


@pytest.mark.parametrize("code", [0x87, 0x90, 0x99])
def test_a_lasting_refusal_is_told_and_the_next_event_goes_on(folder: Path, code: int) -> None:
    codes = {event(2).body: code}
    with (
        ScriptedBroker(folder, answering(lambda body: codes.get(body, 0))) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port)),
    ):
        gate.add(event(1), event(2), event(3))
        gate.wait(lambda gate: gate.refused)
        gate.add(event(4))
        broker.wait(lambda broker: event(4).body in broker.bodies())
    assert [Refused(2, code)] == gate.refused
    assert [event(each).body for each in (1, 2, 3, 4)] == broker.bodies()
    assert broker.connections == 1


def test_a_broker_without_quota_is_asked_again_later_in_order(folder: Path) -> None:
    left = {event(2).body: 2}  # how often the quota is used up

    def quota(body: bytes) -> int:
        left[body] = left.get(body, 0) - 1
        return 0x97 if left[body] >= 0 else 0

    with (
        ScriptedBroker(folder, answering(quota), connack=RECEIVE_MAXIMUM_1) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port)),
    ):
        gate.wait_session()
        gate.add(event(1), event(2))
        broker.wait(lambda broker: len(broker.bodies()) == 4)
    assert [event(each).body for each in (1, 2, 2, 2)] == broker.bodies()
    assert gate.refused == []
    assert broker.connections == 1


def test_no_puback_means_a_new_connection_and_the_same_bytes_again(folder: Path) -> None:
    def only_later(broker: ScriptedBroker, publish: Publish) -> None:
        if publish.connection > 1:
            broker.puback(publish.mid)

    with (
        ScriptedBroker(folder, only_later) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port), replace(QUICK, answer_s=0.3)),
    ):
        gate.add(event(1), event(2))
        broker.wait(lambda broker: len(broker.bodies()) == 4)
        gate.wait(lambda gate: gate.broker_states == [False, True, False, True])
    assert [(each.connection, int(each.body[-22:-2])) for each in broker.publishes if each.topic != STATE_TOPIC] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert not [each for each in broker.publishes if each.duplicate]


def test_nothing_is_sent_before_the_connection_and_nothing_of_the_old_one_after_it(folder: Path) -> None:
    """A client that is used again sends its whole queue at CONNACK, whatever the window; ours is new each time."""

    def hang_up_at_three(broker: ScriptedBroker, publish: Publish) -> None:
        if publish.connection < 4 and publish.body == event(3).body:
            broker.hang_up()
        elif publish.connection >= 4:
            broker.puback(publish.mid)

    with ScriptedBroker(folder, hang_up_at_three, connack=RECEIVE_MAXIMUM_5) as broker, Gate(folder) as gate:
        gate.add(*(event(sequence) for sequence in range(1, 6)))
        with Uplink(settings(folder, broker.port)):
            broker.wait(lambda broker: len(broker.bodies()) == 14)
    expected = [(connection, sequence) for connection in (1, 2, 3) for sequence in (1, 2, 3)] + [(4, sequence) for sequence in range(1, 6)]
    assert expected == [(each.connection, int(each.body[-22:-2])) for each in broker.publishes if each.topic != STATE_TOPIC]


def test_an_event_at_which_the_broker_ends_the_session_is_found_and_refused(folder: Path) -> None:
    """EMQX can be set to disconnect a client for a publish it may not do: all behind it would wait for ever."""

    def disconnect_at_two(broker: ScriptedBroker, publish: Publish) -> None:
        if publish.body == event(2).body:
            broker.send(DISCONNECT << 4, b"\x87\x00")
            broker.hang_up()
        else:
            broker.puback(publish.mid)

    with ScriptedBroker(folder, disconnect_at_two) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.add(*(event(sequence) for sequence in range(1, 6)))
        gate.wait(lambda gate: gate.refused)
        broker.wait(lambda broker: event(5).body in broker.bodies()[-3:])
    assert [Refused(2, 0x87)] == gate.refused


def test_a_line_that_breaks_at_every_event_accuses_none(folder: Path) -> None:
    with (
        ScriptedBroker(folder, lambda broker, _: broker.hang_up()) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port)),
    ):
        gate.add(event(1), event(2))
        broker.wait(lambda broker: broker.connections >= 6)
    assert gate.refused == []


def test_a_broker_that_accepts_and_hangs_up_is_not_asked_at_the_pace_of_the_first_attempt(folder: Path) -> None:
    waits_s = 0.2
    with (
        ScriptedBroker(folder, lambda broker, _: broker.hang_up()) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port), replace(QUICK, first_wait_s=waits_s, most_wait_s=60)),
    ):
        gate.add(event(1))
        broker.wait(lambda broker: broker.connections >= 3)
        with pytest.raises(AssertionError, match="not within"):
            broker.wait(lambda broker: broker.connections >= 25, within_s=2)


def test_a_refused_connection_is_tried_again(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate:
        broker._connack = b"\x00\x87\x00"
        with Uplink(settings(folder, broker.port)):
            broker.wait(lambda broker: broker.connections >= 3)
            assert gate.broker_states == [False]
            broker._connack = b"\x00\x00\x00"
            gate.wait(lambda gate: gate.broker_states == [False, True])


def test_a_broker_that_says_nothing_is_left(folder: Path) -> None:
    class Mute(ScriptedBroker):
        def send(self, first: int, content: bytes) -> None:
            if first != CONNACK << 4:
                super().send(first, content)

    with Mute(folder, ignore) as broker, Gate(folder), Uplink(settings(folder, broker.port), replace(QUICK, welcome_s=0.2)):
        broker.wait(lambda broker: broker.connections >= 2)


def test_whatever_bytes_a_broker_sends_the_uplink_connects_again(folder: Path) -> None:
    dice = random.Random(1)

    def nonsense(broker: ScriptedBroker, publish: Publish) -> None:
        if broker.connections <= 50:
            broker.send(dice.randrange(256), dice.randbytes(dice.randrange(60)))
            broker.hang_up()
        else:
            broker.puback(publish.mid)

    timing = replace(QUICK, most_wait_s=0.02)
    with ScriptedBroker(folder, nonsense) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port), timing) as uplink:
        gate.add(*(event(sequence) for sequence in range(1, 61)))  # some are taken for culprits on the way
        broker.wait(lambda broker: broker.connections > 50, within_s=30)
        gate.wait(lambda gate: gate.broker_states[-1])
    assert (uplink.error, uplink.code) == (None, 0)


def test_an_answer_to_nothing_is_no_harm(folder: Path) -> None:
    def twice(broker: ScriptedBroker, publish: Publish) -> None:
        broker.puback(publish.mid + 1000)
        broker.puback(publish.mid)
        broker.puback(publish.mid)

    with ScriptedBroker(folder, twice) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.add(*(event(sequence) for sequence in range(1, 51)))
        broker.wait(lambda broker: len(broker.bodies()) == 50)
    assert broker.connections == 1


def test_a_message_is_acknowledged_to_the_broker_only_after_the_gate_took_it(folder: Path) -> None:
    def push(broker: ScriptedBroker, publish: Publish) -> None:
        topic = ACK_TOPIC.encode()
        broker.send(PUBLISH << 4 | 2, len(topic).to_bytes(2, "big") + topic + b"\x00\x07\x00" + b"signed")
        broker.puback(publish.mid)

    with ScriptedBroker(folder, push) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.add(event(1))
        gate.wait(lambda gate: gate.received)
        broker.wait(lambda broker: broker.pubacks)
    assert [Received(ACK_TOPIC, b"signed")] == gate.received
    assert broker.pubacks == [7]


@paho_forgets_sockets
def test_a_broker_at_another_address_than_its_certificate_says_is_not_spoken_to(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port, host="localhost")):
        gate.wait(lambda gate: gate.broker_states)
        with pytest.raises(AssertionError, match="not within"):
            broker.wait(lambda broker: broker.connects, within_s=1)
    assert HOST != "localhost"


# --- the gate's health -----------------------------------------------------------------------------------------

OFTEN = replace(QUICK, word_apart_s=0.05, first_word_wait_s=0.05, most_word_wait_s=0.2)


def test_health_is_said_retained_after_the_birth_message(folder: Path) -> None:
    with ScriptedBroker(folder, take) as broker, Gate(folder) as gate:
        gate.be(b'{"health":"ok"}')
        with Uplink(settings(folder, broker.port)):
            broker.wait(lambda broker: broker.healths())
    assert [(each.topic, each.retained) for each in broker.publishes[:2]] == [(STATE_TOPIC, True), (HEALTH_TOPIC, True)]


def test_a_health_without_an_answer_keeps_its_place_in_the_window_and_holds_up_no_event(folder: Path) -> None:
    held: list[int] = []
    most = []

    def hold(broker: ScriptedBroker, publish: Publish) -> None:
        """The oldest is answered only when two are held, beside the health, and a fourth would be seen."""
        held.append(publish.mid)
        most.append(len(held))
        if len(held) >= 2:
            broker.puback(held.pop(0))

    with ScriptedBroker(folder, hold, on_word=ignore, connack=RECEIVE_MAXIMUM_3) as broker, Gate(folder) as gate:
        gate.be(b"{}")
        with Uplink(settings(folder, broker.port)):
            broker.wait(lambda broker: broker.healths())
            gate.wait_session()
            gate.add(*(event(sequence) for sequence in range(1, 101)))
            broker.wait(lambda broker: len(broker.bodies()) == 100)
    assert [event(sequence).body for sequence in range(1, 101)] == broker.bodies()
    assert (max(most), len(broker.healths()), broker.connections) == (2, 1, 1)


def test_health_goes_on_behind_a_window_full_of_events(folder: Path) -> None:
    """The broker answers nothing until it holds three events, and then one: the place that gets free is the health's."""
    held: list[int] = []

    def hold(_broker: ScriptedBroker, publish: Publish) -> None:
        held.append(publish.mid)

    with ScriptedBroker(folder, hold, connack=RECEIVE_MAXIMUM_3) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait_session()
        gate.add(*(event(sequence) for sequence in range(1, 11)))
        broker.wait(lambda broker: len(broker.bodies()) == 3)
        gate.be(b"{}")
        gate.add(event(11))
        gate.wait(lambda gate: any(give.after == 11 for give in gate.gives))  # what the gate said before has been read, too
        assert broker.healths() == []
        broker.puback(held[0])
        broker.wait_health(b"{}")
        broker.wait(lambda broker: len(broker.bodies()) == 4)  # answered, its place is an event's again


def test_where_the_broker_takes_one_at_a_time_events_and_health_both_get_through(folder: Path) -> None:
    with ScriptedBroker(folder, take, connack=RECEIVE_MAXIMUM_1) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port), OFTEN):
        gate.wait_session()
        for number in range(1, 6):
            gate.add(*(event(sequence) for sequence in range(number * 20 - 19, number * 20 + 1)))
            gate.be(b"%d" % number)
            broker.wait_health(b"%d" % number)
        broker.wait(lambda broker: len(broker.bodies()) == 100)
    assert [event(sequence).body for sequence in range(1, 101)] == broker.bodies()
    assert broker.healths() == [b"1", b"2", b"3", b"4", b"5"]
    assert broker.connections == 1


def test_a_health_that_is_never_answered_means_a_new_connection_in_its_time_and_is_said_again(folder: Path) -> None:
    with ScriptedBroker(folder, take, on_word=ignore) as broker, Gate(folder) as gate:
        gate.be(b"{}")
        with Uplink(settings(folder, broker.port), replace(OFTEN, answer_s=0.3)):
            broker.wait(lambda broker: len(broker.healths()) == 2)
    assert [each.connection for each in broker.publishes if each.topic == HEALTH_TOPIC] == [1, 2]


@pytest.mark.parametrize("code", [0x87, 0x90, 0x99])
def test_a_health_refused_for_good_is_one_line_in_the_log_and_tried_again_only_when_it_changes(
    folder: Path, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        ScriptedBroker(folder, take, on_word=lambda broker, publish: broker.puback(publish.mid, code)) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port), OFTEN),
    ):
        for number in range(1, 4):
            gate.be(b"%d" % number)
            broker.wait_health(b"%d" % number)
        gate.add(event(1))
        broker.wait(lambda broker: broker.bodies())
    assert (broker.healths(), broker.connections, gate.refused) == ([b"1", b"2", b"3"], 1, [])
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        f"the broker refuses this gate's health for good (reason code 0x{code:02x}): may the gate write there?"
    ]


def test_a_broker_without_quota_hears_the_newest_health_later(folder: Path) -> None:
    def quota(broker: ScriptedBroker, publish: Publish) -> None:
        if publish.body == b"first":
            gate.be(b"second", b"third")
        broker.puback(publish.mid, 0x97 if publish.body == b"first" else 0)

    with ScriptedBroker(folder, take, on_word=quota) as broker, Gate(folder) as gate, Uplink(settings(folder, broker.port)):
        gate.wait(lambda gate: True in gate.broker_states)
        gate.be(b"first")
        broker.wait_health(b"third")
    assert (broker.healths(), broker.connections) == ([b"first", b"third"], 1)


def test_a_health_that_must_wait_lets_events_go_on(folder: Path) -> None:
    with (
        ScriptedBroker(folder, take, on_word=lambda broker, publish: broker.puback(publish.mid, 0x97)) as broker,
        Gate(folder) as gate,
        Uplink(settings(folder, broker.port), replace(QUICK, word_apart_s=60)),
    ):
        gate.be(b"{}")
        broker.wait_health(b"{}")
        gate.add(*(event(sequence) for sequence in range(1, 101)))
        broker.wait(lambda broker: len(broker.bodies()) == 100)
    assert (broker.healths(), broker.connections) == ([b"{}"], 1)


@pytest.mark.parametrize("says", ["a reason", "nothing"])
def test_a_broker_that_ends_the_session_at_every_health_gets_all_events_all_the_same_and_none_is_accused(folder: Path, says: str) -> None:
    """Said again at once after each birth message, it would end every session before an event got out."""

    def end(broker: ScriptedBroker, _publish: Publish) -> None:
        if says == "a reason":
            broker.send(DISCONNECT << 4, b"\x87\x00")
        broker.hang_up()

    with ScriptedBroker(folder, take, on_word=end) as broker, Gate(folder) as gate:
        gate.be(b"{}")
        gate.add(*(event(sequence) for sequence in range(1, 101)))
        with Uplink(settings(folder, broker.port), replace(OFTEN, first_word_wait_s=0.5, most_word_wait_s=60)):
            broker.wait(lambda broker: len(set(broker.bodies())) == 100)
            broker.wait(lambda broker: len(broker.healths()) >= 2)
    assert gate.refused == []
