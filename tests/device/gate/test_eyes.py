"""How the eyes are, told in seconds of a clock of its own."""

from __future__ import annotations

from typing import Any

import pytest

from device.clock import NS
from device.gate.eyes import Eyes
from device.links import EyesState, ReaderState
from device.turnstile.signals import Signal

COUNTERS = {"frames": 4, "dropped": 3, "looks": 2, "failures": 1}


class Bench:
    def __init__(self) -> None:
        self.told: list[Any] = []
        self.eyes = Eyes(0, alarm=self.told.append, show=self.told.append)

    def says(self, state: str, at_s: float) -> None:
        self.eyes.says(ReaderState(EyesState(state), **COUNTERS), int(at_s * NS))

    def come(self, state: str, at_s: float) -> None:
        self.eyes.connected()
        self.says(state, at_s)

    def turn(self, until_s: float, *, since_s: float = 0) -> None:
        for tenth in range(int(since_s * 10), int(until_s * 10) + 1):
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
    assert bench.told == [GONE, Signal.OUT_OF_ORDER]


def test_a_reader_that_goes_is_told_once_after_three_seconds_and_its_return_when_it_says_that_it_is_well(bench: Bench) -> None:
    bench.come("ok", 1)
    bench.eyes.lost(20 * NS)
    bench.turn(22.9, since_s=20)
    assert bench.told == []
    bench.turn(60, since_s=23)
    assert bench.told == [GONE, Signal.OUT_OF_ORDER]
    bench.eyes.connected()
    bench.turn(61, since_s=60)
    assert bench.told == [GONE, Signal.OUT_OF_ORDER]
    bench.says("ok", 61)
    assert bench.told == [GONE, Signal.OUT_OF_ORDER, alarm("ok"), Signal.DARK]


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
    assert bench.told == [alarm("no_frames"), Signal.OUT_OF_ORDER, alarm("ok"), Signal.DARK]


def test_a_camera_that_comes_back_does_not_darken_what_a_person_was_told_since(bench: Bench) -> None:
    bench.come("no_frames", 1)
    bench.eyes.answered()
    bench.says("ok", 5)
    assert bench.told == [alarm("no_frames"), Signal.OUT_OF_ORDER, alarm("ok")]


def test_a_source_that_ended_shows_nothing_and_its_reader_is_not_missed(bench: Bench) -> None:
    bench.come("ended", 1)
    bench.eyes.lost(2 * NS)
    bench.turn(100, since_s=2)
    assert bench.told == [alarm("ended")]


def test_a_camera_that_flutters_is_one_alarm_a_second_and_the_rest_is_counted(bench: Bench) -> None:
    bench.come("ok", 1)
    for number in range(10):
        bench.says("no_frames" if number % 2 == 0 else "ok", 2 + number / 100)
    assert bench.told == [alarm("no_frames"), Signal.OUT_OF_ORDER]
    bench.turn(4, since_s=2.1)
    assert bench.told[2:] == [alarm("ok", folded=8), Signal.DARK]
