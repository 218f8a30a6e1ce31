from __future__ import annotations

from itertools import count

from device.commands.challenges import A_MINUTE, MINUTE_NS, NS, OPEN_MAX, Challenges
from device.commands.judge import Refusal
from device.commands.order import TOGETHER_WITHIN_S


def made() -> Challenges:
    """Its challenges are 0, 1, 2, …"""
    numbers = count()
    return Challenges(lambda size: next(numbers).to_bytes(size, "big"))


def number(value: int) -> bytes:
    return value.to_bytes(16, "big")


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


def test_the_oldest_makes_room_when_too_many_are_open() -> None:
    challenges = made()
    for _ in range(OPEN_MAX + 1):
        challenges.give(0, lifetime_s=60)
    assert challenges.redeem(number(0), 0, within_s=60) is Refusal.UNKNOWN_CHALLENGE
    assert [challenges.redeem(number(each), 0, within_s=60) for each in range(1, OPEN_MAX + 1)] == [0] * OPEN_MAX


def test_so_many_are_given_within_a_minute_and_no_more() -> None:
    challenges = made()
    assert all(challenges.give(at, lifetime_s=60) for at in range(A_MINUTE))
    assert [challenges.give(at, lifetime_s=60) for at in (A_MINUTE, MINUTE_NS - 1)] == [None, None]
    assert [challenges.give(MINUTE_NS, lifetime_s=60), challenges.give(MINUTE_NS, lifetime_s=60)] == [number(A_MINUTE), None]
