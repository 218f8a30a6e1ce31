from __future__ import annotations

from collections import Counter

from device.clock import NS
from tests.soak.people.crowd import Pace
from tests.soak.people.tripod import Gait, Tripod

MINUTE_NS = 60 * NS


def test_whoever_walks_turns_it_once_and_whoever_follows_or_dawdles_is_held_by_the_arm() -> None:
    tripod = Tripod(Pace(), seed=1)
    turned: Counter[Gait] = Counter()
    for number in range(1, 201):
        for at_ns in tripod.release(number * MINUTE_NS):
            turned[tripod.releases[-1].gait] += tripod.push(at_ns)
    of_gait = Counter(each.gait for each in tripod.releases)
    assert of_gait.keys() == set(Gait)
    assert {gait: count for gait, count in turned.items() if count} == {gait: of_gait[gait] for gait in (Gait.WALKS, Gait.IS_FOLLOWED)}
    assert tripod.held_back == of_gait[Gait.IS_FOLLOWED] + of_gait[Gait.DAWDLES]
    assert [each.gait for each in tripod.releases if each.turned_ns is None and each.gait not in (Gait.STAYS, Gait.DAWDLES)] == []


def test_it_never_turns_without_being_released() -> None:
    tripod = Tripod(Pace(), seed=1)
    assert not tripod.push(MINUTE_NS)
    tripod.release(MINUTE_NS)
    assert not tripod.push(MINUTE_NS + int(Pace().unlocked_s * NS))
