"""The acting thread with its real clock; what it does is awaited, never slept for."""

from __future__ import annotations

import itertools
import queue
from collections.abc import Iterator
from dataclasses import replace

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from device.clock import NS, monotonic_ns
from device.domain import Crossing, CrossingKind, Direction, Grant, Passage, PassageOutcome
from device.errors import HardwareError
from device.gate.act import IDLE_NS, Act, Broken, Fact, Hint, LaneState, Moved
from device.gate.lamps import Lamps
from device.gate.outputs.gpio import GpioSwitch
from device.turnstile.actions import Alarm, Mishap
from device.turnstile.freedom import Cause
from device.turnstile.lane import LaneKind, Relay, Sensor
from device.turnstile.machine import Service, Turnstile
from device.turnstile.pulses import REST_NS
from device.turnstile.signals import Indicator, Signal
from tests.device.gate.lane_bench import LANE, LATE_NS, PULSE_NS, WAIT_S, LaneBench, grant

SENSED = replace(LANE, sensors=frozenset({Sensor.PASSED}))
GUARDED = replace(LANE, relays=frozenset({Relay.ENTRY, Relay.FREE}), sensors=frozenset({Sensor.FIRE, Sensor.KEY_RESET, Sensor.OUTER_BEAM}))
"""A lane with a fire contact and a relay that frees."""
GUARDED_BY_KEY = replace(GUARDED, sensors=frozenset({Sensor.KEY_FREE, Sensor.KEY_RESET}))

FREE = LaneState(free_by=Cause.FIRE, is_latched=True)


@pytest.fixture
def bench() -> Iterator[LaneBench]:
    with LaneBench() as bench:
        yield bench
    assert bench.lit() - {switch.name for switch in (*bench.relays.values(), *bench.lamps.values()) if False in switch.broken} == set()


@pytest.fixture
def sensed() -> Iterator[LaneBench]:
    with LaneBench(SENSED) as bench:
        yield bench
    assert bench.lit() == set()


@pytest.fixture
def guarded() -> Iterator[LaneBench]:
    with LaneBench(GUARDED) as bench:
        yield bench


def passages(bench: LaneBench, number: int) -> list[tuple[str, PassageOutcome]]:
    """The next ``number`` facts that are passages; others are passed over."""
    found: list[Passage] = []
    while len(found) < number:
        if isinstance(fact := bench.fact(), Passage):
            found.append(fact)
    return [(passage.grant_id, passage.outcome) for passage in found]


def alarms(bench: LaneBench, number: int) -> list[tuple[Mishap, bool, str]]:
    """The next ``number`` facts, which are alarms."""
    facts = [bench.fact() for _ in range(number)]
    return [(fact.what, fact.on, fact.about) for fact in facts if isinstance(fact, Alarm)]


# --- grants ----------------------------------------------------------------------------------------------------


def test_a_grant_is_one_pulse_and_a_passage(bench: LaneBench) -> None:
    asked_ns = monotonic_ns()
    bench.act.grant(grant())
    on_ns = bench.await_change("entry", on=True)
    off_ns = bench.await_change("entry", on=False)
    passage = bench.fact()
    assert isinstance(passage, Passage)
    assert (passage.grant_id, passage.outcome) == ("one", PassageOutcome.ASSUMED)
    assert 0 <= on_ns - asked_ns <= LATE_NS
    assert PULSE_NS * 0.9 <= off_ns - on_ns <= PULSE_NS + LATE_NS
    assert passage.opened_ns is not None
    assert on_ns <= passage.opened_ns <= off_ns <= passage.ended_ns + LATE_NS


