from __future__ import annotations

import pytest

from device.gate.gaps import GAPS_MAX, Gaps


@pytest.mark.parametrize(
    ("there", "last", "missing"),
    [
        ([], 0, []),
        ([], 5, [(1, 5)]),
        ([1, 2, 3], 3, []),
        ([1, 2, 3], 5, [(4, 5)]),
        ([3, 4, 7], 7, [(1, 2), (5, 6)]),
    ],
)
def test_what_is_missing_is_told_in_ranges(there: list[int], last: int, missing: list[tuple[int, int]]) -> None:
    gaps = Gaps()
    for number in there:
        gaps.add([number])
    assert gaps.until(last) == missing


def test_many_gaps_become_a_bounded_number_that_still_covers_all() -> None:
    gaps, there = Gaps(), range(2, 1000, 2)
    gaps.add(there)
    found = gaps.until(1000)
    missing = {number for first, last in found for number in range(first, last + 1)}
    assert (len(found), missing >= set(range(1, 1000)) - set(there)) == (GAPS_MAX + 1, True)
