from __future__ import annotations

import pytest

from device.admission.presentations import Presentation
from device.domain import Direction, Misread, NotACredential, Track, TrackState
from device.gate.lane_wait import LANE_WAITING_MAX, LaneWait, Waiting

IN, OUT = Direction.ENTRY, Direction.EXIT


def waiting(id_: str, direction: Direction = IN, until_ns: int = 100) -> Waiting:
    track = Track(id_, TrackState.APPEARED, b"", 1, 0, 0, 0, "half")
    return Waiting(Presentation(id_, track, NotACredential(Misread.OTHER), several=False, tracks=(track,)), direction, until_ns)


def test_nobody_is_called_where_nobody_waits() -> None:
    assert (LaneWait().call(), list(LaneWait().overdue(1))) == (None, [])


def test_they_are_called_in_their_order_but_out_before_in() -> None:
    lane_wait = LaneWait()
    comers = [waiting("a"), waiting("b", OUT), waiting("c"), waiting("d", OUT)]
    assert [lane_wait.add(each) for each in comers] == [None] * 4
    called = [lane_wait.call() for _ in range(5)]
    assert called == [comers[1], comers[3], comers[0], comers[2], None]


def test_whoever_has_waited_long_enough_is_taken_away_once() -> None:
    lane_wait = LaneWait()
    for each in (waiting("a", until_ns=10), waiting("b", until_ns=30), waiting("c", OUT, until_ns=20)):
        lane_wait.add(each)
    assert [[each.presentation.id for each in lane_wait.overdue(now_ns)] for now_ns in (9, 20, 20, 30)] == [[], ["a", "c"], [], ["b"]]


@pytest.mark.parametrize(
    ("ways", "newcomer", "ousted"),
    [
        ([IN] * LANE_WAITING_MAX, IN, "new"),
        ([IN] * LANE_WAITING_MAX, OUT, f"{LANE_WAITING_MAX - 1}"),
        ([IN, *[OUT] * (LANE_WAITING_MAX - 1)], OUT, "0"),
        ([OUT] * LANE_WAITING_MAX, OUT, "new"),
        ([OUT] * LANE_WAITING_MAX, IN, "new"),
    ],
)
def test_where_there_is_no_room_the_last_who_wants_in_gives_way(ways: list[Direction], newcomer: Direction, ousted: str) -> None:
    lane_wait = LaneWait()
    for number, way in enumerate(ways):
        assert lane_wait.add(waiting(f"{number}", way)) is None
    gone = lane_wait.add(waiting("new", newcomer))
    left = {each.presentation.id for each in lane_wait.overdue(100)}
    assert gone is not None
    assert (gone.presentation.id, left) == (ousted, {*map(str, range(LANE_WAITING_MAX)), "new"} - {ousted})


def test_a_gate_that_ends_forgets_who_waits() -> None:
    lane_wait = LaneWait()
    lane_wait.add(waiting("a"))
    lane_wait.forget()
    assert (lane_wait.call(), list(lane_wait.overdue(100))) == (None, [])