def test_the_pulse_on_a_pin_has_its_length() -> None:
    factory = MockFactory()
    relay = GpioSwitch(gpiozero.DigitalOutputDevice(17, pin_factory=factory))
    facts: queue.Queue[Fact] = queue.Queue()
    act = Act(Turnstile(LANE), {Relay.ENTRY: relay}, Lamps({}), facts.put)
    act.start()
    act.grant(grant())
    facts.get(timeout=WAIT_S)
    act.stop()
    pulses = [(bool(change.state), change.timestamp) for change in factory.pin(17).states]
    assert [on for on, _ in pulses if on] == [True]
    (length_s,) = [pulses[at + 1][1] for at, (on, _) in enumerate(pulses) if on]  # a state lasts until the next one's time
    assert PULSE_NS * 0.9 <= length_s * NS <= PULSE_NS + LATE_NS


def test_the_relay_is_never_on_beyond_its_maximum() -> None:
    with LaneBench(replace(SENSED, pulse_ns=10 * NS, max_on_ns=PULSE_NS)) as bench:
        bench.act.grant(grant())
        on_ns = bench.await_change("entry", on=True)
        assert bench.await_change("entry", on=False) - on_ns <= PULSE_NS + LATE_NS


def test_a_grant_that_is_too_old_opens_nothing(bench: LaneBench) -> None:
    bench.act.grant(grant(within_ns=-1))
    passage = bench.fact()
    assert isinstance(passage, Passage)
    assert (passage.outcome, passage.opened_ns) == (PassageOutcome.TOO_LATE, None)
    bench.act.stop()
    assert "entry" not in {name for name, _ in bench.changed()}


def test_two_grants_are_two_pulses_with_a_rest_between_that_a_drive_can_see(bench: LaneBench) -> None:
    bench.act.grant(grant("one"))
    bench.act.grant(grant("two"))
    turns = [bench.await_change("entry", on=on) for on in (True, False, True, False)]
    assert turns == sorted(turns)
    assert turns[2] - turns[1] >= REST_NS * 0.9
    assert passages(bench, 2) == [("one", PassageOutcome.ASSUMED), ("two", PassageOutcome.ASSUMED)]


def test_a_person_who_passes_ends_the_grant(sensed: LaneBench) -> None:
    sensed.act.grant(grant())
    sensed.await_change("entry", on=True)
    seen_ns = sensed.move(Sensor.PASSED, closed=True)
    passage = sensed.fact()
    assert isinstance(passage, Passage)
    assert (passage.outcome, passage.ended_ns) == (PassageOutcome.TURNED, seen_ns)


def test_a_person_who_does_not_pass_leaves_it_unused() -> None:
    with LaneBench(replace(SENSED, wait_ns=2 * PULSE_NS)) as bench:
        bench.act.grant(grant())
        assert passages(bench, 1) == [("one", PassageOutcome.UNUSED)]


def test_a_person_who_passes_without_a_grant_is_reported(sensed: LaneBench) -> None:
    seen_ns = sensed.move(Sensor.PASSED, closed=True)
    assert sensed.fact() == Crossing(CrossingKind.FORCED, None, seen_ns)


