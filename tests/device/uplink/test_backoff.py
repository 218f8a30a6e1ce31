from __future__ import annotations

from device.uplink.backoff import Backoff


def test_waits_are_drawn_below_a_ceiling_that_doubles_to_its_maximum() -> None:
    backoff = Backoff(0.2, 30, draw=lambda: 0.5)
    assert [backoff.wait_s() for _ in range(10)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 15, 15]


def test_a_session_that_ends_at_once_changes_nothing() -> None:
    backoff = Backoff(0.2, 30, draw=lambda: 1)
    waits = []
    for _ in range(4):
        backoff.lasted(0.9)
        waits.append(backoff.wait_s())
    assert waits == [0.2, 0.4, 0.8, 1.6]


def test_a_session_that_lasted_longer_than_any_wait_begins_anew() -> None:
    backoff = Backoff(0.2, 30, draw=lambda: 1)
    waits = [backoff.wait_s() for _ in range(5)]
    backoff.lasted(6.3)
    waits.append(backoff.wait_s())
    backoff.lasted(13)
    waits.append(backoff.wait_s())
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 0.2]


def test_by_itself_it_draws_evenly_between_nothing_and_the_ceiling() -> None:
    waits = [Backoff(1, 1).wait_s() for _ in range(2000)]
    assert (round(min(waits), 1), round(sum(waits) / 2000, 1), round(max(waits), 1)) == (0.0, 0.5, 1.0)
