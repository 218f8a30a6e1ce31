"""How the eyes are, told in seconds of a clock of its own."""

from __future__ import annotations

from typing import Any

import pytest

from device.clock import NS
from device.gate.eyes import BLIND, FLUTTER_MAX, NO_READER, SIGNAL_OF_STATE, Eyes
from device.links import EyesState, ReaderState
from device.turnstile.signals import Signal

BLIND_NOW, SEES = "blind", "sees"
COUNTERS = {"frames": 4, "dropped": 3, "looks": 2, "failures": 1}


class Bench:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.hinted: list[tuple[float, Signal]] = []
        self.now_s = 0.0
        self.eyes = Eyes(
            0,
            alarm=self.told.append,
            blind=lambda blind: self.told.append(BLIND_NOW if blind else SEES),
            hint=lambda signal: self.hinted.append((self.now_s, signal)),
        )

    def says(self, state: str, at_s: float) -> None:
        self.now_s = at_s
        self.eyes.says(ReaderState(EyesState(state), **COUNTERS), int(at_s * NS))

    def come(self, state: str, at_s: float) -> None:
        self.eyes.connected()
        self.says(state, at_s)

    def turn(self, until_s: float, *, since_s: float = 0) -> None:
        for tenth in range(int(since_s * 10), int(until_s * 10) + 1):
            self.now_s = tenth / 10
            self.eyes.tick(tenth * NS // 10)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def alarm(state: str, **more: int) -> dict[str, Any]:
    return {"what": "camera", "state": state, **COUNTERS, **more}


GONE = {"what": "camera", "state": "no_reader"}


def test_a_reader_that_comes_in_time_and_is_well_is_no_news(bench: Bench) -> None:
    bench.turn(9.9)
    bench.come("ok", 9.9)
    bench.turn(100, since_s=9.9)
    assert bench.told == []


def test_a_reader_that_never_comes_is_told_once_after_ten_seconds(bench: Bench) -> None:
    bench.turn(9.9)
    assert bench.told == []
    bench.turn(3600, since_s=10)
    assert bench.told == [GONE, BLIND_NOW]


def test_a_reader_that_goes_is_told_once_after_three_seconds_and_its_return_when_it_says_that_it_is_well(bench: Bench) -> None:
    bench.come("ok", 1)
    bench.eyes.lost(20 * NS)
    bench.turn(22.9, since_s=20)
    assert bench.told == []
    bench.turn(60, since_s=23)
    assert bench.told == [GONE, BLIND_NOW]
    bench.eyes.connected()
    bench.turn(61, since_s=60)
    assert bench.told == [GONE, BLIND_NOW]
    bench.says("ok", 61)
    assert bench.told == [GONE, BLIND_NOW, alarm("ok"), SEES]


def test_a_reader_that_is_restarted_in_time_is_no_news(bench: Bench) -> None:
    bench.come("ok", 1)
    bench.eyes.lost(20 * NS)
    bench.come("ok", 22.9)
    bench.turn(60, since_s=20)
    assert bench.told == []


def test_a_camera_without_frames_is_told_once_however_often_it_is_said(bench: Bench) -> None:
    bench.come("ok", 1)
    for second in range(2, 20):
        bench.says("no_frames", second)
    bench.says("ok", 20)
    assert bench.told == [alarm("no_frames"), BLIND_NOW, alarm("ok"), SEES]


def test_a_camera_in_fault_is_out_of_order_until_it_delivers(bench: Bench) -> None:
    bench.come("ok", 1)
    for second, state in ((10, "no_frames"), (14, "camera_fault"), (80, "ok")):
        bench.says(state, second)
    assert bench.told == [alarm("no_frames"), BLIND_NOW, alarm("camera_fault"), BLIND_NOW, alarm("ok"), SEES]


def test_a_source_that_ended_shows_nothing_and_its_reader_is_not_missed(bench: Bench) -> None:
    bench.come("ended", 1)
    bench.eyes.lost(2 * NS)
    bench.turn(100, since_s=2)
    assert bench.told == [alarm("ended")]


def test_a_camera_that_flutters_is_one_alarm_a_second_and_the_rest_is_counted(bench: Bench) -> None:
    bench.come("ok", 1)
    for number in range(10):
        bench.says("no_frames" if number % 2 == 0 else "ok", 2 + number / 100)
    assert bench.told == [alarm("no_frames"), BLIND_NOW]
    bench.turn(4, since_s=2.1)
    assert bench.told[2:] == [alarm("ok", folded=8), SEES]


def test_every_state_has_its_line_in_the_table_and_the_blind_ones_are_out_of_order() -> None:
    assert set(SIGNAL_OF_STATE) == {*EyesState, NO_READER}
    assert sorted(BLIND) == sorted([NO_READER, EyesState.NO_FRAMES, EyesState.CAMERA_FAULT, EyesState.COVERED])


@pytest.mark.parametrize("state", sorted(BLIND - {NO_READER}))
def test_a_gate_that_sees_nothing_is_out_of_order_until_it_sees_again_well_or_badly(bench: Bench, state: str) -> None:
    bench.come(state, 1)
    bench.says("dark", 5)
    assert bench.told == [alarm(state), BLIND_NOW, alarm("dark"), SEES]


@pytest.mark.parametrize("state", ["dark", "bright", "out_of_focus", "slow"])
def test_what_a_person_cannot_mend_is_told_to_operators_only(bench: Bench, state: str) -> None:
    bench.come(state, 1)
    bench.turn(60, since_s=1)
    assert (bench.told, bench.hinted) == ([alarm(state)], [])


@pytest.mark.parametrize(("state", "hint"), [("unreadable", Signal.HOLD_STILL), ("glare", Signal.TILT_IT)])
def test_who_holds_up_a_code_that_cannot_be_read_is_helped_at_once_and_every_four_seconds(bench: Bench, state: str, hint: Signal) -> None:
    bench.come("ok", 1)
    bench.says(state, 10)
    bench.turn(19.9, since_s=10)
    bench.says("ok", 20)
    bench.turn(60, since_s=20)
    assert bench.hinted == [(10, hint), (14, hint), (18, hint)]
    assert bench.told == [alarm(state), alarm("ok")]


def test_a_code_that_comes_and_goes_brings_no_more_hints_than_one_that_stays(bench: Bench) -> None:
    bench.come("ok", 1)
    for tenth in range(100, 200):
        bench.says(("unreadable", "glare", "ok")[tenth % 3], tenth / 10)
    assert [at_s for at_s, _ in bench.hinted] == pytest.approx([10, 14, 18], abs=0.3)


def test_people_with_torn_codes_are_one_alarm_a_minute_and_each_of_them_gets_a_hint(bench: Bench) -> None:
    bench.come("ok", 1)
    for second in range(10, 130, 5):
        bench.says("unreadable", second)
        bench.says("ok", second + 2)
    assert bench.told == [alarm("unreadable"), alarm("ok"), alarm("unreadable", folded=22), alarm("ok")]
    assert [at_s for at_s, _ in bench.hinted] == list(range(10, 130, 5))


def test_no_hint_puts_out_what_says_that_the_gate_is_out_of_order(bench: Bench) -> None:
    bench.come("no_frames", 1)
    for state, at_s in (("unreadable", 1.2), ("no_frames", 1.4)):  # one frame between two silences
        bench.says(state, at_s)
    bench.turn(30, since_s=1.5)
    assert (bench.told, bench.hinted) == ([alarm("no_frames"), BLIND_NOW], [])


def test_a_gate_that_sees_again_says_so_even_if_all_it_sees_is_one_more_torn_code(bench: Bench) -> None:
    bench.come("unreadable", 1)
    bench.says("covered", 5)
    bench.says("unreadable", 8)
    assert bench.told == [alarm("unreadable"), alarm("covered"), BLIND_NOW, alarm("unreadable"), SEES]


def test_a_camera_that_flutters_for_a_day_is_an_alarm_a_minute(bench: Bench) -> None:
    bench.come("ok", 1)
    for second in range(10, 3610, 2):
        bench.says("no_frames" if second % 4 else "ok", second)
    alarms = [each for each in bench.told if isinstance(each, dict)]
    assert FLUTTER_MAX + 55 <= len(alarms) <= FLUTTER_MAX + 60
    assert sum(1 + each.get("folded", 0) for each in alarms) >= 1770  # and no change but those of the last minute is lost from the count
