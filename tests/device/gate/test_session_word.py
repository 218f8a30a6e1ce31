from __future__ import annotations

from device.clock import NS
from device.gate.session_word import APART_NS, SessionWord
from device.links import BrokerState

THERE, AWAY = BrokerState(True), BrokerState(False)
START_NS = 5 * NS


def made() -> tuple[SessionWord, list[BrokerState]]:
    handed_on: list[BrokerState] = []
    return SessionWord(handed_on.append), handed_on


def test_a_change_is_handed_on_at_once() -> None:
    word, handed_on = made()
    for number, state in enumerate((AWAY, THERE, AWAY, AWAY)):
        word.take(state, START_NS + number * APART_NS)
        assert handed_on[number:] == [state]


def test_of_what_is_said_within_a_second_the_last_is_handed_on_when_it_is_over() -> None:
    word, handed_on = made()
    for state in (AWAY, THERE, AWAY, THERE):
        word.take(state, START_NS)
    word.look(START_NS + APART_NS - 1)
    assert handed_on == [AWAY]
    for later_ns in (APART_NS, 2 * APART_NS):
        word.look(START_NS + later_ns)
    assert handed_on == [AWAY, THERE]


def test_an_uplink_that_says_it_without_end_is_heard_once_a_second() -> None:
    word, handed_on = made()
    for number in range(20_000):
        now_ns = START_NS + number * NS // 1000
        word.take(BrokerState(bool(number % 2)), now_ns)
        word.look(now_ns)
    assert len(handed_on) == 20


def test_nothing_is_handed_on_of_an_uplink_that_is_gone_and_the_next_one_gets_no_faster_answers() -> None:
    word, handed_on = made()
    word.take(AWAY, START_NS)
    word.take(THERE, START_NS)
    word.forget()
    word.look(START_NS + APART_NS - 1)
    word.take(AWAY, START_NS + APART_NS - 1)
    assert handed_on == [AWAY]
    word.look(START_NS + APART_NS)
    assert handed_on == [AWAY, AWAY]
