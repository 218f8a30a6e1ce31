"""The acting thread with its real clock; what it does is awaited, never slept for."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from dataclasses import dataclass, field

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from device.clock import NS, monotonic_ns
from device.domain import Grant, Passage, PassageOutcome
from device.errors import HardwareError
from device.gate.act import Act, Broken, Fact, PersonPassed
from device.gate.outputs.gpio import GpioSwitch
from device.turnstile.machine import REST_NS, Lane, ReportForced, Turnstile
from device.turnstile.signals import Indicator, Signal

PULSE_NS = NS // 10
LATE_NS = NS  # what a busy machine may take, seen: 0.16 s; how exact a pulse is, the lab measures
WAIT_S = 5.0


@dataclass
class Watched:
    """A switch that tells each change, and breaks when it is told to."""

    name: str
    told: queue.Queue[tuple[str, bool, int]]
    broken: set[bool] = field(default_factory=set)
    is_on: bool = False

    def on(self) -> None:
        self._switch(on=True)

    def off(self) -> None:
        self._switch(on=False)

    def _switch(self, *, on: bool) -> None:
        if on in self.broken:
            raise HardwareError(f"{self.name} is broken")
        if on is not self.is_on:
            self.told.put((self.name, on, monotonic_ns()))
        self.is_on = on

    def close(self) -> None:
        self.off()


class Bench:
    def __init__(self, *, has_sensor: bool = False, wait_ns: int = 10 * NS, pulse_ns: int = PULSE_NS, max_on_ns: int = 5 * PULSE_NS) -> None:
        self.changes: queue.Queue[tuple[str, bool, int]] = queue.Queue()
        self.facts: queue.Queue[Fact] = queue.Queue()
        self.relay = Watched("relay", self.changes)
        self.lamps = {indicator: Watched(indicator, self.changes) for indicator in Indicator}
        lane = Lane(pulse_ns=pulse_ns, max_on_ns=max_on_ns, wait_ns=wait_ns, has_sensor=has_sensor)
        self.act = Act(Turnstile(lane), self.relay, self.lamps, self.facts.put)

    def await_change(self, name: str, *, on: bool) -> int:
        """When ``name`` switched; what else happens meanwhile is passed over."""
        while True:
            change, state, at_ns = self.changes.get(timeout=WAIT_S)
            if (change, state) == (name, on):
                return at_ns

    def changed(self) -> list[tuple[str, bool, int]]:
        """What has switched since it was last asked."""
        return [self.changes.get() for _ in range(self.changes.qsize())]

    def fact(self) -> Fact:
        return self.facts.get(timeout=WAIT_S)

    def lit(self) -> set[str]:
        return {switch.name for switch in (self.relay, *self.lamps.values()) if switch.is_on}


@pytest.fixture
def bench() -> Iterator[Bench]:
    yield from running(Bench())


@pytest.fixture
def sensed() -> Iterator[Bench]:
    yield from running(Bench(has_sensor=True))


def running(bench: Bench) -> Iterator[Bench]:
    bench.act.start()
    yield bench
    bench.act.stop()
    assert not bench.act._thread.is_alive()
    assert bench.lit() - {switch.name for switch in (bench.relay, *bench.lamps.values()) if False in switch.broken} == set()


def grant(id_: str = "one", *, within_ns: int = NS) -> Grant:
    return Grant(id_, monotonic_ns() + within_ns)


def test_a_grant_is_one_pulse_and_a_passage(bench: Bench) -> None:
    asked_ns = monotonic_ns()
    bench.act.grant(grant())
    on_ns = bench.await_change("relay", on=True)
    off_ns = bench.await_change("relay", on=False)
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
    lane = Lane(pulse_ns=PULSE_NS, max_on_ns=NS, wait_ns=NS, has_sensor=False)
    act = Act(Turnstile(lane), relay, {}, facts.put)
    act.start()
    act.grant(grant())
    facts.get(timeout=WAIT_S)
    act.stop()
    pulses = [(bool(change.state), change.timestamp) for change in factory.pin(17).states]
    assert [on for on, _ in pulses if on] == [True]
    (length_s,) = [pulses[at + 1][1] for at, (on, _) in enumerate(pulses) if on]  # a state lasts until the next one's time
    assert PULSE_NS * 0.9 <= length_s * NS <= PULSE_NS + LATE_NS


def test_the_relay_is_never_on_beyond_its_maximum() -> None:
    for bench in running(Bench(pulse_ns=10 * NS, max_on_ns=PULSE_NS, has_sensor=True)):
        bench.act.grant(grant())
        on_ns = bench.await_change("relay", on=True)
        assert bench.await_change("relay", on=False) - on_ns <= PULSE_NS + LATE_NS


def test_a_grant_that_is_too_old_opens_nothing(bench: Bench) -> None:
    bench.act.grant(grant(within_ns=-1))
    passage = bench.fact()
    assert isinstance(passage, Passage)
    assert (passage.outcome, passage.opened_ns) == (PassageOutcome.TOO_LATE, None)
    bench.act.stop()
    assert "relay" not in {name for name, _, _ in bench.changed()}


def test_two_grants_are_two_pulses_with_a_rest_between_that_a_drive_can_see(bench: Bench) -> None:
    bench.act.grant(grant("one"))
    bench.act.grant(grant("two"))
    turns = [bench.await_change("relay", on=on) for on in (True, False, True, False)]
    assert turns == sorted(turns)
    assert turns[2] - turns[1] >= REST_NS * 0.9
    assert [fact.grant_id for fact in (bench.fact(), bench.fact()) if isinstance(fact, Passage)] == ["one", "two"]


def test_a_person_who_passes_ends_the_grant(sensed: Bench) -> None:
    sensed.act.grant(grant())
    sensed.await_change("relay", on=True)
    sensed.act.person_passed()
    passage = sensed.fact()
    assert isinstance(passage, Passage)
    assert passage.outcome is PassageOutcome.TURNED


def test_a_person_who_does_not_pass_leaves_it_unused() -> None:
    for bench in running(Bench(has_sensor=True, wait_ns=2 * PULSE_NS)):
        bench.act.grant(grant())
        passage = bench.fact()
        assert isinstance(passage, Passage)
        assert passage.outcome is PassageOutcome.UNUSED


def test_a_person_who_passes_without_a_grant_is_reported(sensed: Bench) -> None:
    sensed.act.person_passed()
    assert isinstance(sensed.fact(), ReportForced)


def test_a_sensor_whose_word_comes_late_opens_nothing_for_a_grant_that_is_too_old() -> None:
    """As after two seconds in which the acting thread did not run."""
    bench, now_ns = Bench(has_sensor=True), monotonic_ns()
    turnstile = bench.act._turnstile
    turnstile.grant(Grant("one", now_ns), now_ns - 4 * NS)
    turnstile.tick(now_ns - 3 * NS)
    turnstile.grant(Grant("two", now_ns - NS), now_ns - 2 * NS)
    bench.act._inbox.put(PersonPassed(now_ns - 3 * NS // 2))
    for each in running(bench):
        passages = [fact for fact in (each.fact(), each.fact()) if isinstance(fact, Passage)]
        assert [(passage.grant_id, passage.outcome) for passage in passages] == [("one", PassageOutcome.TURNED), ("two", PassageOutcome.TOO_LATE)]
        assert passages[0].ended_ns == now_ns - 3 * NS // 2
    assert "relay" not in {name for name, _, _ in bench.changed()}


# --- lamps and buzzer ------------------------------------------------------------------------------------------


def test_go_is_green_and_a_short_tone(bench: Bench) -> None:
    bench.act.grant(grant())
    green_ns = bench.await_change("green", on=True)
    off_ns = bench.await_change("buzzer", on=False)
    assert 60_000_000 <= off_ns - green_ns <= 80_000_000 + LATE_NS
    assert "green" in bench.lit()


def test_a_signal_is_played_to_its_end_in_order(bench: Bench) -> None:
    bench.act.show(Signal.ONE_AT_A_TIME)
    began_ns = bench.await_change("red", on=True)
    tones = [bench.await_change("buzzer", on=on) for on in (True, False) * 4]
    assert tones == sorted(tones)
    ended_ns = bench.await_change("red", on=False)
    assert ended_ns - began_ns <= 1_000_000_000 + LATE_NS


def test_who_comes_too_late_is_told_to_show_it_again(bench: Bench) -> None:
    bench.act.grant(grant(within_ns=-1))
    lit_ns = [bench.await_change(lamp, on=True) for lamp in ("red", "green")]  # both at once: no other signal does that
    assert lit_ns[1] - lit_ns[0] <= LATE_NS


def test_who_comes_too_late_is_told_after_the_green_of_somebody_who_is_passing(bench: Bench) -> None:
    bench.act.grant(grant("one"))
    green_ns = bench.await_change("green", on=True)
    bench.act.grant(grant("two", within_ns=-1))
    dark_ns = bench.await_change("green", on=False)
    assert dark_ns - green_ns >= 2 * NS * 0.9
    assert bench.await_change("red", on=True) - dark_ns <= LATE_NS


def test_a_new_signal_replaces_one_that_has_not_begun(bench: Bench) -> None:
    bench.act.grant(grant("one"))
    bench.act.grant(grant("two", within_ns=-1))
    bench.await_change("relay", on=False)
    bench.act.show(Signal.ANOTHER_CODE)
    for _ in range(4):
        bench.await_change("red", on=False)
    bench.act.stop()
    assert [name for name, on, _ in bench.changed() if on] == []


def test_a_new_signal_replaces_the_old_one_at_once(bench: Bench) -> None:
    bench.act.show(Signal.OUT_OF_ORDER)
    bench.await_change("red", on=True)
    bench.act.grant(grant())
    bench.await_change("red", on=False)
    bench.await_change("green", on=True)
    assert "red" not in bench.lit()


def test_a_hint_is_shown_where_nothing_else_is_and_never_over_another_signal(bench: Bench) -> None:
    bench.act.grant(grant())
    bench.await_change("green", on=True)
    bench.act.hint(Signal.OUT_OF_ORDER)  # any signal can be one; this one is red only
    bench.await_change("green", on=False)
    assert [name for name, on, _ in bench.changed() if on] == []
    bench.act.hint(Signal.HOLD_STILL)
    lit_ns = [bench.await_change(lamp, on=True) for lamp in ("red", "green")]
    assert lit_ns[1] - lit_ns[0] <= LATE_NS


def test_a_hint_gives_way_to_every_other_signal(bench: Bench) -> None:
    bench.act.hint(Signal.TILT_IT)
    bench.await_change("red", on=True)
    bench.act.grant(grant())
    bench.await_change("relay", on=True)
    assert "green" in bench.lit()


def test_how_the_gate_is_waits_for_the_green_of_somebody_who_passes(bench: Bench) -> None:
    bench.act.grant(grant())
    green_ns = bench.await_change("green", on=True)
    bench.act.stand(Signal.OUT_OF_ORDER)
    dark_ns = bench.await_change("green", on=False)
    assert dark_ns - green_ns >= 2 * NS * 0.9
    assert bench.await_change("red", on=True) - dark_ns <= LATE_NS


def test_who_is_to_show_it_again_is_told_so_before_the_gate_is_out_of_order(bench: Bench) -> None:
    bench.act.grant(grant("one"))
    bench.act.grant(grant("two", within_ns=-1))
    bench.act.stand(Signal.OUT_OF_ORDER)
    again_ns = bench.await_change("red", on=True)
    assert bench.await_change("red", on=False) - again_ns <= 0.7 * NS + LATE_NS
    for on in (True, False, True):
        last_ns = bench.await_change("red", on=on)
    assert last_ns - again_ns <= 1.7 * NS + LATE_NS  # and stays


def test_a_lamp_that_is_not_fitted_is_passed_over() -> None:
    bench = Bench()
    bench.act = Act(bench.act._turnstile, bench.relay, {}, bench.facts.put)
    for each in running(bench):
        each.act.show(Signal.NO)
        each.act.grant(grant())
        assert isinstance(each.fact(), Passage)


# --- the end, and breakage -------------------------------------------------------------------------------------


def test_stopping_lets_go_of_everything_in_the_middle_of_a_pulse() -> None:
    bench = Bench(pulse_ns=60 * NS, max_on_ns=60 * NS)
    bench.act.start()
    bench.act.grant(grant())
    bench.await_change("relay", on=True)
    bench.act.stop()
    assert bench.lit() == set()


def test_a_relay_that_does_not_close_is_told_and_everything_is_let_go(bench: Bench) -> None:
    bench.act.show(Signal.OUT_OF_ORDER)
    bench.await_change("red", on=True)
    bench.relay.broken = {True}
    bench.act.grant(grant())
    broken = bench.fact()
    assert isinstance(broken, Broken)
    assert broken.error.what == "relay is broken"
    bench.act._thread.join(WAIT_S)
    assert bench.lit() == set()


def test_a_relay_that_does_not_open_again_is_told_and_the_rest_is_let_go(bench: Bench) -> None:
    bench.relay.broken = {False}
    bench.act.grant(grant())
    facts = [bench.fact(), bench.fact()]
    assert [fact.error.what for fact in facts if isinstance(fact, Broken)] == ["relay is broken"] * 2  # at the pulse's end, and when letting go
    bench.act._thread.join(WAIT_S)
    assert bench.lit() == {"relay"}


@pytest.mark.parametrize("broken", list(Indicator))
def test_a_lamp_that_is_broken_does_not_keep_another_or_the_relay_on(bench: Bench, broken: Indicator) -> None:
    bench.lamps[broken].broken = {True, False}
    bench.act.show(Signal.ONE_AT_A_TIME)
    assert isinstance(bench.fact(), Broken)
    bench.act._thread.join(WAIT_S)
    assert bench.lit() == set()


def test_the_heart_beats_while_nothing_happens(bench: Bench) -> None:
    before_ns = bench.act.beat_ns
    bench.act.grant(grant(within_ns=-1))
    bench.fact()
    bench.act.stop()
    assert bench.act.beat_ns >= before_ns
