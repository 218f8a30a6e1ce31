from __future__ import annotations

import pytest

from device.domain import Direction
from device.turnstile.lane import CLOSED_AT_REST, PROFILES, LaneKind, PowerLoss, Profile, Relay, Sensor
from tests.device.turnstile.lanes import BOTH, ONE, lane


def test_every_kind_of_lane_has_a_profile_and_says_what_a_loss_of_power_does() -> None:
    assert {kind: PROFILES[kind].power_loss for kind in LaneKind} == {
        LaneKind.TRIPOD: PowerLoss.ARM_DROPS,
        LaneKind.FLAP: PowerLoss.OPEN,
        LaneKind.TWO_WAY: PowerLoss.ARM_DROPS,
        LaneKind.WIDE: PowerLoss.OPEN,
        LaneKind.BARRIER: PowerLoss.CLOSED,
        LaneKind.NONE: PowerLoss.OPEN,
    }


def test_only_a_barrier_comes_down_on_what_stands_below() -> None:
    assert [kind for kind in LaneKind if PROFILES[kind].lowers] == [LaneKind.BARRIER]
    assert lane(LaneKind.BARRIER, ONE).profile == Profile(PowerLoss.CLOSED, lowers=True)


def test_a_broken_wire_is_taken_for_the_worst() -> None:
    worst = {Sensor.FIRE, Sensor.BREAK_GLASS, Sensor.TAMPER, Sensor.MAINS, Sensor.NOT_READY, Sensor.LOOP, Sensor.OUTER_BEAM, Sensor.INNER_BEAM}
    assert worst == CLOSED_AT_REST


@pytest.mark.parametrize(
    ("relays", "way_in", "way_out"),
    [
        (BOTH, Relay.ENTRY, Relay.EXIT),
        (ONE, Relay.ENTRY, Relay.ENTRY),
        ((), None, None),
    ],
)
def test_each_way_has_its_relay_or_they_share_one(relays: tuple[Relay, ...], way_in: Relay | None, way_out: Relay | None) -> None:
    built = lane(LaneKind.FLAP, relays)
    assert (built.relay_for(Direction.ENTRY), built.relay_for(Direction.EXIT)) == (way_in, way_out)
