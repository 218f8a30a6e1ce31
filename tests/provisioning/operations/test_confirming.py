from __future__ import annotations

import dataclasses

from device.events.confirmation import RANGE_MAX, Confirmation, range_digest
from device.events.topics import Topics
from provisioning.operations.arrivals import Arrival, read
from provisioning.operations.confirming import Confirming
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
    assert [(each.first, each.last) for _, each in told([arrival("g-a", 1), copied, arrival("g-a", 3)])] == [(1, 1), (3, 3), (2, 2)]


def test_no_confirmation_is_longer_than_a_gate_believes() -> None:
    one = arrival("g-a", 1)
    many = [dataclasses.replace(one, sequence=number) for number in range(1, RANGE_MAX + 2)]
    assert [(each.first, each.last) for _, each in told(many)] == [(1, RANGE_MAX), (RANGE_MAX + 1, RANGE_MAX + 1)]


def test_nothing_stored_confirms_nothing() -> None:
    assert told([]) == []
