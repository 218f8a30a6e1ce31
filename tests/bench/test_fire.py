"""The short form of the fire's benchmark, and the proof that it would notice a gate that idles."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.figures import NS_PER_MS
from tests.bench.fire import Outcome, Shape, Trial, figures, run
from tests.bench.full_load import Load

SHORT = Shape(trials=6, entries=2000, backlog=20_000, width=640, height=480)
BELIEVED_MS = 10.0
LATE_MS = 2000.0
"""A gate that waits for its disk would be later; a busy machine is not."""

LOADED = Load(
    lasted_s=100.0,
    frames=1000,
    decisions=100,
    passages=100,
    confirmed=3000,
    backlog=1,
    swaps=1,
    stalls=20,
    longest_commit_ms=2000.0,
    longest_answer_ms=2000.0,
)
STALLS = ((0, 100), (200, 300))


def outcome(*opened_ns: int, load: Load = LOADED) -> Outcome:
    return Outcome([Trial(at_ns, at_ns + int(at_ns * NS_PER_MS)) for at_ns in opened_ns], STALLS, (), load)


def test_a_fire_opens_a_gate_that_does_all_at_once() -> None:
    told: list[str] = []
    measured = run(SHORT, told.append)
    assert len(measured.trials) == SHORT.trials
    assert all(BELIEVED_MS <= trial.took_ms < LATE_MS for trial in measured.trials), measured.trials
    assert measured.load.doubts() == []
    assert told[0] != ""


def test_a_gate_that_idles_is_no_gate_under_load() -> None:
    idle = Load(
        lasted_s=100.0,
        frames=199,
        decisions=49,
        passages=0,
        confirmed=1999,
        backlog=0,
        swaps=0,
        stalls=9,
        longest_commit_ms=30.0,
        longest_answer_ms=40.0,
    )
    assert LOADED.doubts() == []
    assert idle.doubts() == [
        "frames: 199 in 100 s",
        "decisions: 49 in 100 s",
        "confirmed: 1999 in 100 s",
        "stalls: 9 in 100 s",
        "no list was swapped",
        "the backlog was drained before the end",
        "the disk held nobody up: the longest answer took 40 ms",
    ]


def test_trials_that_miss_the_stalls_of_the_disk_are_not_enough() -> None:
    assert outcome(50, 150, 250).doubts() == []
    assert outcome(*range(100, 200), 250).doubts() == ["1 of 101 trials fell into a stall of the disk"]
    assert outcome(50, load=replace(LOADED, swaps=0)).doubts() == ["no list was swapped"]


def test_trials_are_told_by_the_phase_that_they_fell_into() -> None:
    measured = outcome(50, 150, 250)
    assert (measured.stalled, measured.running, measured.swapping) == ([50.0, 250.0], [150.0], [])
    assert figures(measured)["fire_to_open_p50"] == (150.0, "ms")
    assert figures(measured)["fire_trials_stalled"] == (2, "of 3 trials")
