from __future__ import annotations

from device.turnstile.actions import SwitchRelay
from device.turnstile.contacts import NS_PER_MS
from device.turnstile.lane import LaneKind, Relay
from device.turnstile.pulses import REST_NS, Pulses
from tests.device.turnstile.lanes import BOTH, lane

ENTRY, EXIT = Relay.ENTRY, Relay.EXIT
LENGTH_NS = 500 * NS_PER_MS


def pulses(pulse_ms: int = 500) -> Pulses:
    return Pulses(lane(LaneKind.FLAP, BOTH, pulse_ms=pulse_ms))


def test_a_pulse_has_its_length_and_is_over_once() -> None:
    each = pulses()
    assert each.on(ENTRY, 7) == SwitchRelay(ENTRY, on=True)
    assert (each.next_ns(), each.is_on(), each.is_on(ENTRY), each.is_on(EXIT)) == (7 + LENGTH_NS, True, True, False)
    assert each.due(6 + LENGTH_NS) == []
    assert each.due(7 + LENGTH_NS) == [SwitchRelay(ENTRY, on=False)]
    assert (each.due(8 + LENGTH_NS), each.next_ns(), each.is_on()) == ([], None, False)


def test_no_pulse_is_longer_than_the_hard_maximum() -> None:
    each = pulses(pulse_ms=10_000)
    each.on(ENTRY, 0)
    assert each.due(each.next_ns() or 0) == [SwitchRelay(ENTRY, on=False)]
    assert each.rested_ns(ENTRY) == 3000 * NS_PER_MS + REST_NS


def test_a_late_look_ends_all_that_is_over() -> None:
    each = pulses()
    each.on(ENTRY, 0)
    each.on(EXIT, 100)
    assert each.next_ns() == LENGTH_NS
    assert each.due(3600_000 * NS_PER_MS) == [SwitchRelay(ENTRY, on=False), SwitchRelay(EXIT, on=False)]


def test_a_contact_rests_from_when_it_went_off_each_by_itself() -> None:
    each = pulses()
    assert (each.rested_ns(ENTRY), each.rested_ns(None)) == (0, 0)
    each.on(ENTRY, 0)
    assert each.off(ENTRY, 100) == [SwitchRelay(ENTRY, on=False)]
    assert (each.rested_ns(ENTRY), each.rested_ns(EXIT)) == (100 + REST_NS, 0)


def test_what_is_off_is_not_switched_off_again() -> None:
    assert pulses().off(ENTRY, 5) == []


def test_relays_that_were_lost_may_have_been_on_until_they_are_reached() -> None:
    each = pulses()
    each.on(ENTRY, 0)
    each.forget()
    assert (each.is_on(), each.next_ns()) == (False, None)
    each.all_off(9000)
    assert (each.rested_ns(ENTRY), each.rested_ns(EXIT)) == (9000 + REST_NS, 0)
    each.all_off(10_000)
    assert each.rested_ns(ENTRY) == 9000 + REST_NS
