from __future__ import annotations

import pytest

from device.admission.folded import FoldedCounts
from device.domain import Reason

LINK, OTHER = Reason.LINK, Reason.NOT_A_PASS
PERIOD_NS = 10


@pytest.mark.parametrize("singly", [0, 1, 3])
def test_the_first_of_each_period_stand_by_themselves(singly: int) -> None:
    counts: FoldedCounts[Reason] = FoldedCounts(singly, PERIOD_NS)
    for began_ns in (7, 7 + PERIOD_NS, 7 + 5 * PERIOD_NS):
        assert [counts.folds(OTHER, began_ns + at) for at in range(5)] == [False] * singly + [True] * (5 - singly)


def test_a_period_is_told_when_it_is_over_and_until_it_is_settled() -> None:
    counts: FoldedCounts[Reason] = FoldedCounts(1, PERIOD_NS)
    for reason in (LINK, LINK, OTHER, OTHER):
        counts.folds(reason, 3)
    before, over, again = (counts.due(now_ns) for now_ns in (12, 13, 40))
    counts.settle(over)
    assert (before, over, again, counts.due(40)) == ({}, {LINK: 1, OTHER: 2}, {LINK: 1, OTHER: 2}, {})


def test_what_begins_a_period_is_not_told_with_the_last_one() -> None:
    counts: FoldedCounts[Reason] = FoldedCounts(0, PERIOD_NS)
    counts.folds(LINK, 0)
    counts.folds(OTHER, PERIOD_NS)
    assert (counts.due(PERIOD_NS), counts.due(2 * PERIOD_NS)) == ({LINK: 1}, {LINK: 1, OTHER: 1})


def test_what_counts_as_several_is_summed_by_what_it_is() -> None:
    counts: FoldedCounts[tuple[str, bool]] = FoldedCounts(1, PERIOD_NS)
    folded = [counts.folds(*each) for each in ((("a", True), 0, 5), (("a", True), 1, 5), (("a", False), 2, 2), (("a", True), 3, 3))]
    assert (folded, counts.due(PERIOD_NS)) == ([False, True, True, True], {("a", True): 8, ("a", False): 2})


def test_what_is_over_and_not_settled_is_added_to() -> None:
    counts: FoldedCounts[Reason] = FoldedCounts(0, PERIOD_NS)
    counts.folds(LINK, 0, 3)
    told = counts.due(PERIOD_NS)
    counts.folds(LINK, PERIOD_NS, 4)
    counts.settle(told)
    assert counts.due(2 * PERIOD_NS) == {LINK: 4}
