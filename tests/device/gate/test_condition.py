from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest

from device.clock import NS
from device.degraded import CONDUCT, Trouble, health
from device.gate.condition import ABOUT_MAX, FLUTTER_NS, TOLD_BY_THE_EYES, TOLD_BY_THE_LANE, Condition
from device.links import HEALTH_MAX
from device.turnstile.signals import Signal

TOLD_HERE = sorted(set(Trouble) - TOLD_BY_THE_LANE - TOLD_BY_THE_EYES)


class Bench:
    def __init__(self) -> None:
        self.alarms: list[dict[str, Any]] = []
        self.stands: list[Signal] = []
        self.published: list[dict[str, Any]] = []
        self.takes = True
        self.outbox: dict[str, Any] = {}
        self.condition = Condition(alarm=self.alarms.append, stand=self.stands.append, publish=self._publish, outbox=lambda: self.outbox)

    def _publish(self, body: bytes) -> bool:
        if self.takes:
            self.published.append(json.loads(body))
        return self.takes

    def set(self, trouble: Trouble, at_s: float, *, on: bool = True, about: str = "") -> None:
        self.condition.set(trouble, on=on, about=about)
        self.tick(at_s)

    def tick(self, at_s: float) -> None:
        self.condition.tick(int(at_s * NS))


@pytest.fixture
def bench() -> Bench:
    return Bench()


def body(state: str, *troubles: Trouble) -> dict[str, Any]:
    return {"health": state, "troubles": [{"trouble": each} for each in troubles]}


# --- at the lane -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", Trouble)
def test_what_stands_at_the_lane_is_the_row_of_the_table(bench: Bench, trouble: Trouble) -> None:
    bench.set(trouble, 0)
    bench.set(trouble, 1, on=False)
    shown = CONDUCT[trouble].signal
    assert bench.stands == ([] if shown is Signal.DARK else [shown, Signal.DARK])


@pytest.mark.parametrize(("graver", "lesser"), list(combinations(Trouble, 2)))
def test_of_two_troubles_the_graver_has_the_word_if_it_has_one(bench: Bench, graver: Trouble, lesser: Trouble) -> None:
    for each in (lesser, graver):
        bench.condition.set(each, on=True)
    bench.tick(0)
    shown = CONDUCT[graver].signal if CONDUCT[graver].signal is not Signal.DARK else CONDUCT[lesser].signal
    assert bench.stands == ([] if shown is Signal.DARK else [shown])


def test_what_stands_is_told_only_when_it_changes(bench: Bench) -> None:
    bench.set(Trouble.LISTS_STALE, 0)
    bench.set(Trouble.ON_BATTERY, 1)  # the same amber
    bench.set(Trouble.LISTS_STALE, 2, on=False)
    for at_s in (3, 4):
        bench.tick(at_s)
    assert bench.stands == [Signal.DEGRADED]


# --- operators -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", TOLD_HERE)
def test_a_trouble_is_an_alarm_when_it_begins_and_when_it_has_been_over_for_a_while(bench: Bench, trouble: Trouble) -> None:
    for at_s in (0.0, 1.0, 2.0):
        bench.set(trouble, at_s, about="why")
    assert bench.alarms == [{"what": trouble, "on": True, "about": "why"}]
    for at_s in (3.0, 3 + FLUTTER_NS / NS - 0.1):
        bench.set(trouble, at_s, on=False)
    assert len(bench.alarms) == 1
    for at_s in (3 + FLUTTER_NS / NS, 1000):
        bench.tick(at_s)
    assert bench.alarms == [{"what": trouble, "on": True, "about": "why"}, {"what": trouble, "on": False}]


def test_what_the_lane_and_the_eyes_tell_themselves_is_not_told_twice(bench: Bench) -> None:
    for trouble in TOLD_BY_THE_LANE | TOLD_BY_THE_EYES:
        bench.set(trouble, 0)
        bench.set(trouble, 100, on=False)
        bench.tick(200)
    assert bench.alarms == []


