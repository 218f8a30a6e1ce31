from __future__ import annotations

import pytest

from device.clock import NS
from device.domain import StoredEvent
from device.links import Lane
from device.settings import Protocol
from device.uplink import packets
from device.uplink.actions import Publish
from device.uplink.culprit import LINGERS_S, SILENT_ENDS_NEEDED, WORDS_NEEDED, Culprit
from device.uplink.drain import Drain
from device.uplink.refusals import Refusals
from tests.device.uplink.scripted import event

NOT_AUTHORISED = 0x87


def drain(*in_flight: int, suspects: frozenset[int] = frozenset()) -> Drain:
    """With these events in flight."""
    made = Drain(
        Refusals(),
        live_after=0,
        window=20,
        confirm_within_ns=NS,
        answer_within_ns=NS,
        pace_per_s=1,
        suspects=suspects,
        lingers_ns=int(LINGERS_S * NS),
    )
    for sequence in in_flight:
        made.sent(sequence, Publish(event(sequence), replayed=True), 0)
    return made


def ended(culprit: Culprit, *in_flight: int, code: int | None = NOT_AUTHORISED, beside_events: bool = False) -> StoredEvent | None:
    """A session ended; what came over into it from the one before are the suspects."""
    return culprit.session_ended(drain(*in_flight, suspects=culprit.suspects), code, 0, beside_events=beside_events)


def ended_after(culprit: Culprit, sequence: int, wait_s: float) -> StoredEvent | None:
    """The broker acknowledged one event, and ``wait_s`` later it ended the session without a word."""
    made = drain(sequence)
    made.acknowledged(sequence, 0)
    return culprit.session_ended(made, None, int(wait_s * NS), beside_events=False)


def test_all_that_was_in_flight_at_a_lasting_reason_travels_alone() -> None:
    culprit = Culprit(Protocol.MQTT_5)
    assert (ended(culprit, 3, 4, -5), culprit.suspects) == (None, frozenset({3, 4, -5}))


@pytest.mark.parametrize("code", [*sorted(packets.LASTING), packets.MALFORMED])
def test_whoever_is_alone_at_two_lasting_reasons_running_is_the_culprit(code: int) -> None:
    culprit = Culprit(Protocol.MQTT_5)
    assert [ended(culprit, 4, code=code) for _ in range(WORDS_NEEDED)] == [None, event(4)]


@pytest.mark.parametrize("code", [None, 0x8B, 0x97])
def test_with_mqtt_5_a_line_that_breaks_accuses_nobody_and_clears_nobody(code: int | None) -> None:
    culprit = Culprit(Protocol.MQTT_5)
    ended(culprit, 4)
    assert [ended(culprit, 4, code=code) for _ in range(9)] == [None] * 9
    assert (culprit.suspects, ended(culprit, 4)) == (frozenset({4}), event(4))


def test_before_mqtt_5_whoever_is_alone_at_three_ends_running_is_the_culprit() -> None:
    culprit = Culprit(Protocol.MQTT_3_1_1)
    assert ended(culprit, 3, 4, code=None) is None
    assert [ended(culprit, 4, code=None) for _ in range(SILENT_ENDS_NEEDED)] == [None, None, event(4)]


def test_before_mqtt_5_one_that_was_acknowledged_in_the_same_breath_is_the_culprit_too() -> None:
    """mosquitto 2.0.11 acknowledges what it does not allow, and hangs up."""
    culprit = Culprit(Protocol.MQTT_3_1_1)
    assert [ended_after(culprit, 4, LINGERS_S / 2) for _ in range(SILENT_ENDS_NEEDED)] == [None, None, event(4)]


def test_an_acknowledgement_long_before_the_end_has_nothing_to_do_with_it() -> None:
    culprit = Culprit(Protocol.MQTT_3_1_1)
    assert ([ended_after(culprit, 4, LINGERS_S) for _ in range(9)], culprit.suspects) == ([None] * 9, frozenset())


def test_one_that_the_broker_takes_is_none() -> None:
    culprit = Culprit(Protocol.MQTT_3_1_1)
    for _ in range(9):
        assert [ended(culprit, 4, code=None) for _ in range(SILENT_ENDS_NEEDED - 1)] == [None, None]
        culprit.cleared(event(4))


def test_another_one_alone_begins_the_count_anew() -> None:
    culprit = Culprit(Protocol.MQTT_3_1_1)
    assert [ended(culprit, sequence, code=None) for sequence in (4, 4, 5, 4, 4)] == [None] * 5


def test_an_end_with_nothing_in_flight_accuses_nobody() -> None:
    culprit = Culprit(Protocol.MQTT_3_1_1)
    assert ([ended(culprit, code=None) for _ in range(9)], culprit.suspects) == ([None] * 9, frozenset())


def test_beside_something_else_no_event_is_alone() -> None:
    culprit = Culprit(Protocol.MQTT_3_1_1)
    assert [ended(culprit, 4, code=None, beside_events=True) for _ in range(9)] == [None] * 9


def test_in_a_new_epoch_nobody_is_suspected() -> None:
    culprit = Culprit(Protocol.MQTT_5)
    ended(culprit, 4)
    culprit.forget()
    assert (culprit.suspects, ended(culprit, 4)) == (frozenset(), None)


def test_the_event_itself_counts_and_not_its_place_which_a_void_may_take() -> None:
    culprit = Culprit(Protocol.MQTT_5)
    ended(culprit, 4)
    void = StoredEvent(4, event(4).type, b"void")
    made = drain()
    made.sent(4, Publish(void, replayed=True), 0)
    assert culprit.session_ended(made, NOT_AUTHORISED, 0, beside_events=False) is None


def test_the_lane_of_a_suspect_does_not_matter() -> None:
    made = drain(suspects=frozenset({1}))
    made.given(Lane.LIVE, [event(1), event(2)], 0)
    assert made.next(Lane.LIVE, 0) == Publish(event(1), replayed=False)
