from __future__ import annotations

import pytest

from provisioning.simulation.samples import NOTHING, Sample, percentile, together


def test_samples_of_all_processes_are_added_up_and_the_oldest_event_is_the_fleets() -> None:
    one = Sample(at_ns=70, up=2, made=10, confirmed=7, waiting=3, refused=1, oldest_ns=50, delays_ms=(1, 2))
    two = Sample(at_ns=60, up=3, made=20, confirmed=20, waiting=0, refused=0, oldest_ns=None, delays_ms=(3,))
    assert together([one, two]) == Sample(at_ns=60, up=5, made=30, confirmed=27, waiting=3, refused=1, oldest_ns=50, delays_ms=(1, 2, 3))
    assert together([]) == NOTHING


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_a_value_that_was_seen(percent: float, expected: int) -> None:
    assert percentile(list(range(100, 0, -1)), percent) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile([], 99) is None
