"""The slot as a table: each line is (second, what happened, what the slot does then)."""

from __future__ import annotations

import random
from collections.abc import Callable

from device.clock import NS
from device.uplink.actions import Stuck, Tell, Wait
from device.uplink.backoff import Backoff
from device.uplink.retained import Retained

Happening = Callable[[Retained, int], object]


def a_slot() -> Retained:
    """A second between two words, an answer within 20 s, and waits of 1, 2, 4, 8, 8 … s."""
    return Retained("health", "a/health", Backoff(1, 8, draw=lambda: 1.0), apart_ns=NS, answer_within_ns=20 * NS)


def at(second: float) -> int:
    return int(second * NS)


def do(slot: Retained, second: float, *, room: int = 20) -> str:
    """What the slot wants now, in short words; what it wants said is sent."""
    match slot.next(at(second), room):
        case Tell("a/health", body, retained=True):
            slot.sent(1, at(second))
            return f"say {body.decode()}"
        case Stuck(waited_ns):
            return f"stuck for {waited_ns / NS:g}"
        case Wait(None):
            return "wait"
        case Wait(int(until_ns)):
            return f"wait until {until_ns / NS:g}"
    raise AssertionError("another topic")


def play(slot: Retained, *lines: tuple[float, Happening, str]) -> None:
    for second, happens, expected in lines:
        happens(slot, at(second))
        assert expected == do(slot, second), f"at {second} s"


def put(*words: str) -> Happening:
    def happens(slot: Retained, _now_ns: int) -> None:
        for word in words:
            slot.put(word.encode())

    return happens


def began(slot: Retained, _now_ns: int) -> None:
    slot.session_began()


def ended(slot: Retained, now_ns: int) -> None:
    slot.session_ended(now_ns)


def acknowledged(slot: Retained, now_ns: int) -> None:
    slot.acknowledged(now_ns)


def refused(slot: Retained, now_ns: int) -> None:
    slot.refused(now_ns)


def postponed(slot: Retained, now_ns: int) -> None:
    slot.postponed(now_ns)


def forgotten(slot: Retained, _now_ns: int) -> None:
    slot.forget()


def nothing(_slot: Retained, _now_ns: int) -> None: ...


def test_nothing_is_said_before_the_gate_has_said_anything() -> None:
    play(a_slot(), (0, nothing, "wait"), (1, began, "wait"), (2, put("ok"), "say ok"))


def test_a_change_is_said_at_once_and_once() -> None:
    play(a_slot(), (5, put("ok"), "say ok"), (5.1, acknowledged, "wait"), (9, put("ok"), "wait"), (10, put("degraded"), "say degraded"))


def test_of_a_flutter_the_last_is_said_a_second_later_and_none_between() -> None:
    play(
        a_slot(),
        (5, put("a"), "say a"),
        (5.1, acknowledged, "wait"),
        (5.2, put("b", "c", "b"), "wait until 6"),
        (5.9, put("d"), "wait until 6"),
        (6, nothing, "say d"),
    )


def test_a_flutter_that_ends_where_it_began_says_nothing() -> None:
    play(a_slot(), (5, put("a"), "say a"), (5.1, acknowledged, "wait"), (5.2, put("b", "a"), "wait"), (6, nothing, "wait"))


def test_one_word_at_a_time_is_under_way() -> None:
    play(a_slot(), (5, put("a"), "say a"), (9, put("b"), "wait until 25"), (9.5, acknowledged, "say b"))


def test_a_full_window_is_waited_for_without_a_date() -> None:
    slot = a_slot()
    slot.put(b"a")
    assert (do(slot, 5, room=0), do(slot, 6, room=1)) == ("wait", "say a")


def test_a_new_connection_hears_it_again_yet_no_sooner_than_a_second_later() -> None:
    play(a_slot(), (5, put("a"), "say a"), (5.1, acknowledged, "wait"), (5.2, ended, "wait"), (5.3, began, "wait until 6"), (6, nothing, "say a"))


