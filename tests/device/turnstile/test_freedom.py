from __future__ import annotations

import pytest

from device.turnstile.freedom import Cause, Freedom
from device.turnstile.lane import Sensor

# Rows of what changes, and what the lane is free by afterwards.
STORIES: dict[str, list[tuple[str, Cause | None]]] = {
    "fire stays until somebody resets it": [
        ("fire on", Cause.FIRE),
        ("fire off", Cause.LATCHED),
        ("key_reset on", None),
        ("key_reset off", None),
    ],
    "a reset during the alarm is nothing, even when the key stays there": [
        ("fire on", Cause.FIRE),
        ("key_reset on", Cause.FIRE),
        ("fire off", Cause.LATCHED),
        ("key_reset off", Cause.LATCHED),
        ("key_reset on", None),
    ],
    "a reset while one of two alarms lasts is nothing": [
        ("fire on", Cause.FIRE),
        ("break_glass on", Cause.FIRE),
        ("fire off", Cause.BREAK_GLASS),
        ("key_reset on", Cause.BREAK_GLASS),
        ("break_glass off", Cause.LATCHED),
    ],
    "an alarm after the reset latches again": [("fire on", Cause.FIRE), ("fire off", Cause.LATCHED), ("key_reset on", None), ("fire on", Cause.FIRE)],
    "the key frees while it is turned, and latches nothing": [("key_free on", Cause.KEY), ("key_free off", None)],
    "the key does not end an alarm": [
        ("fire on", Cause.FIRE),
        ("key_free on", Cause.FIRE),
        ("fire off", Cause.LATCHED),
        ("key_free off", Cause.LATCHED),
    ],
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_lane_is_free_as_long_as_it_must_be(story: list[tuple[str, Cause | None]]) -> None:
    freedom = Freedom()
    came = []
    for what, _ in story:
        sensor, level = what.split()
        freedom.change(Sensor(sensor), on=level == "on")
        came.append((what, freedom.cause))
    assert came == story


def test_it_is_as_it_was_when_the_gate_ended() -> None:
    assert Freedom(latched=True).cause is Cause.LATCHED
    assert Freedom(ordered=True).cause is Cause.ORDER
    assert Freedom().cause is None


def test_an_order_ends_no_latch_and_a_reset_no_order() -> None:
    freedom = Freedom(latched=True, ordered=True)
    freedom.ordered = False
    assert freedom.cause is Cause.LATCHED
    freedom.ordered = True
    freedom.change(Sensor.KEY_RESET, on=True)
    assert (freedom.cause, freedom.latched) == (Cause.ORDER, False)


def test_causes_have_the_words_that_operators_read() -> None:
    assert [each.value for each in Cause] == ["fire", "break_glass", "latched", "key", "order"]
