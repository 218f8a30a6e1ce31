from __future__ import annotations

from dataclasses import replace

from device.uplink.refusals import MOST, RESTS_NS, Refusals
from tests.device.uplink.scripted import event


def test_a_refused_event_rests_for_an_hour() -> None:
    refusals = Refusals()
    refusals.add(event(1), 5)
    assert [refusals.hold(event(1), now_ns) for now_ns in (5, 4 + RESTS_NS, 5 + RESTS_NS)] == [True, True, False]


def test_an_event_with_other_bytes_is_another_event() -> None:
    refusals = Refusals()
    refusals.add(event(1), 0)
    assert not refusals.hold(replace(event(1), body=b"void"), 0)
    assert not refusals.hold(event(2), 0)


def test_the_oldest_is_forgotten_when_there_are_too_many() -> None:
    refusals = Refusals()
    for sequence in range(1, MOST + 2):
        refusals.add(event(sequence), 0)
    assert [refusals.hold(event(sequence), 0) for sequence in (1, 2, MOST + 1)] == [False, True, True]