def test_an_answer_that_stays_out_is_stuck() -> None:
    play(a_slot(), (5, put("a"), "say a"), (24.9, nothing, "wait until 25"), (25, nothing, "stuck for 20"))


def test_a_word_unanswered_at_the_end_of_a_session_stays_behind_longer_each_time() -> None:
    slot, second = a_slot(), 100.0
    for wait_s in (1, 2, 4, 8, 8):
        waits = f"wait until {second + wait_s:g}"
        play(slot, (second, put("a"), "say a"), (second, ended, waits), (second, began, waits))
        second += wait_s
    play(slot, (second, nothing, "say a"), (second, acknowledged, "wait"), (second, ended, "wait"), (second + 1, began, "say a"))
    play(slot, (200, ended, "wait until 201"))  # begun again with short waits


def test_what_the_broker_does_not_take_now_is_tried_again_and_the_newest_instead_of_it() -> None:
    play(
        a_slot(),
        (5, put("a"), "say a"),
        (5.1, postponed, "wait until 6.1"),
        (5.5, put("b"), "wait until 6.1"),
        (6.1, nothing, "say b"),
        (6.5, postponed, "wait until 8.5"),
    )


def test_what_is_refused_for_good_is_forgotten_over_all_connections_until_another_word() -> None:
    play(
        a_slot(),
        (5, put("a"), "say a"),
        (5.1, refused, "wait"),
        (50, put("a"), "wait"),
        (51, began, "wait"),
        (52, put("b"), "say b"),
        (52.1, acknowledged, "wait"),
        (60, put("a"), "say a"),
    )


def test_after_refusals_the_next_words_are_tried_less_and_less_often() -> None:
    play(
        a_slot(),
        (5, put("a"), "say a"),
        (5.1, refused, "wait"),
        (5.2, put("b"), "wait until 6.1"),
        (6.1, nothing, "say b"),
        (6.2, refused, "wait"),
        (6.3, put("c"), "wait until 8.2"),
    )


def test_a_gate_that_begins_afresh_is_heard_with_a_word_that_was_refused() -> None:
    play(a_slot(), (5, put("a"), "say a"), (5.1, refused, "wait"), (9, forgotten, "wait"), (9, put("a"), "say a"))


def test_a_first_refusal_is_news_and_the_next_only_after_a_word_was_taken() -> None:
    slot = a_slot()
    seen = [slot.was_refused]
    for happens in (refused, refused, acknowledged, refused):
        happens(slot, 0)
        seen.append(slot.was_refused)
    assert seen == [False, True, True, False, True]


def test_a_gate_that_is_gone_leaves_nothing_to_say_and_a_new_one_repeats_nothing() -> None:
    play(
        a_slot(),
        (5, put("a"), "say a"),
        (5.1, acknowledged, "wait"),
        (5.2, put("b"), "wait until 6"),
        (5.3, forgotten, "wait"),
        (7, put("a"), "wait"),
        (8, forgotten, "wait"),
        (9, began, "wait"),
    )


def test_whatever_happens_words_lie_a_second_apart_and_the_last_is_the_one_the_broker_keeps() -> None:
    for seed in range(50):
        dice, slot = random.Random(seed), a_slot()
        second, kept, newest, said_at = 0.0, "", "", [-1.0]
        under_way: str | None = None
        for turn in range(500):
            second += dice.choice([0.01, 0.1, 0.7])
            if turn < 400:
                newest = dice.choice("abc")
                slot.put(newest.encode())
            if under_way and dice.random() < 0.6:
                happens = dice.choice([acknowledged, postponed, ended]) if turn < 400 else acknowledged
                happens(slot, at(second))
                if happens is acknowledged:
                    kept = under_way
                if happens is ended:
                    slot.session_began()
                under_way = None
            words = do(slot, second)
            if words.startswith("say"):
                assert under_way is None
                assert second - said_at[-1] >= 0.999_999
                said_at.append(second)
                under_way = words[-1]
        assert (kept, under_way) == (newest, None), f"seed {seed}"
