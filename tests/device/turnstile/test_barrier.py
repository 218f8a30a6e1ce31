from __future__ import annotations

from device.turnstile.actions import SwitchRelay
from device.turnstile.barrier import CLEAR_AT_START_NS, CLEAR_NS, LOWERING_NS, Barrier
from device.turnstile.lane import NS_PER_S, Lane, LaneKind, Relay, Sensor
from device.turnstile.pulses import REST_NS, Pulses

LOOP, BEAM = Sensor.LOOP, Sensor.OUTER_BEAM
LANE = Lane(
    LaneKind.BARRIER,
    pulse_ns=NS_PER_S // 2,
    max_on_ns=3 * NS_PER_S,
    wait_ns=5 * NS_PER_S,
    relays=frozenset({Relay.ENTRY, Relay.LOWER}),
    sensors=frozenset({LOOP, BEAM}),
)
ENDED_NS = LANE.pulse_ns  # the pulse that raised it
RESTED_NS = ENDED_NS + REST_NS
RAISE, LOWER = SwitchRelay(Relay.ENTRY, on=True), SwitchRelay(Relay.LOWER, on=True)
LOWER_OFF = SwitchRelay(Relay.LOWER, on=False)


class Lone:
    """A barrier that was raised, and whose pulses end when they should."""

    def __init__(self, *, lane: Lane = LANE, left_ns: int | None = 0) -> None:
        self.pulses = Pulses(lane)
        self.barrier = Barrier(lane, self.pulses)
        self.barrier.open(0)
        self.pulses.due(ENDED_NS)
        if left_ns is not None:
            self.barrier.leave(left_ns)

    def lower_ns(self, *, in_use: bool = False, free: bool = False) -> int | None:
        return self.barrier.next_ns(in_use=in_use, free=free)

    def lowered(self, now_ns: int) -> list[SwitchRelay]:
        told = self.barrier.lower(now_ns, in_use=False, free=False)
        self.pulses.due(now_ns + LANE.pulse_ns)
        return told


def test_it_stays_up_while_somebody_may_drive_in() -> None:
    assert Lone(left_ns=None).lower_ns() is None
    assert Lone().lower_ns(in_use=True) is None
    assert Lone().lower_ns(free=True) is None


def test_it_is_left_when_nobody_is_let_through_any_more() -> None:
    lone = Lone(left_ns=None)
    lone.barrier.tick(NS_PER_S, in_use=True, free=False)
    assert lone.lower_ns() is None
    lone.barrier.tick(NS_PER_S, in_use=False, free=False)
    assert lone.lower_ns() == NS_PER_S + CLEAR_NS


def test_it_comes_down_when_nothing_has_been_below_for_a_while() -> None:
    lone = Lone(left_ns=5)
    assert lone.lower_ns() == 5 + CLEAR_NS
    lone.barrier.below(LOOP, NS_PER_S, occupied=True)
    assert lone.lower_ns() is None
    lone.barrier.below(BEAM, 2 * NS_PER_S, occupied=True)
    lone.barrier.below(LOOP, 3 * NS_PER_S, occupied=False)
    assert lone.lower_ns() is None
    lone.barrier.below(BEAM, 4 * NS_PER_S, occupied=False)
    assert lone.lower_ns() == 4 * NS_PER_S + CLEAR_NS
    assert lone.lowered(4 * NS_PER_S + CLEAR_NS - 1) == []
    assert lone.lowered(4 * NS_PER_S + CLEAR_NS) == [LOWER]


def test_a_gate_that_starts_waits_longer_and_takes_it_for_raised() -> None:
    pulses = Pulses(LANE)
    barrier = Barrier(LANE, pulses)
    barrier.leave(0, at_start=True)
    assert barrier.next_ns(in_use=False, free=False) == CLEAR_AT_START_NS


def test_after_a_loss_of_its_relays_it_is_taken_for_raised_again() -> None:
    lone = Lone()
    lone.lowered(CLEAR_NS)
    lone.barrier.leave(20 * NS_PER_S)
    assert lone.lower_ns() is None
    lone.barrier.leave(20 * NS_PER_S, at_start=True)
    assert lone.lower_ns() == 20 * NS_PER_S + CLEAR_AT_START_NS


