"""Lamps and buzzer by a clock of the test: what is lit at which millisecond."""

from __future__ import annotations

import pytest

from device.domain import Reason
from device.errors import HardwareError
from device.gate.lamps import NS_PER_MS, Lamps
from device.turnstile.signals import ROUNDS, STANDING, STEPS, Indicator, Signal
from tests.device.gate.lane_bench import BenchSwitch

ANSWERS = [signal for signal in Signal if signal not in STANDING]


class Bench:
    def __init__(self, fitted: frozenset[Indicator] = frozenset(Indicator)) -> None:
        self.switches = {indicator: BenchSwitch(indicator) for indicator in fitted}
        self.told: list[tuple[Signal, Reason | None, int | None]] = []
        self.lamps = Lamps(self.switches, (lambda signal, reason, number: self.told.append((signal, reason, number)),))
        self.now_ms = 0
        self.history: list[tuple[int, frozenset[str]]] = []
        """Since which millisecond what is lit."""
        self.look()

    @property
    def now_ns(self) -> int:
        return self.now_ms * NS_PER_MS

    def look(self) -> None:
        lit = frozenset(switch.name for switch in self.switches.values() if switch.is_on)
        if not self.history or self.history[-1][1] != lit:
            self.history.append((self.now_ms, lit))

    def run(self, until_ms: int) -> None:
        """As the acting thread does: play whenever a moment has come."""
        while (next_ns := self.lamps.next_ns()) is not None and next_ns <= until_ms * NS_PER_MS:
            self.now_ms = next_ns // NS_PER_MS
            self.lamps.play(self.now_ns)
            self.look()
        self.now_ms = until_ms
        self.lamps.play(self.now_ns)
        self.look()

    def answer(self, signal: Signal) -> None:
        self.lamps.answer(signal, self.now_ns)
        self.look()

    def stand(self, signal: Signal) -> None:
        self.lamps.stand(signal, self.now_ns)
        self.look()

    def spans(self, indicator: Indicator) -> list[tuple[int, int | None]]:
        """From when to when ``indicator`` was lit; the last may still be."""
        spans: list[tuple[int, int | None]] = []
        for at_ms, lit in self.history:
            is_open = bool(spans) and spans[-1][1] is None
            if indicator in lit and not is_open:
                spans.append((at_ms, None))
            elif indicator not in lit and is_open:
                spans[-1] = (spans[-1][0], at_ms)
        return spans

    def signals(self) -> list[Signal]:
        return [signal for signal, _, _ in self.told]


def steps_of(signal: Signal, indicator: Indicator) -> list[tuple[int, int]]:
    moments = [step.at_ms for step in STEPS[signal] if step.indicator is indicator]
    return list(zip(moments[::2], moments[1::2], strict=True))


# --- answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", ANSWERS)
def test_an_answer_is_played_by_its_table_and_then_all_is_dark(signal: Signal) -> None:
    bench = Bench()
    bench.answer(signal)
    bench.run(until_ms=10_000)
    assert {each: bench.spans(each) for each in Indicator} == {each: steps_of(signal, each) for each in Indicator}
    assert (bench.signals(), bench.lamps.next_ns()) == ([signal], None)


def test_the_next_answer_ends_the_one_before_at_once() -> None:
    bench = Bench()
    bench.answer(Signal.NO)
    bench.run(until_ms=300)
    bench.answer(Signal.GO)
    bench.run(until_ms=350)
    assert bench.history[-2:] == [(0, frozenset({"red", "buzzer"})), (300, frozenset({"green", "buzzer"}))]


def test_an_answer_that_is_late_is_caught_up_with() -> None:
    bench = Bench()
    bench.answer(Signal.NO)
    bench.now_ms = 900
    bench.lamps.play(bench.now_ns)
    bench.look()
    assert bench.history[-1] == (900, frozenset({"red"}))


def test_display_and_voice_are_told_why_and_under_which_number() -> None:
    bench = Bench()
    bench.lamps.answer(Signal.NO, 0, reason=Reason.EXPIRED, number=4711)
    bench.run(until_ms=5_000)
    assert bench.told == [(Signal.NO, Reason.EXPIRED, 4711)]


def test_display_and_voice_are_told_once_of_what_stands_which_they_remember() -> None:
    bench = Bench()
    bench.stand(Signal.OUT_OF_ORDER)
    bench.run(until_ms=5_000)
    bench.answer(Signal.WAIT)
    bench.run(until_ms=10_000)
    bench.stand(Signal.DARK)
    assert bench.signals() == [Signal.OUT_OF_ORDER, Signal.WAIT, Signal.DARK]


def test_display_and_voice_hear_it_when_an_answer_that_could_stand_is_over() -> None:
    bench = Bench()
    bench.stand(Signal.DEGRADED)
    bench.lamps.answer(Signal.OUT_OF_ORDER, 0, reason=Reason.CLOCK_UNTRUSTED, number=7)
    bench.run(until_ms=10_000)
    assert bench.told[1:] == [(Signal.OUT_OF_ORDER, Reason.CLOCK_UNTRUSTED, 7), (Signal.DEGRADED, None, None)]


