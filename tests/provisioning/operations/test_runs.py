from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.operations.runs import Run, Runs

CHAIN = [b"", *(bytes([number]) * 32 for number in range(1, 60))]
"""The hash of the event at each sequence."""


def filled(*sequences: int) -> Runs:
    runs = Runs()
    assert all([runs.add(each, before=CHAIN[each - 1] or None, link=CHAIN[each]) for each in sequences])  # noqa: C419 - add every one
    return runs


def ends(runs: Runs) -> list[tuple[int, int]]:
    return [(run.first, run.last) for run in runs]


@given(st.permutations(range(1, 12)).flatmap(lambda order: st.integers(0, 11).map(lambda count: order[:count])))
def test_whatever_the_order_the_runs_are_those_of_the_sequences(order: list[int]) -> None:
    runs = filled(*order)
    there = sorted(order)
    cuts = [0, *(at for at, (one, other) in enumerate(pairwise(there), start=1) if other != one + 1), len(there)]
    assert ends(runs) == [(there[first], there[last - 1]) for first, last in pairwise(cuts) if there]
    assert [number for first, last in runs.missing() for number in range(first, last + 1)] == sorted(
        set(range(1, max(order, default=0))) - set(order)
    )


@given(st.permutations(range(1, 9)), st.integers(2, 8))
def test_a_broken_link_is_noticed_from_whichever_side_it_comes(order: list[int], broken: int) -> None:
    runs = Runs()
    sound = [runs.add(each, before=b"\xff" * 32 if each == broken else CHAIN[each - 1] or None, link=CHAIN[each]) for each in order]
    assert sound.count(False) == 1


def test_a_hash_that_nobody_knows_contradicts_nothing() -> None:
    runs = Runs([Run(1, 4, None, None)])
    assert runs.add(5, before=CHAIN[9], link=CHAIN[5])
    assert runs.add(7, before=None, link=CHAIN[7])
    assert runs.add(6, before=CHAIN[5], link=CHAIN[6])
    assert ends(runs) == [(1, 7)]


def test_what_has_to_be_written_down_is_what_changed() -> None:
    runs = Runs([Run(1, 4, None, CHAIN[4]), Run(6, 9, CHAIN[5], CHAIN[9])])
    runs.add(5, before=CHAIN[4], link=CHAIN[5])
    assert (runs.removed, runs.changed) == ({6}, {1: Run(1, 9, None, CHAIN[9])})


@pytest.mark.parametrize(
    ("settled", "missing"),
    [([], [(1, 2), (4, 4), (6, 8)]), ([(1, 2)], [(4, 4), (6, 8)]), ([(2, 7)], [(1, 1), (8, 8)]), ([(1, 2**63 - 1)], [])],
)
def test_what_was_given_up_is_not_missing(settled: list[tuple[int, int]], missing: list[tuple[int, int]]) -> None:
    assert list(filled(3, 5, 9).missing(settled)) == missing
