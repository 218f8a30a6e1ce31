from __future__ import annotations

from device.clock import NS
from device.commands import challenges
from device.uplink.actions import Stuck, Tell, Wait
from device.uplink.backoff import Backoff
from device.uplink.sayings import WAITING_MAX, Sayings

WITHIN_NS = 20 * NS


def sayings(*bodies: bytes) -> Sayings:
    """With ``bodies`` to say, an answer within 20 s, and waits of 1, 2, 4, 8, 8 … s."""
    made = Sayings(Backoff(1, 8, draw=lambda: 1.0), answer_within_ns=WITHIN_NS)
    for body in bodies:
        assert made.put("reply/1", body)
    return made


def told(body: bytes) -> Tell:
    return Tell("reply/1", body, retained=False)


def test_answers_are_said_once_each_in_order_one_at_a_time() -> None:
    said = sayings(b"a", b"b")
    assert said.next(0, 20) == told(b"a")
    said.sent(7, 0)
    assert said.next(0, 20) == Wait(WITHIN_NS)
    said.acknowledged(0)
    assert said.next(1, 20) == told(b"b")
    said.sent(8, 1)
    said.acknowledged(0)
    assert said.next(2, 20) == Wait(None)


def test_a_full_window_is_waited_for_without_a_date() -> None:
    said = sayings(b"a")
    assert (said.next(0, 0), said.next(0, 1)) == (Wait(None), told(b"a"))


def test_of_more_than_the_queue_holds_the_oldest_is_dropped() -> None:
    said = sayings(*(b"%d" % number for number in range(WAITING_MAX)))
    assert not said.put("reply/1", b"one more")
    assert said.next(0, 20) == told(b"1")


def test_what_is_refused_postponed_or_under_way_at_the_end_of_a_session_is_dropped_and_the_next_waits_longer_each_time() -> None:
    said = sayings(b"a", b"b", b"c", b"d")
    second = 0
    for wait_s, happens in ((1, said.refused), (2, said.postponed), (4, said.session_ended)):
        said.next(second * NS, 20)
        said.sent(1, second * NS)
        happens(second * NS)
        assert said.next(second * NS, 20) == Wait((second + wait_s) * NS)
        second += wait_s
    assert said.next(second * NS, 20) == told(b"d")


def test_a_session_that_ends_between_two_answers_drops_none() -> None:
    said = sayings(b"a")
    said.session_ended(0)
    said.session_began()
    assert said.next(0, 20) == told(b"a")


def test_an_answer_of_the_broker_that_stays_out_is_stuck() -> None:
    said = sayings(b"a")
    said.next(0, 20)
    said.sent(1, 0)
    assert [said.next(at_ns, 20) for at_ns in (WITHIN_NS - 1, WITHIN_NS)] == [Wait(WITHIN_NS), Stuck(WITHIN_NS)]


def test_a_first_refusal_is_news_and_the_next_only_after_one_was_taken() -> None:
    said = sayings()
    seen = []
    for taken in (False, False, True, False):
        if taken:
            said.acknowledged(0)
        else:
            said.refused(0)
        seen.append(said.was_refused)
    assert seen == [True, True, False, True]


def test_a_gate_that_is_gone_leaves_nothing_to_say() -> None:
    said = sayings(b"a")
    said.forget()
    assert said.next(0, 20) == Wait(None)


def test_the_challenges_that_a_gate_gives_at_once_push_no_answer_out() -> None:
    assert challenges.AT_ONCE < WAITING_MAX