def test_a_lamp_that_is_not_fitted_is_passed_over() -> None:
    bench = Bench(frozenset({Indicator.RED}))
    bench.answer(Signal.ONE_AT_A_TIME)
    bench.run(until_ms=5_000)
    assert bench.spans(Indicator.RED) == steps_of(Signal.ONE_AT_A_TIME, Indicator.RED)


def test_a_lamp_that_does_not_switch_is_told() -> None:
    bench = Bench()
    bench.switches[Indicator.RED].broken = {True}
    with pytest.raises(HardwareError) as caught:
        bench.answer(Signal.NO)
    assert caught.value.what == "red is broken"


# --- hints -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standing", [Signal.DARK, Signal.DEGRADED])
def test_a_hint_is_shown_where_nobody_is_answered(standing: Signal) -> None:
    bench = Bench()
    bench.stand(standing)
    bench.run(until_ms=1_000)
    bench.lamps.hint(Signal.HOLD_STILL, bench.now_ns)
    assert bench.signals()[-1] is Signal.HOLD_STILL


def test_a_hint_is_never_shown_over_an_answer_nor_after_it() -> None:
    bench = Bench()
    bench.answer(Signal.GO)
    bench.run(until_ms=500)
    bench.lamps.hint(Signal.TILT_IT, bench.now_ns)
    bench.run(until_ms=5_000)
    assert bench.signals() == [Signal.GO]


@pytest.mark.parametrize("standing", [Signal.OUT_OF_ORDER, Signal.SERVICE, Signal.WAY_IS_FREE])
def test_no_hint_is_shown_at_a_gate_where_it_leads_nowhere(standing: Signal) -> None:
    bench = Bench()
    bench.stand(standing)
    bench.run(until_ms=5_000)
    bench.lamps.hint(Signal.HOLD_STILL, bench.now_ns)
    assert bench.signals() == [standing]


def test_an_answer_ends_a_hint() -> None:
    bench = Bench()
    bench.lamps.hint(Signal.TILT_IT, 0)
    bench.run(until_ms=30)
    bench.answer(Signal.GO)
    assert bench.history[-1] == (30, frozenset({"green", "buzzer"}))


# --- again -----------------------------------------------------------------------------------------------------


def test_who_was_late_is_told_at_once_where_nobody_is_answered() -> None:
    bench = Bench()
    bench.lamps.try_again(0)
    assert bench.signals() == [Signal.AGAIN]


def test_who_was_late_is_told_after_the_green_of_the_one_who_passes() -> None:
    bench = Bench()
    bench.answer(Signal.GO)
    bench.run(until_ms=1_000)
    bench.lamps.try_again(bench.now_ns)
    bench.run(until_ms=10_000)
    assert bench.signals() == [Signal.GO, Signal.AGAIN]
    assert bench.spans(Indicator.RED) == [(2_000 + begin, 2_000 + end) for begin, end in steps_of(Signal.AGAIN, Indicator.RED)]


def test_who_was_late_is_not_told_where_somebody_else_is_answered_meanwhile() -> None:
    bench = Bench()
    bench.answer(Signal.GO)
    bench.lamps.try_again(0)
    bench.run(until_ms=1_000)
    bench.answer(Signal.ANOTHER_CODE)
    bench.run(until_ms=10_000)
    assert bench.signals() == [Signal.GO, Signal.ANOTHER_CODE]


def test_who_was_late_is_told_before_the_gate_is_out_of_order() -> None:
    bench = Bench()
    bench.answer(Signal.GO)
    bench.lamps.try_again(0)
    bench.stand(Signal.OUT_OF_ORDER)
    bench.run(until_ms=10_000)
    assert bench.signals() == [Signal.GO, Signal.AGAIN, Signal.OUT_OF_ORDER]


# --- how the gate is -------------------------------------------------------------------------------------------


def test_only_what_is_about_the_gate_itself_can_stand() -> None:
    with pytest.raises(ValueError, match="go"):
        Bench().stand(Signal.GO)


def test_what_stands_waits_for_an_answer_and_then_stays() -> None:
    bench = Bench()
    bench.answer(Signal.GO)
    bench.stand(Signal.OUT_OF_ORDER)
    bench.run(until_ms=60_000)
    assert (bench.spans(Indicator.GREEN), bench.spans(Indicator.RED)) == ([(0, 2_000)], [(2_000, None)])