def test_it_is_lowered_once() -> None:
    lone = Lone()
    lone.lowered(CLEAR_NS)
    assert lone.lower_ns() is None
    lone.barrier.below(LOOP, 60 * NS_PER_S, occupied=True)
    lone.barrier.below(LOOP, 70 * NS_PER_S, occupied=False)
    assert lone.lower_ns() is None


def test_what_comes_below_on_its_way_down_has_it_raised() -> None:
    lone = Lone()
    lone.lowered(CLEAR_NS)
    assert lone.barrier.below(LOOP, CLEAR_NS + NS_PER_S, occupied=False) == []
    assert lone.barrier.below(LOOP, CLEAR_NS + LOWERING_NS - 1, occupied=True) == [RAISE]


def test_an_order_to_lower_ends_before_the_order_to_raise_begins() -> None:
    lone = Lone()
    assert lone.barrier.lower(CLEAR_NS, in_use=False, free=False) == [LOWER]
    assert lone.barrier.below(LOOP, CLEAR_NS + 1, occupied=True) == [LOWER_OFF, RAISE]


def test_what_comes_below_when_it_is_down_has_it_left() -> None:
    lone = Lone()
    lone.lowered(CLEAR_NS)
    assert lone.barrier.below(LOOP, CLEAR_NS + LOWERING_NS, occupied=True) == []


def test_it_is_not_lowered_blindly() -> None:
    lone = Lone()
    lone.barrier.stuck(LOOP, 1, stuck=True)
    assert (lone.barrier.is_blind, lone.lower_ns()) == (True, None)
    lone.barrier.stuck(LOOP, 2, stuck=False)
    assert (lone.barrier.is_blind, lone.lower_ns()) == (False, CLEAR_NS)


def test_it_is_raised_when_it_goes_blind_on_its_way_down() -> None:
    lone = Lone()
    lone.lowered(CLEAR_NS)
    assert lone.barrier.stuck(LOOP, CLEAR_NS + NS_PER_S, stuck=True) == [RAISE]
    assert lone.barrier.stuck(LOOP, CLEAR_NS + 2 * NS_PER_S, stuck=False) == []


def test_without_a_loop_or_an_order_for_it_it_is_never_lowered() -> None:
    for relays, sensors in (({Relay.ENTRY}, {LOOP}), ({Relay.ENTRY, Relay.LOWER}, {BEAM})):
        lane = Lane(LaneKind.BARRIER, NS_PER_S // 2, 3 * NS_PER_S, 5 * NS_PER_S, relays=frozenset(relays), sensors=frozenset(sensors))
        assert Lone(lane=lane).lower_ns() is None


def test_an_order_to_rise_that_its_relay_cannot_take_is_made_up_for_while_it_is_needed() -> None:
    lone = Lone()
    lone.lowered(CLEAR_NS)
    lone.barrier.lost(lost=True)
    assert lone.barrier.below(LOOP, CLEAR_NS + NS_PER_S, occupied=True) == []
    lone.barrier.lost(lost=False)
    assert lone.barrier.tick(CLEAR_NS + 2 * NS_PER_S, in_use=False, free=False) == [RAISE]


def test_an_order_to_rise_that_came_in_its_relays_rest_is_made_up_for_after_it() -> None:
    lone = Lone()
    assert lone.barrier.become_free(ENDED_NS) == []
    assert lone.barrier.next_ns(in_use=False, free=True) == RESTED_NS
    assert lone.barrier.tick(RESTED_NS - 1, in_use=False, free=True) == []
    assert lone.barrier.tick(RESTED_NS, in_use=False, free=True) == [RAISE]


def test_nobody_who_needs_it_any_more_has_it_rise_no_more() -> None:
    lone = Lone()
    lone.barrier.become_free(ENDED_NS)
    assert lone.barrier.tick(RESTED_NS, in_use=False, free=False) == []
    assert lone.lower_ns() == CLEAR_NS
