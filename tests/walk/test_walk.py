"""That the walk finds what it is to find, and that it finds nothing in the turnstile as it is."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from device.turnstile.lane import Drive, LaneKind
from device.turnstile.machine import Turnstile
from tests.walk.__main__ import walk_round
from tests.walk.faults import FAULTS
from tests.walk.lanes import LANES, TIMES
from tests.walk.steps import Step, What
from tests.walk.trace import Trace, drawn, shortest, wrong_in

TRACES_MAX = 1000


def found(make: type[Turnstile]) -> tuple[Trace, str]:
    chance = random.Random(make.__name__)
    for _ in range(TRACES_MAX):
        trace = drawn(chance, chance.choice(LANES), 60)
        if (wrong := wrong_in(trace, make)) is not None:
            return trace, wrong
    raise AssertionError(f"nothing found in {TRACES_MAX} traces")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_every_planted_fault_is_found_and_told_shortly(fault: type[Turnstile]) -> None:
    trace, wrong = found(fault)
    short = shortest(trace, fault)
    assert wrong_in(short, fault) == wrong
    assert wrong.startswith("ViolationError: ")
    assert len(short.steps) <= 10
    assert wrong_in(short) is None, "it is the fault's doing"


def test_a_round_walks_every_lane_and_brings_about_all_that_may_be() -> None:
    tally, findings = walk_round(7, 0)
    assert findings == []
    rare = {"passage unknown", "crossing tailgated"}
    seldom = {what for what, often in tally.items() if often < 10} - rare
    assert (seldom, tally.keys() >= WANTED) == (set(), True)


WANTED = {
    *("entry pulse", "exit pulse", "lower pulse", "relays lost", "relays back", "start"),
    *(f"passage {outcome}" for outcome in ("turned", "assumed", "free", "unused", "too_late", "out_of_service", "fault")),
    *(f"crossing {kind}" for kind in ("forced", "unidentified", "counted")),
    *(f"alarm {what}" for what in ("free", "fire", "break_glass", "held", "barrier_stays_up", "sensor_stuck", "relay_lost", "service")),
}


def test_the_same_seed_walks_the_same_way() -> None:
    one, other = (Counter[str](), Counter[str]())
    for tally in (one, other):
        chance = random.Random(3)
        for lane in LANES[::50]:
            wrong_in(drawn(chance, lane, 20), tally=tally)
    assert one == other


def test_lanes_are_all_that_can_be_built() -> None:
    assert len(set(LANES)) == len(LANES)
    assert {(lane.kind, lane.drive) for lane in LANES} == {(kind, drive) for kind in LaneKind for drive in Drive}
    assert {lane.pulse_ns // 1_000_000 for lane in LANES} == {times.pulse_ms for times in TIMES}


def test_a_trace_reads_as_what_happened() -> None:
    trace = Trace(LANES[0], (Step(What.ORDER_FREE, (True,), 1_500_000), Step(What.TICK, (), 5_000_000, in_time=False)), wired=True)
    assert str(trace).splitlines() == [
        "tripod, pulse, entry, no sensor, pulse 500 of 3000 ms, by contacts that bounce",
        "  after 1.5 ms: order_free(True)",
        "  after 5 ms, ticked late: tick()",
    ]
