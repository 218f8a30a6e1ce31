"""The short form of ``make faults``, and the proof that it would notice a missing ``failsafe``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.kills import trial
from tests.faults.people import Crowd
from tests.faults.relay_board import frames
from tests.faults.verdict import on_times_s, violations
from tests.faults.world import MAX_ON_S, World

KILLS = 15
DOWN_S = 1.5


def test_kills_at_random_instants_lose_nothing_and_let_nobody_in_twice(tmp_path: Path) -> None:
    tried = trial(tmp_path, kills=KILLS, seed=2)
    assert tried.violations == [], tried.summary


@pytest.mark.parametrize("with_failsafe", [True, False])
def test_a_gate_that_dies_with_its_relay_on_and_stays_away_is_made_safe_by_failsafe_alone(tmp_path: Path, with_failsafe: bool) -> None:
    with World(tmp_path, crowd=Crowd(groups=1, size=6, times=1), with_failsafe=with_failsafe, seed=5) as world:
        assert world.relay_went_on.wait(timeout=20)
        _keep_gate_away(world)
        world.settle()
        world.stop_gate()
        found = violations(world.records(), world.edges)
    too_long = [time_s for time_s in on_times_s(world.edges) if time_s > MAX_ON_S]
    if with_failsafe:
        assert found == []
    else:
        assert len([each for each in found if each.startswith("the relay was on for ")]) == len(too_long) >= 1
        # the next gate lets go, and may let somebody in at once
        assert {each.partition(" for ")[0] for each in found} <= {"the relay was on", "the relay rested"}


def _keep_gate_away(world: World) -> None:
    """Kill the gate, and every successor that the launcher starts, for a while."""
    until_s = time.monotonic() + DOWN_S
    while time.monotonic() < until_s:
        world.kill("gate")
        time.sleep(0.01)  # the next life begins whenever the launcher likes


def test_the_relay_board_takes_whole_frames_out_of_torn_ones() -> None:
    received = bytearray(b"\x01\xa0\x01" + b"\xa0\x01\x01\xa2" + b"\xa0\x01\x00\xa1\xa0")
    assert frames(received) == [(1, 1), (1, 0)]
    assert received == b"\xa0"
