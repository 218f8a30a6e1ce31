from __future__ import annotations

import pytest

from device.domain import Crossing, CrossingKind, Direction
from device.turnstile.beams import Walked
from device.turnstile.lane import NS_PER_S, Lane, LaneKind, Relay
from device.turnstile.witness import ACCUSED_INTERVAL_NS, BEHIND_NS, CLOSE_BEHIND_NS, Witness

ENTRY, EXIT = Direction.ENTRY, Direction.EXIT
FORCED, TAILGATED, UNIDENTIFIED, COUNTED = CrossingKind.FORCED, CrossingKind.TAILGATED, CrossingKind.UNIDENTIFIED, CrossingKind.COUNTED
LATE_NS = 100 * NS_PER_S


def lane(kind: LaneKind = LaneKind.FLAP, *relays: Relay) -> Lane:
    return Lane(kind, NS_PER_S // 2, 3 * NS_PER_S, 5 * NS_PER_S, relays=frozenset(relays or {Relay.ENTRY}))


def walked(at_ns: int = LATE_NS, way: Direction | None = ENTRY, bodies: int = 1) -> Walked:
    return Walked(way, bodies, at_ns - NS_PER_S // 10, at_ns)


def kind(witness: Witness, seen: Walked, *, sure: bool = True) -> CrossingKind | None:
    crossing = witness.sees(seen, seen.ended_ns, sure=sure)
    return crossing.kind if crossing else None


def test_who_goes_against_a_closed_lane_has_forced_it() -> None:
    assert Witness(lane()).sees(walked(bodies=2), LATE_NS, sure=True) == Crossing(FORCED, ENTRY, LATE_NS, 2)


@pytest.mark.parametrize(
    ("behind_ns", "expected"),
    [(0, UNIDENTIFIED), (CLOSE_BEHIND_NS, UNIDENTIFIED), (CLOSE_BEHIND_NS + 1, TAILGATED), (BEHIND_NS, TAILGATED), (BEHIND_NS + 1, FORCED)],
)
def test_who_follows_is_told_by_how_closely(behind_ns: int, expected: CrossingKind) -> None:
    witness = Witness(lane())
    witness.passed(LATE_NS)
    assert kind(witness, walked(LATE_NS + behind_ns)) is expected


def test_nobody_follows_through_a_tripod() -> None:
    witness = Witness(lane(LaneKind.TRIPOD))
    witness.passed(LATE_NS)
    assert kind(witness, walked(LATE_NS + 1)) is FORCED


def test_who_came_in_while_he_might_is_not_accused_however_slow() -> None:
    witness = Witness(lane())
    witness.might(LATE_NS)
    assert kind(witness, Walked(ENTRY, 1, LATE_NS, LATE_NS + 60 * NS_PER_S)) is UNIDENTIFIED
    assert kind(witness, Walked(ENTRY, 1, LATE_NS + 1, LATE_NS + 60 * NS_PER_S)) is FORCED


def test_what_one_sensor_is_not_sure_of_accuses_nobody() -> None:
    assert kind(Witness(lane()), walked(way=None), sure=False) is UNIDENTIFIED


def test_the_way_out_is_nobodys_business_where_no_relay_guards_it() -> None:
    assert kind(Witness(lane()), walked(way=EXIT)) is COUNTED
    assert kind(Witness(lane(LaneKind.TWO_WAY, Relay.ENTRY, Relay.EXIT)), walked(way=EXIT)) is FORCED


def test_where_nothing_moves_nobody_forces_anything() -> None:
    assert kind(Witness(lane(LaneKind.NONE)), walked()) is UNIDENTIFIED


def test_accusations_are_a_second_apart_and_everything_else_is_told_each_time() -> None:
    witness = Witness(lane())
    assert [kind(witness, walked(LATE_NS + after)) for after in (0, 1, ACCUSED_INTERVAL_NS - 1, ACCUSED_INTERVAL_NS)] == [FORCED, None, None, FORCED]
    assert [kind(witness, walked(LATE_NS + after, EXIT)) for after in (0, 1)] == [COUNTED, COUNTED]
