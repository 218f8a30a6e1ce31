from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import pytest

from device.domain import Decision, Reason
from device.turnstile.signals import SIGNAL_OF_REASON, STEPS, Indicator, Signal

TOLD = [signal for signal in Signal if signal is not Signal.DARK]
LAMPS = (Indicator.GREEN, Indicator.RED)


def test_every_reason_is_told() -> None:
    assert set(SIGNAL_OF_REASON) == set(Reason)


def test_every_signal_has_its_steps() -> None:
    assert set(STEPS) == set(Signal)


def test_go_is_told_for_what_is_admitted_and_for_nothing_else() -> None:
    go = {reason for reason, signal in SIGNAL_OF_REASON.items() if signal is Signal.GO}
    assert go == {Decision.admitted().reason, Decision.admitted(Reason.RECORDED).reason, Reason.EXIT_FREE}


def test_nobody_is_told_nothing() -> None:
    assert Signal.DARK not in SIGNAL_OF_REASON.values()


@pytest.mark.parametrize("signal", Signal)
def test_steps_stand_in_order_and_each_changes_something(signal: Signal) -> None:
    steps = STEPS[signal]
    assert [step.at_ms for step in steps] == sorted(step.at_ms for step in steps)
    for indicator in Indicator:
        own = [step for step in steps if step.indicator is indicator]
        assert [step.on for step in own] == [number % 2 == 0 for number in range(len(own))]
        assert len({step.at_ms for step in own}) == len(own)


@pytest.mark.parametrize("signal", Signal)
def test_all_ends_dark_but_the_red_of_a_gate_out_of_order(signal: Signal) -> None:
    last = {step.indicator: step.on for step in STEPS[signal]}
    lit = {indicator for indicator, on in last.items() if on}
    assert lit == ({Indicator.RED} if signal is Signal.OUT_OF_ORDER else set())


@pytest.mark.parametrize("signal", TOLD)
def test_every_signal_is_over_within_three_seconds(signal: Signal) -> None:
    assert max(step.at_ms for step in STEPS[signal]) <= 3000


def heard(signal: Signal) -> list[tuple[int, bool]]:
    return [(step.at_ms, step.on) for step in STEPS[signal] if step.indicator is Indicator.BUZZER]


def seen(signal: Signal) -> list[tuple[int, Indicator, bool]]:
    return [(step.at_ms, step.indicator, step.on) for step in STEPS[signal] if step.indicator in LAMPS]


def seen_without_colours(signal: Signal) -> list[tuple[int, bool]]:
    """By somebody who can neither tell the lamps apart nor hear."""
    return [(step.at_ms, step.on) for step in STEPS[signal] if step.indicator in LAMPS]


@pytest.mark.parametrize("sense", [heard, seen, seen_without_colours])
def test_no_two_signals_are_alike_to_one_sense(sense: Callable[[Signal], object]) -> None:
    alike = [(one, other) for one, other in combinations(TOLD, 2) if sense(one) == sense(other)]
    assert alike == []


def test_tones_are_counted_in_different_numbers_or_lengths() -> None:
    """Rhythm, not pitch: number of tones, and whether they are long (over a quarter of a second)."""
    rhythms = {}
    for signal in TOLD:
        times = [at_ms for at_ms, _ in heard(signal)]
        lengths = [end - begin for begin, end in zip(times[::2], times[1::2], strict=True)]
        rhythms[signal] = (len(lengths), max(lengths) > 250)
    assert rhythms == {
        Signal.GO: (1, False),
        Signal.NO: (1, True),
        Signal.ANOTHER_CODE: (2, False),
        Signal.AGAIN: (2, True),
        Signal.ONE_AT_A_TIME: (4, False),
        Signal.HOLD_STILL: (3, False),
        Signal.TILT_IT: (4, True),
        Signal.OUT_OF_ORDER: (3, True),
    }


def test_green_is_lit_alone_only_for_go() -> None:
    alone = {signal for signal in TOLD if {step.indicator for step in STEPS[signal] if step.indicator in LAMPS} == {Indicator.GREEN}}
    assert alone == {Signal.GO}
