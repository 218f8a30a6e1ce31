from __future__ import annotations

from device.uplink.walk import Walk
from tests.device.uplink.scripted import event


def taken(walk: Walk, *sequences: int) -> tuple[list[int], int, bool]:
    """What of the page is taken, how far the walk is then, and whether it has ended."""
    return [each.sequence for each in walk.take([event(sequence) for sequence in sequences])], walk.after, walk.done


def test_a_walk_goes_on_behind_each_page_and_ends_at_its_end() -> None:
    walk = Walk(-3, 9)
    assert [taken(walk, -2, -1, 4), taken(walk, 5, 7), taken(walk, 9)] == [([-2, -1, 4], 4, False), ([5, 7], 7, False), ([9], 9, True)]


def test_what_lies_beyond_is_left_and_ends_it() -> None:
    assert taken(Walk(0, 9), 8, 9, 10) == ([8, 9], 9, True)


def test_a_page_with_nothing_of_it_ends_it_so_that_no_gate_is_asked_for_ever() -> None:
    assert [taken(Walk(5, 9)), taken(Walk(5, 9), 1, 5), taken(Walk(5, 9), 10)] == [([], 9, True)] * 3


def test_an_empty_way_is_walked_before_it_begins() -> None:
    assert Walk(9, 9).done
