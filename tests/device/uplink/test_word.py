from __future__ import annotations

from device.clock import NS
from device.uplink.actions import Tell, Wait
from device.uplink.backoff import Backoff
from device.uplink.retained import Retained


def a_word() -> Retained:
    """Of MQTT 3.1.1, where the end of a session half a second after an answer may be the broker's true answer."""
    return Retained("health", "a/health", Backoff(1, 8, draw=lambda: 1.0), apart_ns=0, answer_within_ns=20 * NS, lingers_ns=NS // 2)


def said_and_taken(word: Retained, at_ns: int) -> bool:
    """Whether it was said at that moment; the broker takes it at once."""
    word.session_began()
    if not isinstance(word.next(at_ns, 20), Tell):
        return False
    word.sent(1, at_ns)
    word.acknowledged(at_ns)
    return True


def test_a_word_that_is_acknowledged_in_one_breath_with_the_end_of_the_session_waits_longer_each_time() -> None:
    word = a_word()
    word.put(b"{}")
    at_ns = 0
    for wait_s in (1, 2, 4, 8, 8):
        assert said_and_taken(word, at_ns)
        assert word.may_be_why(at_ns + NS // 4)
        word.session_ended(at_ns)
        word.session_began()
        assert word.next(at_ns, 20) == Wait(at_ns + wait_s * NS)
        at_ns += wait_s * NS


def test_a_session_that_outlives_the_answer_clears_the_word_and_the_waits_are_short_again() -> None:
    word = a_word()
    word.put(b"{}")
    for at_ns in (0, 10 * NS):
        assert said_and_taken(word, at_ns)
        word.session_ended(at_ns)
    assert said_and_taken(word, 20 * NS)
    assert not word.may_be_why(20 * NS + NS // 2)
    word.session_ended(21 * NS)
    assert said_and_taken(word, 21 * NS)
    word.session_ended(21 * NS)
    word.session_began()
    assert word.next(21 * NS, 20) == Wait(22 * NS)
