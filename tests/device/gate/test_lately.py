from __future__ import annotations

from typing import Any

import pytest

from device.clock import NS
from device.gate.lately import Lately
from device.links import EyesState, ReaderState

BEGAN_NS = 1000 * NS


def eyes(frames: int, state: str = EyesState.OK) -> ReaderState:
    return ReaderState(state, frames=frames, dropped=0, looks=0, failures=0)


def told(lately: Lately, after_s: int) -> dict[str, Any]:
    return lately.told(BEGAN_NS + after_s * NS)


def test_at_the_start_nothing_has_come_and_the_broker_is_away() -> None:
    assert told(Lately(BEGAN_NS), 5) == {
        "running_s": 5,
        "broker": {"connected": False, "for_s": 5},
        "eyes": "no_reader",
        "last": {"frame_s": None, "decision_s": None, "confirmation_s": None},
    }


def test_how_long_ago_each_was_is_told_in_whole_seconds() -> None:
    lately = Lately(BEGAN_NS)
    lately.broker(BEGAN_NS + 10 * NS, connected=True)
    lately.seen(eyes(30), BEGAN_NS + 20 * NS)
    lately.decided_ns = BEGAN_NS + 30 * NS
    lately.confirmed(BEGAN_NS + 40 * NS)
    assert told(lately, 50) == {
        "running_s": 50,
        "broker": {"connected": True, "for_s": 40},
        "eyes": "ok",
        "last": {"frame_s": 30, "decision_s": 20, "confirmation_s": 10},
    }


@pytest.mark.parametrize(
    ("frames", "last_s"),
    [
        pytest.param((10, 20), 5, id="frames come"),
        pytest.param((10, 10), 6, id="a camera that is silent"),
        pytest.param((10, 0), 6, id="a reader that was started again and has seen nothing yet"),
        pytest.param((10, 3), 5, id="a reader that was started again and sees"),
        pytest.param((0, 0), None, id="no frame at all"),
    ],
)
def test_a_frame_has_come_where_the_readers_counter_has_moved(frames: tuple[int, int], last_s: int | None) -> None:
    lately = Lately(BEGAN_NS)
    for after_s, count in enumerate(frames, 4):
        lately.seen(eyes(count), BEGAN_NS + after_s * NS)
    assert told(lately, 10)["last"]["frame_s"] == last_s


def test_eyes_that_see_badly_or_are_gone_are_told_as_such_and_the_last_frame_is_remembered() -> None:
    lately = Lately(BEGAN_NS)
    lately.seen(eyes(7, EyesState.OUT_OF_FOCUS), BEGAN_NS)
    seen = [told(lately, 1)["eyes"]]
    lately.reader_lost()
    seen.append(told(lately, 1)["eyes"])
    assert (seen, told(lately, 1)["last"]["frame_s"]) == (["out_of_focus", "no_reader"], 1)
