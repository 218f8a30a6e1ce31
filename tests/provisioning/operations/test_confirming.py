from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import pytest

from device.events.confirmation import RANGE_MAX, Confirmation, range_digest
from device.events.topics import Topics
from provisioning.operations.arrivals import Arrival, read
from provisioning.operations.confirming import GATE_MAX, Confirming
from provisioning.operations.intake import WAITING_MAX
from tests.provisioning.live import EPOCH, PROVINCE, SITE, decisions, event

A, B = Topics(PROVINCE, SITE, "g-a"), Topics(PROVINCE, SITE, "g-b")


def arrival(gate: str, sequence: int, *, epoch: str = EPOCH) -> Arrival:
    found = read(decisions(gate), event(gate, sequence, epoch=epoch), province=PROVINCE)
    assert isinstance(found, Arrival)
    return found


def told(*batches: list[Arrival]) -> list[tuple[str, Confirmation]]:
    confirming = Confirming()
    for batch in batches:
        confirming.add(batch)
    found = []
    while each := confirming.next():
        found.append(each)
    assert len(confirming) == 0
    return found


def test_unbroken_runs_are_confirmed_whatever_the_order_and_repetition() -> None:
    first, second = [arrival("g-a", number) for number in (5, 2, 1)], [arrival("g-a", number) for number in (2, 3)]
    assert told(first, second) == [
        (A.confirmation, Confirmation("g-a", EPOCH, 1, 3, range_digest(event("g-a", number) for number in (1, 2, 3)))),
        (A.confirmation, Confirmation("g-a", EPOCH, 5, 5, range_digest([event("g-a", 5)]))),
    ]


def test_gates_and_epochs_are_confirmed_apart_and_who_waits_longest_comes_first() -> None:
    arrivals = [arrival("g-b", 2), arrival("g-a", 1), arrival("g-a", 2, epoch="other")]
    assert [(topic, each.epoch, each.first, each.last) for topic, each in told(arrivals)] == [
        (B.confirmation, EPOCH, 2, 2),
        (A.confirmation, EPOCH, 1, 1),
        (A.confirmation, "other", 2, 2),
    ]


def test_two_devices_with_one_identity_are_confirmed_apart() -> None:
    copied = dataclasses.replace(arrival("g-a", 2), boot="another", hash=b"\x99" * 32)
    assert [(each.first, each.last) for _, each in told([arrival("g-a", 1), copied, arrival("g-a", 3)])] == [(1, 1), (2, 2), (3, 3)]


def test_no_confirmation_is_longer_than_a_gate_believes() -> None:
    one = arrival("g-a", 1)
    assert GATE_MAX <= RANGE_MAX  # so that no run is longer
    assert [(each.first, each.last) for _, each in told(list(likes(one, range(1, GATE_MAX + 1))))] == [(1, GATE_MAX)]


def likes(one: Arrival, sequences: Iterable[int]) -> Iterator[Arrival]:
    return (dataclasses.replace(one, sequence=number) for number in sequences)


def test_a_gate_with_40000_gaps_keeps_no_other_waiting() -> None:
    """The broker has room for 20 confirmations a turn, and that gate sends 20 lone events in each; the honest one sends one event."""
    confirming, told = Confirming(), dict[str, int]()
    gaps, honest = likes(arrival("g-a", 2), range(2, 80_002, 2)), likes(arrival("g-b", 1), range(1, 2001))
    confirming.add(next(gaps) for _ in range(200))
    for _ in range(1990):
        confirming.add([*(next(gaps) for _ in range(20)), next(honest)])
        for each in range(20):
            _, found = confirming.next() or pytest.fail("nobody waits")
            told[found.gate] = told.get(found.gate, 0) + 1
            assert found.gate == "g-a" or each <= 1
    assert told == {"g-a": 19 * 1990, "g-b": 1990}
    assert GATE_MAX - 20 <= len(confirming) <= GATE_MAX  # of 40,000


def test_epochs_and_boots_that_are_made_up_get_their_gate_no_second_turn() -> None:
    many = [dataclasses.replace(arrival("g-a", 2), epoch=f"e{number}", boot=f"b{number}") for number in range(10)]
    elsewhere = dataclasses.replace(arrival("g-a", 2), topics=Topics(PROVINCE, "s-998", "g-a"))
    gates = [each.gate for _, each in told([*many, elsewhere, arrival("g-b", 1), arrival("g-b", 3), arrival("g-b", 5)])]
    assert gates == ["g-a", "g-b"] * 3 + ["g-a"] * 8


def test_what_one_gate_lets_wait_is_bounded_and_what_finds_no_room_is_counted() -> None:
    confirming = Confirming()
    one = arrival("g-a", 2)
    spread = [dataclasses.replace(each, epoch=f"e{each.sequence % 3}") for each in likes(one, range(2, 2 * GATE_MAX + 20, 2))]
    assert (confirming.add(spread), len(confirming)) == (9, GATE_MAX)
    assert (confirming.add(spread[:3]), confirming.add([arrival("g-b", 1)]), len(confirming)) == (0, 0, GATE_MAX + 1)
    confirming.next()
    assert (confirming.add(spread[-9:]), len(confirming)) == (8, GATE_MAX + 1)


def test_no_gate_alone_stops_the_recorder_from_taking_more() -> None:
    assert 10 * GATE_MAX <= WAITING_MAX


def test_nothing_stored_confirms_nothing() -> None:
    assert told([]) == []