def test_a_trouble_that_flutters_is_one_alarm(bench: Bench) -> None:
    for tenth in range(1000):
        bench.set(Trouble.STORE_FAILED, tenth / 10, on=tenth % 2 == 0)
    assert bench.alarms == [{"what": "store_failed", "on": True}]
    bench.tick(99.9 + FLUTTER_NS / NS)
    assert bench.alarms[1:] == [{"what": "store_failed", "on": False}]


def test_a_trouble_that_comes_back_later_is_told_again(bench: Bench) -> None:
    for at_s in (0, 100):
        bench.set(Trouble.BROKER_AWAY, at_s)
        bench.set(Trouble.BROKER_AWAY, at_s + 1, on=False)
        bench.tick(at_s + 50)
    assert [each["on"] for each in bench.alarms] == [True, False, True, False]


# --- the message health ----------------------------------------------------------------------------------------


def test_health_is_published_at_the_start_and_when_it_changes(bench: Bench) -> None:
    for at_s in (0, 1):
        bench.tick(at_s)
    for at_s in (2, 3):
        bench.set(Trouble.BROKER_AWAY, at_s)
    bench.set(Trouble.NOT_READY, 4)
    bench.set(Trouble.BROKER_AWAY, 5, on=False)
    assert bench.published == [
        body("ok"),
        body("degraded", Trouble.BROKER_AWAY),
        body("out_of_order", Trouble.NOT_READY, Trouble.BROKER_AWAY),
        body("out_of_order", Trouble.NOT_READY),
    ]


def test_what_is_to_be_said_of_a_trouble_is_said_and_its_change_published(bench: Bench) -> None:
    for at_s, about in ((0, "deny"), (1, "deny, revoked")):
        bench.set(Trouble.LISTS_STALE, at_s, about=about)
    assert [each["troubles"] for each in bench.published] == [
        [{"trouble": "lists_stale", "about": "deny"}],
        [{"trouble": "lists_stale", "about": "deny, revoked"}],
    ]
    assert bench.condition.troubles == {Trouble.LISTS_STALE}


def test_what_could_not_be_handed_over_is_tried_again_and_only_the_newest(bench: Bench) -> None:
    bench.takes = False
    bench.set(Trouble.BROKER_AWAY, 0)
    bench.set(Trouble.TAMPER, 1)
    bench.takes = True
    for at_s in (2, 3):
        bench.tick(at_s)
    assert bench.published == [body("degraded", Trouble.TAMPER, Trouble.BROKER_AWAY)]


def test_with_every_trouble_at_once_and_all_that_may_be_said_of_each_it_fits_the_link(bench: Bench) -> None:
    for trouble in Trouble:
        bench.condition.set(trouble, on=True, about="x" * 1000)
    assert len(bench.condition.body()) <= HEALTH_MAX
    told = json.loads(bench.condition.body())
    assert told == {"health": "free", "troubles": [{"trouble": each, "about": "x" * ABOUT_MAX} for each in Trouble]}


@pytest.mark.parametrize("trouble", Trouble)
def test_the_state_is_the_row_of_the_table(bench: Bench, trouble: Trouble) -> None:
    bench.set(trouble, 0)
    assert bench.published == [body(CONDUCT[trouble].health, trouble)]
    assert health([trouble]) is CONDUCT[trouble].health


def test_what_waits_is_told_once_a_minute_where_it_has_changed(bench: Bench) -> None:
    bench.outbox = {"waiting": 3}
    bench.tick(0)
    bench.outbox = {"waiting": 4}
    bench.tick(59)
    assert bench.published == [body("ok") | {"outbox": {"waiting": 3}}]
    bench.tick(60)
    bench.tick(120)
    assert bench.published[1:] == [body("ok") | {"outbox": {"waiting": 4}}]