def test_tones_of_what_stands_are_played_once_and_lamps_again_after_each_answer() -> None:
    bench = Bench()
    bench.stand(Signal.OUT_OF_ORDER)
    bench.run(until_ms=10_000)
    bench.answer(Signal.WAIT)
    bench.run(until_ms=20_000)
    tones = [*steps_of(Signal.OUT_OF_ORDER, Indicator.BUZZER), *((10_000 + a, 10_000 + b) for a, b in steps_of(Signal.WAIT, Indicator.BUZZER))]
    assert bench.spans(Indicator.BUZZER) == tones
    assert bench.spans(Indicator.RED) == [(0, 10_000), (12_500, None)]


def test_tones_are_played_anew_where_the_trouble_begins_anew() -> None:
    bench = Bench()
    for began_ms in (0, 5_000):
        bench.stand(Signal.OUT_OF_ORDER)
        bench.run(until_ms=began_ms + 3_000)
        bench.stand(Signal.DARK)
        bench.run(until_ms=began_ms + 5_000)
    tones = steps_of(Signal.OUT_OF_ORDER, Indicator.BUZZER)
    assert bench.spans(Indicator.BUZZER) == [*tones, *((5_000 + begin, 5_000 + end) for begin, end in tones)]


def test_the_same_signal_stands_on_however_often_it_is_said() -> None:
    bench = Bench()
    for at_ms in range(0, 10_000, 200):
        bench.run(until_ms=at_ms)
        bench.stand(Signal.SERVICE)
    assert bench.signals() == [Signal.SERVICE]


@pytest.mark.parametrize("signal", ROUNDS)
def test_rounds_go_on_after_the_signal_s_own_steps(signal: Signal) -> None:
    bench = Bench()
    bench.stand(signal)
    bench.run(until_ms=120_000)
    period_ms, steps = ROUNDS[signal]
    own_ms = max((step.at_ms for step in STEPS[signal]), default=0)
    for indicator in {step.indicator for step in steps}:
        begin, end = (step.at_ms for step in steps if step.indicator is indicator)
        rounds = [(own_ms + at_ms + begin, own_ms + at_ms + end) for at_ms in range(0, 100_000, period_ms)]
        found = bench.spans(indicator)
        if STEPS[signal]:  # lit from the beginning, into the first round
            assert found[0] == (0, rounds[0][1])
            found, rounds = found[1:], rounds[1:]
        assert found[: len(rounds)] == rounds
    assert {at_ms for at_ms, lit in bench.history if "buzzer" in lit and at_ms > own_ms} == set()


def test_a_machine_that_stood_still_does_not_make_up_for_rounds() -> None:
    bench = Bench()
    bench.stand(Signal.SERVICE)
    bench.run(until_ms=2_000)
    bench.now_ms = 3_600_000
    switched = [each.told.qsize() for each in bench.switches.values()]
    bench.lamps.play(bench.now_ns)
    assert sum(each.told.qsize() for each in bench.switches.values()) - sum(switched) <= 8
    next_ns = bench.lamps.next_ns()
    assert next_ns is not None
    assert bench.now_ns < next_ns <= bench.now_ns + 1_000 * NS_PER_MS


def test_a_lane_that_is_free_cuts_every_answer_short() -> None:
    bench = Bench()
    bench.answer(Signal.NO)
    bench.lamps.try_again(0)
    bench.run(until_ms=100)
    bench.stand(Signal.WAY_IS_FREE)
    assert bench.history[-1] == (100, frozenset({"green", "buzzer"}))
    bench.run(until_ms=60_000)
    assert bench.signals() == [Signal.NO, Signal.WAY_IS_FREE]


def test_nobody_is_answered_while_the_lane_is_free() -> None:
    bench = Bench()
    bench.stand(Signal.WAY_IS_FREE)
    for signal in Signal:
        bench.run(until_ms=bench.now_ms + 700)
        bench.answer(signal)
        bench.lamps.hint(signal, bench.now_ns)
        bench.lamps.try_again(bench.now_ns)
    bench.run(until_ms=60_000)
    assert (bench.signals(), bench.spans(Indicator.RED)) == ([Signal.WAY_IS_FREE], [])


def test_answers_are_shown_again_when_the_lane_is_no_longer_free() -> None:
    bench = Bench()
    bench.stand(Signal.WAY_IS_FREE)
    bench.run(until_ms=1_000)
    bench.stand(Signal.DARK)
    assert bench.history[-1] == (1_000, frozenset())
    bench.answer(Signal.GO)
    assert bench.signals() == [Signal.WAY_IS_FREE, Signal.DARK, Signal.GO]


@pytest.mark.parametrize("signal", [Signal.DEGRADED, Signal.SERVICE, Signal.DARK])
def test_an_answer_that_has_no_steps_of_its_own_gives_way_at_once(signal: Signal) -> None:
    bench = Bench()
    bench.stand(Signal.OUT_OF_ORDER)
    bench.run(until_ms=5_000)
    bench.answer(signal)
    assert (bench.history[-1][1], bench.signals()) == (frozenset({"red"}), [Signal.OUT_OF_ORDER, signal, Signal.OUT_OF_ORDER])