def test_a_sensor_whose_word_comes_late_opens_nothing_for_a_grant_that_is_too_old() -> None:
    """As after two seconds in which the acting thread did not run."""
    now_ns = monotonic_ns()
    turnstile = Turnstile(SENSED)
    turnstile.grant(Grant("one", now_ns), now_ns - 4 * NS)
    turnstile.tick(now_ns - 3 * NS)
    turnstile.grant(Grant("two", now_ns - NS), now_ns - 2 * NS)
    bench = LaneBench(SENSED, turnstile=turnstile)
    bench.act.moved(Sensor.PASSED, closed=True, at_ns=now_ns - 3 * NS // 2)
    with bench:
        assert dict(passages(bench, 2)) == {"one": PassageOutcome.TURNED, "two": PassageOutcome.TOO_LATE}
    assert "entry" not in {name for name, _ in bench.changed()}


# --- contacts --------------------------------------------------------------------------------------------------


def test_a_fire_contact_frees_the_lane_at_once_and_tells_all_who_must_know(guarded: LaneBench) -> None:
    opened_ns = guarded.move(Sensor.FIRE, closed=False)
    assert guarded.await_change("free", on=True) - opened_ns <= LATE_NS
    assert alarms(guarded, 2) == [(Mishap.FIRE, True, ""), (Mishap.FREE, True, "fire")]
    assert guarded.marks.get(timeout=WAIT_S) is Cause.FIRE
    assert guarded.act.lane == FREE


def test_whoever_is_told_that_the_lane_is_free_finds_it_so_and_latched() -> None:
    seen: queue.Queue[LaneState] = queue.Queue()
    bench = LaneBench(GUARDED)
    bench.act._tell = lambda fact: seen.put(bench.act.lane) if isinstance(fact, Alarm) and fact.what is Mishap.FREE else None
    with bench:
        bench.move(Sensor.FIRE, closed=False)
        assert seen.get(timeout=WAIT_S) == FREE


def test_a_fire_that_is_over_leaves_the_lane_latched_until_the_key_resets_it(guarded: LaneBench) -> None:
    guarded.move(Sensor.FIRE, closed=False)
    guarded.await_change("free", on=True)
    guarded.move(Sensor.FIRE, closed=True)
    assert [guarded.marks.get(timeout=WAIT_S) for _ in range(2)] == [Cause.FIRE, Cause.LATCHED]
    assert (guarded.act.lane, "free" in guarded.lit()) == (LaneState(free_by=Cause.LATCHED, is_latched=True), True)
    guarded.move(Sensor.KEY_RESET, closed=True)
    guarded.await_change("free", on=False)
    assert guarded.marks.get(timeout=WAIT_S) is None
    guarded.await_turns()
    assert guarded.act.lane == LaneState()


def test_a_grant_that_meets_a_fire_switches_nothing(guarded: LaneBench) -> None:
    guarded.move(Sensor.FIRE, closed=False)
    guarded.await_change("free", on=True)
    guarded.act.grant(grant())
    assert passages(guarded, 1) == [("one", PassageOutcome.FREE)]
    assert "entry" not in guarded.lit()


def test_an_edge_that_was_lost_is_found_by_asking(guarded: LaneBench) -> None:
    opened_ns = guarded.move(Sensor.FIRE, closed=False, told=False)
    assert guarded.await_change("free", on=True) - opened_ns <= IDLE_NS + LATE_NS


def test_a_beam_that_chatters_hides_no_fire_whose_edge_was_lost() -> None:
    bench, levels = LaneBench(GUARDED), itertools.cycle((False, True))

    def chatter() -> bool:
        bench.act.moved(Sensor.OUTER_BEAM, closed=next(levels), at_ns=monotonic_ns())  # so that something is always told
        return True

    bench.act._alive = chatter
    with bench:
        opened_ns = bench.move(Sensor.FIRE, closed=False, told=False)
        assert bench.await_change("free", on=True) - opened_ns <= IDLE_NS + LATE_NS


def test_while_nobody_decides_the_gate_is_out_of_order_and_well_again_by_itself(guarded: LaneBench) -> None:
    guarded.decides = False
    guarded.await_change("red", on=True)
    guarded.decides = True
    guarded.await_change("red", on=False)


def test_a_fire_is_shown_though_nobody_decides(guarded: LaneBench) -> None:
    guarded.decides = False
    guarded.await_change("red", on=True)
    guarded.move(Sensor.FIRE, closed=False)
    guarded.await_change("green", on=True)


@pytest.mark.parametrize("sensor", [Sensor.FIRE, Sensor.KEY_RESET, Sensor.OUTER_BEAM])
def test_a_spike_on_a_wire_is_no_contact_though_the_thread_is_late(sensor: Sensor) -> None:
    """Both of its edges lie in the inbox when the thread comes to them."""
    bench = LaneBench(GUARDED)
    bench.act._inbox.put(Hint(Signal.TILT_IT))  # what the late thread is at
    at_rest, began_ns = bench.contacts[sensor].closed, monotonic_ns() - NS // 5
    for closed, at_ns in ((not at_rest, began_ns), (at_rest, began_ns + NS // 500)):
        bench.act._inbox.put(Moved(sensor, closed, at_ns))
    with bench:
        bench.act.show(Signal.NO)
        bench.await_change("red", on=True)
    assert bench.facts.empty()
    assert "free" not in {change[0] for change in bench.changed()}


def test_a_gate_that_starts_with_its_key_at_free_is_free_from_its_first_moment_and_ends_with_the_key() -> None:
    bench = LaneBench(GUARDED_BY_KEY, turnstile=Turnstile(GUARDED_BY_KEY, key_free=True))
    bench.contacts[Sensor.KEY_FREE].closed = True
    with bench:
        bench.await_change("free", on=True)
        bench.move(Sensor.KEY_FREE, closed=False)
        bench.await_change("free", on=False)


def test_a_key_that_is_turned_back_in_the_first_moment_of_a_latched_gate_keeps_nothing_free() -> None:
    bench = LaneBench(GUARDED_BY_KEY, turnstile=Turnstile(GUARDED_BY_KEY, latched=True, key_free=True))
    bench.contacts[Sensor.KEY_FREE].closed = True
    with bench:
        bench.move(Sensor.KEY_FREE, closed=False)
        bench.await_change("free", on=True)
        bench.move(Sensor.KEY_RESET, closed=True)
        bench.await_change("free", on=False)


def test_that_a_technician_is_at_work_is_marked_for_the_next_life(guarded: LaneBench) -> None:
    marked = []
    for service in (Service.SETUP, Service.NORMAL):
        guarded.act.order(service)
        guarded.fact()
        marked.append(guarded.service)
    assert marked == [Service.SETUP, Service.NORMAL]


def test_a_contact_that_is_open_at_the_start_is_fire() -> None:
    bench = LaneBench(GUARDED)
    bench.contacts[Sensor.FIRE].closed = False
    with bench:
        bench.await_change("free", on=True)


def test_a_contact_that_cannot_be_asked_is_told() -> None:
    class Torn:
        asked = 0

        def is_closed(self) -> bool:
            self.asked += 1
            if self.asked > 1:
                raise HardwareError("pin 5 cannot be read")
            return True

    bench = LaneBench(GUARDED)
    bench.act.start({Sensor.FIRE: Torn()})
    broken = bench.fact()
    bench.stop()
    assert isinstance(broken, Broken)
    assert broken.error.what == "pin 5 cannot be read"


# --- free, and out of service ------------------------------------------------------------------------------------


def test_a_lane_that_was_latched_is_free_from_the_first_turn() -> None:
    with LaneBench(GUARDED, turnstile=Turnstile(GUARDED, latched=True)) as bench:
        assert bench.act.lane == LaneState(free_by=Cause.LATCHED, is_latched=True)
        bench.await_change("free", on=True)
        bench.await_change("green", on=True)
        assert bench.marks.get(timeout=WAIT_S) is Cause.LATCHED
        assert alarms(bench, 1) == [(Mishap.FREE, True, "latched")]


def test_an_order_frees_the_lane_and_ends_that_again(guarded: LaneBench) -> None:
    guarded.act.order_free(free=True)
    guarded.await_change("free", on=True)
    guarded.await_turns()
    assert guarded.act.lane == LaneState(free_by=Cause.ORDER)
    guarded.act.order_free(free=False)
    guarded.await_change("free", on=False)
    assert [guarded.marks.get(timeout=WAIT_S) for _ in range(2)] == [Cause.ORDER, None]
    guarded.await_turns()
    assert guarded.act.lane == LaneState()


def test_no_order_ends_a_fire(guarded: LaneBench) -> None:
    guarded.move(Sensor.FIRE, closed=False)
    guarded.await_change("free", on=True)
    for service in Service:
        guarded.act.order(service)
    guarded.act.order_free(free=True)
    guarded.act.order_free(free=False)
    guarded.await_turns(4)
    assert (guarded.act.lane, "free" in guarded.lit()) == (replace(FREE, serves_entry=False, service=Service.TEST), True)


@pytest.mark.parametrize("service", [Service.LOCKED, Service.SETUP, Service.TEST])
def test_a_gate_that_does_not_serve_lets_nobody_in_and_says_so(bench: LaneBench, service: Service) -> None:
    bench.act.order(service)
    assert alarms(bench, 1) == [(Mishap.SERVICE, True, service)]
    bench.await_turns()
    assert bench.act.lane == LaneState(serves_entry=False, service=service)
    bench.await_change("red", on=True)
    bench.act.grant(grant())
    assert passages(bench, 1) == [("one", PassageOutcome.OUT_OF_SERVICE)]
    bench.act.order(Service.NORMAL)
    assert alarms(bench, 1) == [(Mishap.SERVICE, False, "normal")]
    bench.await_turns()
    assert (bench.act.lane, bench.lit()) == (LaneState(), set())
    assert "entry" not in {name for name, _ in bench.changed()}


def test_who_wants_out_is_let_out_of_a_gate_that_does_not_serve(bench: LaneBench) -> None:
    bench.act.order(Service.LOCKED)
    bench.act.grant(Grant("out", monotonic_ns() + NS, direction=Direction.EXIT))
    bench.await_change("entry", on=True)  # a lane with one relay
    assert passages(bench, 1) == [("out", PassageOutcome.ASSUMED)]


def test_a_lane_that_somebody_is_on_the_way_through_is_occupied(sensed: LaneBench) -> None:
    assert sensed.act.lane == LaneState()
    sensed.act.grant(grant())
    sensed.await_change("entry", on=True)
    sensed.await_turns()
    assert sensed.act.lane == LaneState(is_occupied=True)
    sensed.move(Sensor.PASSED, closed=True)
    assert passages(sensed, 1) == [("one", PassageOutcome.TURNED)]
    sensed.await_turns()
    assert sensed.act.lane == LaneState()


# --- lamps and buzzer ------------------------------------------------------------------------------------------


def test_go_is_green_and_a_short_tone(bench: LaneBench) -> None:
    bench.act.grant(grant())
    green_ns = bench.await_change("green", on=True)
    off_ns = bench.await_change("buzzer", on=False)
    assert 60_000_000 <= off_ns - green_ns <= 80_000_000 + LATE_NS
    assert "green" in bench.lit()


def test_a_signal_is_played_to_its_end_in_order(bench: LaneBench) -> None:
    bench.act.show(Signal.ONE_AT_A_TIME)
    began_ns = bench.await_change("red", on=True)
    tones = [bench.await_change("buzzer", on=on) for on in (True, False) * 4]
    assert tones == sorted(tones)
    ended_ns = bench.await_change("red", on=False)
    assert ended_ns - began_ns <= 1_000_000_000 + LATE_NS


def test_who_comes_too_late_is_told_to_show_it_again(bench: LaneBench) -> None:
    bench.act.grant(grant(within_ns=-1))
    lit_ns = [bench.await_change(lamp, on=True) for lamp in ("red", "green")]  # both at once: no other signal does that
    assert lit_ns[1] - lit_ns[0] <= LATE_NS


def test_who_comes_too_late_is_told_after_the_green_of_somebody_who_is_passing(bench: LaneBench) -> None:
    bench.act.grant(grant("one"))
    green_ns = bench.await_change("green", on=True)
    bench.act.grant(grant("two", within_ns=-1))
    dark_ns = bench.await_change("green", on=False)
    assert dark_ns - green_ns >= 2 * NS * 0.9
    assert bench.await_change("red", on=True) - dark_ns <= LATE_NS


def test_a_new_signal_replaces_the_old_one_at_once(bench: LaneBench) -> None:
    bench.act.show(Signal.NO)
    bench.await_change("red", on=True)
    bench.act.grant(grant())
    bench.await_change("red", on=False)
    bench.await_change("green", on=True)
    assert "red" not in bench.lit()


def test_a_hint_gives_way_to_every_answer(bench: LaneBench) -> None:
    bench.act.hint(Signal.TILT_IT)
    bench.await_change("red", on=True)
    bench.act.grant(grant())
    bench.await_change("entry", on=True)
    bench.await_turns()
    assert "green" in bench.lit()


def test_how_the_gate_is_waits_for_the_green_of_somebody_who_passes(bench: LaneBench) -> None:
    bench.act.grant(grant())
    green_ns = bench.await_change("green", on=True)
    bench.act.stand(Signal.OUT_OF_ORDER)
    dark_ns = bench.await_change("green", on=False)
    assert dark_ns - green_ns >= 2 * NS * 0.9
    assert bench.await_change("red", on=True) - dark_ns <= LATE_NS


def test_what_the_lane_says_of_itself_goes_before_how_the_gate_is(guarded: LaneBench) -> None:
    guarded.act.stand(Signal.OUT_OF_ORDER)
    guarded.await_change("red", on=True)
    guarded.act.order_free(free=True)
    guarded.await_change("green", on=True)
    assert "red" not in guarded.lit()
    guarded.act.order_free(free=False)
    guarded.await_change("red", on=True)
    assert "green" not in guarded.lit()


def test_green_ends_with_the_free_lane_though_others_have_not_yet_heard(guarded: LaneBench) -> None:
    guarded.act.order_free(free=True)
    guarded.act.stand(Signal.WAY_IS_FREE)  # as the recording thread says soon after
    guarded.await_change("green", on=True)
    guarded.act.order_free(free=False)
    guarded.act.show(Signal.NO)
    guarded.await_change("free", on=False)
    guarded.await_change("red", on=True)
    assert "green" not in guarded.lit()


def test_a_lamp_that_is_not_fitted_is_passed_over() -> None:
    with LaneBench(indicators=frozenset()) as bench:
        bench.act.show(Signal.NO)
        bench.act.grant(grant())
        assert isinstance(bench.fact(), Passage)


# --- relays that cannot be reached -------------------------------------------------------------------------------


def test_relays_that_are_lost_and_come_back_are_told_and_nobody_is_let_in_meanwhile(bench: LaneBench) -> None:
    bench.relays[Relay.ENTRY].lost = True
    assert alarms(bench, 1) == [(Mishap.RELAY_LOST, True, "")]
    bench.await_change("red", on=True)
    bench.act.grant(grant("one"))
    assert passages(bench, 1) == [("one", PassageOutcome.FAULT)]
    assert bench.act.lane == LaneState(serves_entry=False)
    bench.relays[Relay.ENTRY].lost = False
    assert alarms(bench, 1) == [(Mishap.RELAY_LOST, False, "")]
    bench.act.grant(grant("two"))
    assert passages(bench, 1) == [("two", PassageOutcome.ASSUMED)]


def test_nobody_is_told_to_go_where_the_relay_is_lost_in_opening() -> None:
    bench = LaneBench()
    bench.act._lost = lambda: "unplugged" if bench.act._are_lost else None  # it is noticed by switching alone
    with bench:
        bench.relays[Relay.ENTRY].lost = True
        bench.act.grant(grant())
        assert [type(fact) for fact in (bench.fact(), bench.fact())] == [Alarm, Passage]
        bench.await_turns()
        assert [name for name, on in bench.changed() if on] == ["red", "buzzer"]


def test_a_lane_that_is_to_be_free_is_so_as_soon_as_the_relays_are_back(guarded: LaneBench) -> None:
    guarded.relays[Relay.FREE].lost = True
    guarded.move(Sensor.FIRE, closed=False)
    told = {(Mishap.FIRE, True, ""), (Mishap.FREE, True, "fire"), (Mishap.RELAY_LOST, True, "")}
    assert set(alarms(guarded, 3)) == told
    guarded.relays[Relay.FREE].lost = False
    guarded.await_change("free", on=True)
    guarded.act.stop()
    assert guarded.lit() == {"free"}


# --- the end, and breakage -------------------------------------------------------------------------------------


def test_stopping_lets_go_of_everything_in_the_middle_of_a_pulse() -> None:
    bench = LaneBench(replace(LANE, pulse_ns=60 * NS, max_on_ns=60 * NS)).start()
    bench.act.grant(grant())
    bench.await_change("entry", on=True)
    bench.stop()
    assert bench.lit() == set()


def test_stopping_leaves_on_what_keeps_a_lane_free_and_nothing_else() -> None:
    """As for a barrier, whose relay raises it when the fire begins."""
    lane = replace(GUARDED, kind=LaneKind.BARRIER, relays=frozenset(Relay), pulse_ns=60 * NS, max_on_ns=60 * NS)
    bench = LaneBench(lane).start()
    bench.move(Sensor.FIRE, closed=False)
    bench.await_change("entry", on=True)
    bench.await_change("green", on=True)
    bench.stop()
    assert bench.lit() == {"free"}


def test_a_free_relay_that_was_left_on_is_let_go_where_the_lane_is_not_free() -> None:
    bench = LaneBench(GUARDED).start()
    bench.relays[Relay.FREE].on()
    bench.stop()
    assert bench.lit() == set()


def test_a_relay_that_does_not_close_is_told_and_everything_is_let_go(bench: LaneBench) -> None:
    bench.act.stand(Signal.OUT_OF_ORDER)
    bench.await_change("red", on=True)
    bench.relays[Relay.ENTRY].broken = {True}
    bench.act.grant(grant())
    broken = bench.fact()
    assert isinstance(broken, Broken)
    assert broken.error.what == "entry is broken"
    bench.act._thread.join(WAIT_S)
    assert bench.lit() == set()


def test_a_relay_that_does_not_open_again_is_told_and_the_rest_is_let_go(bench: LaneBench) -> None:
    bench.relays[Relay.ENTRY].broken = {False}
    bench.act.grant(grant())
    facts = [bench.fact(), bench.fact()]
    assert [fact.error.what for fact in facts if isinstance(fact, Broken)] == ["entry is broken"] * 2  # at the pulse's end, and when letting go
    bench.act._thread.join(WAIT_S)
    assert bench.lit() == {"entry"}


@pytest.mark.parametrize("broken", [Indicator.RED, Indicator.GREEN, Indicator.BUZZER])
def test_a_lamp_that_is_broken_does_not_keep_another_or_the_relay_on(bench: LaneBench, broken: Indicator) -> None:
    bench.lamps[broken].broken = {True, False}
    bench.act.show(Signal.ONE_AT_A_TIME)
    assert isinstance(bench.fact(), Broken)
    bench.act._thread.join(WAIT_S)
    assert bench.lit() == set()


def test_breakage_while_the_lane_is_free_leaves_it_free(guarded: LaneBench) -> None:
    guarded.move(Sensor.FIRE, closed=False)
    guarded.await_change("green", on=True)
    guarded.lamps[Indicator.GREEN].broken = {True}
    while not isinstance(guarded.fact(), Broken):  # at the next blink
        pass
    guarded.act._thread.join(WAIT_S)
    assert guarded.lit() == {"free"}


def test_the_heart_beats_while_nothing_happens(bench: LaneBench) -> None:
    bench.await_turns(1)
    before_ns = bench.act.beat_ns
    beats = [bench.turns.get(timeout=WAIT_S) for _ in range(3)]
    assert all(later - earlier <= IDLE_NS + LATE_NS for earlier, later in zip([before_ns, *beats], beats, strict=False))
    assert bench.act.beat_ns > before_ns


def test_the_heart_beats_at_each_turn(bench: LaneBench) -> None:
    bench.await_turns(1)
    began_ns = monotonic_ns()
    for _ in range(100):
        bench.act.hint(Signal.HOLD_STILL)
    bench.await_turns(50)
    assert monotonic_ns() - began_ns < 50 * IDLE_NS
