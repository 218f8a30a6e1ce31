from __future__ import annotations

from collections import Counter

from tests.soak.people.crowd import OFTEN, Forcing, Manner, Pace, Rush, Showing, plan

HOUR = Rush(per_minute=20, for_s=3600, forced=6)
FIVE_MINUTES = Rush(per_minute=25, for_s=300)


def test_a_crowd_makes_as_many_presentations_as_were_asked_for_each_in_its_time() -> None:
    coming = plan([HOUR, FIVE_MINUTES], Pace(), seed=1)
    shown = [each for each in coming if isinstance(each, Showing)]
    first, second = ([each for each in shown if begin_s <= each.at_s < end_s] for begin_s, end_s in ((0, 3600), (3600, 3900)))
    assert [sum(each.presentations for each in part) for part in (first, second)] == [1200, 125]
    assert sum(isinstance(each, Forcing) for each in coming) == 7
    assert coming == sorted(coming, key=lambda each: each.at_s)


def test_a_crowd_has_people_of_every_manner_and_is_the_same_every_time() -> None:
    coming = plan([HOUR], Pace(), seed=1)
    manners = Counter(each.manner for each in coming if isinstance(each, Showing))
    assert manners.keys() == OFTEN.keys() == set(Manner)
    assert coming == plan([HOUR], Pace(), seed=1)
    assert coming != plan([HOUR], Pace(), seed=2)


def test_people_hold_a_code_for_one_to_four_seconds_and_there_is_room_for_all() -> None:
    shown = [each for each in plan([FIVE_MINUTES], Pace(), seed=1) if isinstance(each, Showing)]
    held_s = [code.until_s - code.from_s for each in shown if each.manner is Manner.HOLDS for code in each.held]
    assert 1 <= min(held_s) <= max(held_s) <= 4
    assert sum(each.length_s + Pace().gap_s for each in shown) < FIVE_MINUTES.for_s
