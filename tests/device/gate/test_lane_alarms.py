"""What a lane tells of itself; the acting thread is not started, and its lane is as a test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from device.clock import NS
from device.degraded import Trouble
from device.gate.act import Act, LaneState
from device.gate.condition import TOLD_BY_THE_LANE, Condition
from device.gate.lamps import Lamps
from device.gate.lane_alarms import OFTEN, TROUBLE_OF, WITHIN_NS, LaneAlarms
from device.gate.latch import Latch
from device.turnstile.actions import Alarm, Mishap
from device.turnstile.lane import Lane, LaneKind, Sensor
from device.turnstile.machine import Service, Turnstile


class Bench:
    def __init__(self, folder: Path) -> None:
        self.runtime, self.state = folder / "run", folder / "state"
        self.runtime.mkdir()
        self.state.mkdir()
        self.now_s = 0.0
        self.told: list[dict[str, Any]] = []
        self.act = Act(Turnstile(Lane(LaneKind.TRIPOD, pulse_ns=NS, max_on_ns=NS, wait_ns=NS)), {}, Lamps({}), lambda _fact: None)
        self.condition = Condition(alarm=lambda _facts: None, stand=lambda _signal: None, publish=lambda _body: True)
        self.latch = Latch(self.runtime, self.state)
        self.lane_alarms = LaneAlarms(self.act, self.condition, self.latch, self.told.append, lambda: int(self.now_s * NS))

    def take(self, what: Mishap, at_s: float, *, on: bool = True, about: str = "") -> None:
        self.now_s = at_s
        self.lane_alarms.take(Alarm(what, on, int(at_s * NS), about))

    def look(self, at_s: float) -> None:
        self.now_s = at_s
        self.lane_alarms.look(int(at_s * NS))

    def flutter(self, what: Mishap, since_s: float, until_s: float, *, every_s: float = 0.5) -> None:
        """``what`` comes and goes; the recording thread looks each time."""
        for number in range(round((until_s - since_s) / every_s)):
            self.take(what, since_s + number * every_s, on=number % 2 == 0)
            self.look(since_s + number * every_s)

    @property
    def is_kept(self) -> bool:
        return Latch(self.runtime, self.state).read()[0]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def alarm(what: Mishap, at_s: float, *, on: bool = True, **more: object) -> dict[str, Any]:
    return {"what": what, "on": on, "at_ns": int(at_s * NS), **more}


# --- alarms ----------------------------------------------------------------------------------------------------


def test_each_alarm_is_recorded_with_its_own_time_and_what_it_is_about(bench: Bench) -> None:
    bench.take(Mishap.TAMPER, 1)
    bench.take(Mishap.SENSOR_STUCK, 2, about=Sensor.OUTER_BEAM)
    bench.take(Mishap.TAMPER, 3, on=False)
    assert bench.told == [alarm(Mishap.TAMPER, 1), alarm(Mishap.SENSOR_STUCK, 2, about="outer_beam"), alarm(Mishap.TAMPER, 3, on=False)]


def test_a_fire_is_recorded_when_it_begins_and_when_it_ends(bench: Bench) -> None:
    for at_s, what, on, about in (
        (1, Mishap.FIRE, True, ""),
        (1, Mishap.FREE, True, "fire"),
        (90, Mishap.FIRE, False, ""),
        (90, Mishap.FREE, True, "latched"),
    ):
        bench.take(what, at_s, on=on, about=about)
    bench.look(500)
    assert bench.told == [
        alarm(Mishap.FIRE, 1),
        alarm(Mishap.FREE, 1, about="fire"),
        alarm(Mishap.FIRE, 90, on=False),
        alarm(Mishap.FREE, 90, about="latched"),
    ]


@pytest.mark.parametrize("what", [Mishap.TAMPER, Mishap.FIRE, Mishap.FREE, Mishap.HELD])
def test_a_contact_that_flutters_is_told_singly_at_first_and_then_once_a_minute(bench: Bench, what: Mishap) -> None:
    bench.flutter(what, 0, 3600)
    singly = [alarm(what, number / 2, on=number % 2 == 0) for number in range(OFTEN)]
    assert bench.told[:OFTEN] == singly
    assert 58 <= len(bench.told) - OFTEN <= 60
    bench.look(3600 + WITHIN_NS // NS)
    assert sum(1 + each.get("folded", 0) for each in bench.told) == 7200  # no change is lost from the count


def test_what_a_contact_said_last_is_told_in_the_end(bench: Bench) -> None:
    bench.flutter(Mishap.TAMPER, 0, 10)
    last = OFTEN / 2 - 0.5  # the last that was told singly
    bench.look(last + 59.9)
    assert len(bench.told) == OFTEN
    for at_s in (last + 60, last + 61, 1000):
        bench.look(at_s)
    assert bench.told[OFTEN:] == [alarm(Mishap.TAMPER, 9.5, on=False, folded=20 - OFTEN - 1)]


def test_a_contact_that_was_calm_for_a_minute_is_told_singly_again(bench: Bench) -> None:
    bench.flutter(Mishap.TAMPER, 0, 10)
    for at_s in (100, 160):
        bench.look(at_s)
    bench.flutter(Mishap.TAMPER, 161, 164)
    assert len(bench.told) == OFTEN + 1 + 6
    assert [each.get("folded") for each in bench.told[OFTEN + 1 :]] == [None] * 6


def test_a_contact_that_flutters_silences_no_other(bench: Bench) -> None:
    bench.flutter(Mishap.TAMPER, 0, 10)
    bench.take(Mishap.ASSIST, 10)
    for sensor in (Sensor.OUTER_BEAM, Sensor.INNER_BEAM):
        for number in range(OFTEN):
            bench.take(Mishap.SENSOR_STUCK, 11, on=number % 2 == 0, about=sensor)
    assert bench.told[OFTEN] == alarm(Mishap.ASSIST, 10)
    assert [each["about"] for each in bench.told[OFTEN + 1 :]] == ["outer_beam"] * OFTEN + ["inner_beam"] * OFTEN


# --- troubles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mishap", "trouble"), TROUBLE_OF.items())
def test_a_mishap_is_a_trouble_while_it_lasts(bench: Bench, mishap: Mishap, trouble: Trouble) -> None:
    bench.take(mishap, 1)
    before = bench.condition.troubles
    bench.take(mishap, 2, on=False)
    assert (before, bench.condition.troubles) == (frozenset({trouble}), frozenset())


def test_every_trouble_that_is_told_by_the_lane_is_made_here() -> None:
    assert {*TROUBLE_OF.values(), Trouble.LOCKED, Trouble.SERVICE} == TOLD_BY_THE_LANE


@pytest.mark.parametrize("mishap", [Mishap.FIRE, Mishap.BREAK_GLASS, Mishap.ASSIST, Mishap.BARRIER_STAYS_UP])
def test_what_is_only_an_event_is_no_trouble(bench: Bench, mishap: Mishap) -> None:
    bench.take(mishap, 1)
    assert (len(bench.told), bench.condition.troubles) == (1, frozenset())


@pytest.mark.parametrize(
    ("service", "trouble"),
    [(Service.SETUP, Trouble.SERVICE), (Service.TEST, Trouble.SERVICE), (Service.LOCKED, Trouble.LOCKED), (Service.NORMAL, None)],
)
def test_a_gate_that_does_not_serve_says_whether_it_is_locked_or_in_a_technicians_hands(
    bench: Bench, service: Service, trouble: Trouble | None
) -> None:
    for before in (Service.SETUP, Service.LOCKED):
        bench.take(Mishap.SERVICE, 1, about=before)
        bench.take(Mishap.SERVICE, 2, on=service is not Service.NORMAL, about=service)
        assert bench.condition.troubles == ({trouble} if trouble else set())


def test_sensors_that_are_stuck_are_named_until_the_last_is_well(bench: Bench) -> None:
    told = []
    for sensor, on in ((Sensor.OUTER_BEAM, True), (Sensor.LOOP, True), (Sensor.OUTER_BEAM, False), (Sensor.LOOP, False)):
        bench.take(Mishap.SENSOR_STUCK, 1, on=on, about=sensor)
        told.append(bench.condition.body())
    assert told == [
        b'{"health":"degraded","troubles":[{"trouble":"sensor_stuck","about":"outer_beam"}]}',
        b'{"health":"degraded","troubles":[{"trouble":"sensor_stuck","about":"loop, outer_beam"}]}',
        b'{"health":"degraded","troubles":[{"trouble":"sensor_stuck","about":"loop"}]}',
        b'{"health":"ok","troubles":[]}',
    ]


def test_a_trouble_is_as_the_contact_is_even_while_its_flutter_is_not_told(bench: Bench) -> None:
    bench.flutter(Mishap.TAMPER, 0, 10)
    bench.take(Mishap.TAMPER, 10.1)
    assert (len(bench.told), bench.condition.troubles) == (OFTEN, frozenset({Trouble.TAMPER}))


# --- the latch -------------------------------------------------------------------------------------------------


def test_a_fire_is_kept_on_the_disk_as_soon_as_it_is_told_until_it_is_reset(bench: Bench) -> None:
    kept = [bench.is_kept]
    bench.act.lane = LaneState(is_latched=True)
    bench.take(Mishap.FREE, 1, about="fire")
    kept.append(bench.is_kept)
    bench.take(Mishap.FREE, 2, about="latched")
    kept.append(bench.is_kept)
    bench.act.lane = LaneState()
    bench.take(Mishap.FREE, 3, on=False)
    kept.append(bench.is_kept)
    assert kept == [False, True, True, False]


def test_a_lane_that_is_free_by_order_is_not_kept(bench: Bench) -> None:
    bench.take(Mishap.FREE, 1, about="order")
    bench.look(2)
    assert not bench.is_kept


def test_what_the_disk_does_not_take_is_tried_again(bench: Bench) -> None:
    bench.state.rmdir()
    bench.act.lane = LaneState(is_latched=True)
    bench.take(Mishap.FREE, 1, about="fire")
    bench.state.mkdir()
    assert not bench.is_kept
    bench.look(1.2)
    assert bench.is_kept


def test_a_fire_in_a_flutter_that_is_not_told_is_kept_all_the_same(bench: Bench) -> None:
    bench.flutter(Mishap.FREE, 0, 10)
    bench.act.lane = LaneState(is_latched=True)
    bench.take(Mishap.FREE, 10, about="fire")
    assert (len(bench.told), bench.is_kept) == (OFTEN, True)
