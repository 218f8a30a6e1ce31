from __future__ import annotations

from itertools import count
from random import Random

from device.commands.challenges import AT_ONCE, EVERY_NS, LIFE_NS, NS, OWN_MAX, Challenges
from device.commands.judge import Refusal
from device.commands.order import ALONE_WITHIN_S, TOGETHER_WITHIN_S


def made() -> Challenges:
    """Its challenges are 0, 1, 2, …"""
    numbers = count()
    return Challenges(lambda size: next(numbers).to_bytes(size, "big"))


def number(value: int) -> bytes:
    return value.to_bytes(16, "big")


def flood(challenges: Challenges, begin_ns: int, end_ns: int, *, every_ns: int = NS // 1000) -> int:
    """Somebody asks a thousand times a second for what lasts longest; how many he is given."""
    return sum(challenges.give(at_ns, lifetime_s=TOGETHER_WITHIN_S) is not None for at_ns in range(begin_ns, end_ns, every_ns))


def test_a_challenge_is_good_once() -> None:
    challenges = made()
    challenge = challenges.give(5, lifetime_s=60)
    assert challenge == number(0)
    assert [challenges.redeem(challenge, 6, within_s=60) for _ in range(2)] == [5, Refusal.REPLAYED]


def test_one_that_was_never_given_is_unknown() -> None:
    assert made().redeem(b"c" * 16, 0, within_s=60) is Refusal.UNKNOWN_CHALLENGE


def test_it_ends_with_its_own_life_or_with_the_order_s_whichever_is_first() -> None:
    for lifetime_s, within_s in ((10, 60), (60, 10)):
        for late_ns, good in ((10 * NS, True), (10 * NS + 1, False)):
            challenges = made()
            challenges.give(7, lifetime_s=lifetime_s)
            assert challenges.redeem(number(0), 7 + late_ns, within_s=within_s) == (7 if good else Refusal.EXPIRED)


def test_one_that_came_too_late_is_not_good_at_another_try() -> None:
    challenges = made()
    challenges.give(0, lifetime_s=60)
    assert challenges.redeem(number(0), 11 * NS, within_s=10) is Refusal.EXPIRED
    assert challenges.redeem(number(0), 12 * NS, within_s=60) is Refusal.REPLAYED


def test_nobody_gets_one_for_longer_than_two_signers_need() -> None:
    challenges = made()
    challenges.give(0, lifetime_s=10**6)
    assert challenges.redeem(number(0), TOGETHER_WITHIN_S * NS + 1, within_s=10**6) is Refusal.EXPIRED


def test_one_that_is_over_never_counts_again_not_even_when_it_is_forgotten() -> None:
    challenges = made()
    used, unused = (challenges.give(0, lifetime_s=60) or b"" for _ in range(2))
    assert challenges.redeem(used, 1, within_s=60) == 0
    for at_ns in range(61 * NS, 2 * LIFE_NS, 20 * NS):
        assert all(isinstance(challenges.redeem(each, at_ns, within_s=TOGETHER_WITHIN_S), Refusal) for each in (used, unused))
        challenges.give(at_ns, lifetime_s=1)
    assert {challenges.redeem(each, 2 * LIFE_NS, within_s=60) for each in (used, unused)} == {Refusal.UNKNOWN_CHALLENGE}


# --- whoever asks without end --------------------------------------------------------------------------------------


def test_many_are_given_at_once_and_then_so_many_a_second() -> None:
    challenges = made()
    assert all(challenges.give(0, lifetime_s=60) for _ in range(AT_ONCE))
    assert [challenges.give(at_ns, lifetime_s=60) for at_ns in (0, EVERY_NS - 1)] == [None, None]
    assert [challenges.give(EVERY_NS, lifetime_s=60) for _ in range(2)] == [number(AT_ONCE), None]
    assert [challenges.give(1000 * EVERY_NS, lifetime_s=60) for _ in range(AT_ONCE + 1)][-2:] == [number(2 * AT_ONCE), None]


def test_somebody_who_asks_every_two_seconds_is_in_nobody_s_way() -> None:
    challenges = made()
    for second in range(600):
        assert second % 2 or challenges.give(second * NS, lifetime_s=60)
        assert second % 10 != 5 or challenges.give(second * NS + 1, lifetime_s=60)


def test_no_flood_makes_void_what_was_given() -> None:
    challenges = made()
    alone, together = challenges.give(0, lifetime_s=ALONE_WITHIN_S), challenges.give(0, lifetime_s=TOGETHER_WITHIN_S)
    assert alone is not None
    assert together is not None
    flood(challenges, 0, ALONE_WITHIN_S * NS)
    assert challenges.redeem(alone, ALONE_WITHIN_S * NS, within_s=ALONE_WITHIN_S) == 0
    flood(challenges, ALONE_WITHIN_S * NS, TOGETHER_WITHIN_S * NS, every_ns=EVERY_NS)
    assert challenges.redeem(together, TOGETHER_WITHIN_S * NS, within_s=TOGETHER_WITHIN_S) == 0


def test_a_flood_is_given_no_more_than_its_share_and_leaves_the_rest_to_whoever_comes_then() -> None:
    challenges = made()
    assert flood(challenges, 0, 10 * NS) == AT_ONCE - 1 + 10 * NS // EVERY_NS
    assert challenges.give(10 * NS, lifetime_s=60) is not None


def test_whoever_asks_again_in_a_flood_is_answered_within_a_minute() -> None:
    """Four hundred strange questions a second, as many as a line of 50 ms takes, and three of his own."""
    waits_s = []
    for seed in range(20):
        drawn, challenges = Random(seed), made()
        asked = sorted((drawn.randrange(-NS, 60 * NS), is_his) for is_his, many in ((False, 61 * 400), (True, 61 * 3)) for _ in range(many))
        waits_s.append(next(at_ns // NS for at_ns, is_his in asked if challenges.give(at_ns, lifetime_s=60) and is_his and at_ns > 0))
    assert max(waits_s) < 60


def test_what_is_held_in_a_flood_is_bounded() -> None:
    challenges, end_ns = made(), 2 * LIFE_NS
    given = flood(challenges, 0, end_ns, every_ns=EVERY_NS // 2)
    answers = [challenges.redeem(number(each), end_ns, within_s=1) for each in range(given)]
    assert given - answers.count(Refusal.UNKNOWN_CHALLENGE) <= AT_ONCE + LIFE_NS // EVERY_NS


# --- the gate's own question ---------------------------------------------------------------------------------------


def test_the_gate_s_own_question_has_a_challenge_in_any_flood_and_keeps_it() -> None:
    challenges = made()
    flood(challenges, 0, NS)
    own = challenges.give_own(NS, lifetime_s=10)
    flood(challenges, NS, 11 * NS)
    assert challenges.redeem(own, 11 * NS, within_s=10) == NS
    assert challenges.redeem(own, 11 * NS, within_s=10) is Refusal.REPLAYED


def test_its_own_questions_cost_nobody_a_challenge() -> None:
    challenges = made()
    for _ in range(10 * AT_ONCE):
        challenges.give_own(0, lifetime_s=10)
    assert all(challenges.give(0, lifetime_s=60) for _ in range(AT_ONCE))


def test_of_its_own_the_latest_count() -> None:
    challenges = made()
    own = [challenges.give_own(0, lifetime_s=10) for _ in range(OWN_MAX + 1)]
    assert [challenges.redeem(each, 1, within_s=10) for each in own] == [Refusal.UNKNOWN_CHALLENGE] + [0] * OWN_MAX
