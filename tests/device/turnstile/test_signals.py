from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import combinations

import pytest

from device.domain import Decision, Reason
from device.turnstile.signals import ROUNDS, SIGNAL_OF_REASON, STANDING, STEPS, Indicator, Signal, Step

LAMPS = (Indicator.GREEN, Indicator.RED, Indicator.AMBER)
TOLD = [signal for signal in Signal if signal is not Signal.DARK]
TO_A_PERSON = [signal for signal in TOLD if signal not in STANDING]
SILENT = {Signal.DEGRADED, Signal.SERVICE, Signal.DARK}
STAYS_LIT = {Signal.OUT_OF_ORDER: {Indicator.RED}, Signal.WAY_IS_FREE: {Indicator.GREEN}}
"""After its own steps; all others end dark."""


def whole(signal: Signal) -> list[Step]:
    """A signal's own steps, and its first rounds."""
    steps = list(STEPS[signal])
    if signal in ROUNDS:
        length_ms, each = ROUNDS[signal]
        begin_ms = max((step.at_ms for step in steps), default=0)
        steps += [Step(begin_ms + number * length_ms + step.at_ms, step.indicator, step.on) for number in range(3) for step in each]
    return steps


def test_every_reason_is_told() -> None:
    assert set(SIGNAL_OF_REASON) == set(Reason)


def test_every_signal_has_its_steps() -> None:
    assert set(STEPS) == set(Signal)
    assert {signal for signal in Signal if not whole(signal)} == {Signal.DARK}


def test_go_is_told_for_what_is_admitted_and_for_nothing_else() -> None:
    go = {reason for reason, signal in SIGNAL_OF_REASON.items() if signal is Signal.GO}
    assert go == {Decision.admitted().reason, Decision.admitted(Reason.RECORDED).reason, Reason.EXIT_FREE}


def test_nobody_who_shows_a_code_is_told_nothing_or_only_how_the_gate_is() -> None:
    assert set(SIGNAL_OF_REASON.values()) & STANDING == {Signal.OUT_OF_ORDER}


def _changes_something(steps: Iterable[Step]) -> None:
    for indicator in Indicator:
        own = [step for step in steps if step.indicator is indicator]
        assert [step.on for step in own] == [number % 2 == 0 for number in range(len(own))]
        assert len({step.at_ms for step in own}) == len(own)


@pytest.mark.parametrize("signal", Signal)
def test_steps_stand_in_order_and_each_changes_something(signal: Signal) -> None:
    for steps in (STEPS[signal], ROUNDS.get(signal, (0, ()))[1]):
        assert [step.at_ms for step in steps] == sorted(step.at_ms for step in steps)
        _changes_something(steps)


@pytest.mark.parametrize("signal", Signal)
def test_all_ends_dark_but_what_stays_lit(signal: Signal) -> None:
    last = {step.indicator: step.on for step in STEPS[signal]}
    assert {indicator for indicator, on in last.items() if on} == STAYS_LIT.get(signal, set())


@pytest.mark.parametrize("signal", ROUNDS)
def test_only_how_the_gate_is_goes_on_silently_and_a_round_ends_within_itself(signal: Signal) -> None:
    length_ms, steps = ROUNDS[signal]
    assert signal in STANDING
    assert {step.indicator for step in steps} <= {*LAMPS}
    assert all(0 <= step.at_ms <= length_ms for step in steps)
    assert not {step.indicator for step in steps if {s.indicator: s.on for s in steps}[step.indicator]}


@pytest.mark.parametrize("signal", TOLD)
def test_every_signal_is_over_within_three_seconds(signal: Signal) -> None:
    assert max((step.at_ms for step in STEPS[signal]), default=0) <= 3000


def heard(signal: Signal) -> list[tuple[int, bool]]:
    return [(step.at_ms, step.on) for step in whole(signal) if step.indicator is Indicator.BUZZER]


def seen(signal: Signal) -> list[tuple[int, Indicator, bool]]:
    return [(step.at_ms, step.indicator, step.on) for step in whole(signal) if step.indicator in LAMPS]


def seen_without_colours(signal: Signal) -> list[tuple[int, bool]]:
    """By somebody who can neither tell the lamps apart nor hear: is anything lit, and when?"""
    lit: set[Indicator] = set()
    shown: list[tuple[int, bool]] = []
    steps = [step for step in whole(signal) if step.indicator in LAMPS]
    for at_ms in sorted({step.at_ms for step in steps}):
        for step in steps:
            if step.at_ms == at_ms:
                (lit.add if step.on else lit.discard)(step.indicator)
        shown.append((at_ms, bool(lit)))
    return shown


def seen_with_two_lamps(signal: Signal) -> list[tuple[int, Indicator, bool]]:
    """At a gate without an amber lamp."""
    return [each for each in seen(signal) if each[1] is not Indicator.AMBER]


@pytest.mark.parametrize("sense", [seen, seen_without_colours])
def test_no_two_signals_are_alike_to_one_sense(sense: Callable[[Signal], object]) -> None:
    assert [(one, other) for one, other in combinations(TOLD, 2) if sense(one) == sense(other)] == []


def test_no_two_signals_are_alike_to_who_only_hears() -> None:
    alike = {signal for pair in combinations(Signal, 2) if heard(pair[0]) == heard(pair[1]) for signal in pair}
    assert alike == SILENT


def test_where_no_amber_lamp_is_fitted_only_what_is_heard_or_meant_for_operators_is_not_seen() -> None:
    unseen = {signal for signal in TOLD if not seen_with_two_lamps(signal)}
    assert unseen == {Signal.WAIT, Signal.DEGRADED}
    assert heard(Signal.WAIT)


def test_tones_are_counted_in_different_numbers_or_lengths() -> None:
    """Rhythm, not pitch: number of tones, and whether they are long (over a quarter of a second)."""
    rhythms = {}
    for signal in TOLD:
        times = [at_ms for at_ms, _ in heard(signal)]
        lengths = [end - begin for begin, end in zip(times[::2], times[1::2], strict=True)]
        rhythms[signal] = (len(lengths), max(lengths, default=0) > 250)
    assert rhythms == {
        Signal.GO: (1, False),
        Signal.NO: (1, True),
        Signal.ANOTHER_CODE: (2, False),
        Signal.AGAIN: (2, True),
        Signal.ONE_AT_A_TIME: (4, False),
        Signal.HOLD_STILL: (3, False),
        Signal.TILT_IT: (4, True),
        Signal.WAIT: (3, False),  # a second apart, where HOLD_STILL ticks quickly
        Signal.HELP_IS_CALLED: (2, True),  # the long one at once after the short, where AGAIN leaves a gap
        Signal.DEGRADED: (0, False),
        Signal.SERVICE: (0, False),
        Signal.OUT_OF_ORDER: (3, True),
        Signal.WAY_IS_FREE: (10, False),
    }


def test_green_is_lit_alone_only_where_one_may_go() -> None:
    alone = {signal for signal in TOLD if {step.indicator for step in whole(signal) if step.indicator in LAMPS} == {Indicator.GREEN}}
    assert alone == {Signal.GO, Signal.WAY_IS_FREE}


def test_a_gate_that_serves_shows_no_red_of_its_own() -> None:
    red = {signal for signal in STANDING if any(step.indicator is Indicator.RED for step in whole(signal))}
    assert red == {Signal.OUT_OF_ORDER, Signal.SERVICE}


def test_what_is_told_to_a_person_ends_and_gives_way_to_how_the_gate_is() -> None:
    assert ROUNDS.keys() <= STANDING
    assert all(signal not in STANDING and signal not in STAYS_LIT for signal in TO_A_PERSON)
