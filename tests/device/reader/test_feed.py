from __future__ import annotations

import threading
import time
from collections import deque
from typing import Self

import numpy as np
import pytest

from device.clock import monotonic_ns
from device.errors import FrameError, HardwareError
from device.links import EyesState
from device.reader.feed import Feed
from tests.device.reader.cameras import BREAKS, FAILS, Camera
from tests.device.reader.lines import Shown

GREY = np.full((48, 64), 90, np.uint8)


def test_every_frame_is_taken_or_dropped_and_each_is_released_once() -> None:
    source = Shown(deque([GREY] * 50))
    taken = 0
    with Feed(source, frames_per_s=30) as feed:
        while not feed.over():
            if frame := feed.take(1):
                taken += 1
                frame.release()
        assert (feed.frames, taken + feed.dropped, source.released) == (50, 50, 50)


def test_a_bad_frame_is_counted_and_the_next_one_comes() -> None:
    source = Shown(deque([FrameError("a frame of zero bytes"), GREY]))
    with Feed(source, frames_per_s=30) as feed:
        frame = feed.take(5)
        assert frame is not None
        assert (frame.number, feed.failures) == (0, 1)


def test_the_error_of_a_source_reaches_whoever_takes_the_frames() -> None:
    with Feed(Shown(deque(), then="break"), frames_per_s=30) as feed:
        feed._thread.join(10)
        assert feed.take(1) is None
        with pytest.raises(HardwareError, match="the camera broke off") as raised:
            feed.over()
    assert raised.value.hint == "reseat it"


def test_a_source_that_cannot_be_opened_is_an_error_at_once_and_is_not_closed() -> None:
    camera = Camera({}, [FAILS])
    with pytest.raises(HardwareError, match="no camera"), Feed(camera, frames_per_s=30, mends=True):
        pass
    assert camera.log == ["open"]


def test_a_source_is_opened_asked_and_closed_by_one_thread() -> None:
    threads: list[str] = []

    class Told(Shown):
        def __enter__(self) -> Self:
            threads.append(threading.current_thread().name)
            return self

        def __exit__(self, *error: object) -> None:
            threads.append(threading.current_thread().name)

    with Feed(Told(deque([GREY])), frames_per_s=30) as feed:
        feed._thread.join(10)
    assert threads == ["source", "source"]


def test_a_feed_ends_when_it_is_told_to_and_gives_the_last_frame_back() -> None:
    source = Shown(deque([GREY]), then="wait")
    with Feed(source, frames_per_s=30) as feed:
        while not feed.frames:
            feed._stopping.wait(0.001)
    assert (source.released, feed.over()) == (1, True)


def test_a_frame_that_came_just_before_the_end_is_not_forgotten() -> None:
    with Feed(Shown(deque([GREY])), frames_per_s=30) as feed:
        feed._thread.join(10)
        assert not feed.over()
        assert feed.take(0) is not None
        assert feed.over()


# --- a camera that stalls --------------------------------------------------------------------------------------


class Fast:
    """A clock on which ten seconds pass in one."""

    def __init__(self) -> None:
        self.begun_ns = monotonic_ns()

    def __call__(self) -> int:
        return self.begun_ns + 10 * (monotonic_ns() - self.begun_ns)


def watch(camera: Camera, expected: list[str]) -> None:
    """Wait until the feed of ``camera`` has told ``expected``: "frame" for some frames, or how the eyes are without one."""
    told: list[str] = []
    give_up_s = time.monotonic() + 10
    with Feed(camera, frames_per_s=30, mends=True, clock=Fast()) as feed:
        while told != expected:
            assert time.monotonic() < give_up_s, (told, camera.log)
            assert not feed.over()
            word = str(feed.eyes())
            if frame := feed.take(0.01):
                frame.release()
                word = "frame"
            if word != EyesState.OK and told[-1:] != [word]:
                told.append(word)


CLOSED_AND_OPENED = ["close", "open"]


@pytest.mark.parametrize(
    ("lives", "told", "log"),
    [
        pytest.param(["---", "---"], ["frame", "no_frames", "frame"], CLOSED_AND_OPENED, id="it falls silent, and delivers when it was opened again"),
        pytest.param(
            ["", "", "", "-"], ["no_frames", "camera_fault", "frame"], 3 * CLOSED_AND_OPENED, id="three silences are a fault, one frame clears it"
        ),
        pytest.param(["---" + BREAKS, FAILS, "-"], ["frame", "no_frames", "frame"], ["close", "open", "open"], id="it breaks off"),
        pytest.param(
            ["", FAILS, FAILS, "-"], ["no_frames", "camera_fault", "frame"], ["close", "open", "open", "open"], id="unplugged, and plugged in again"
        ),
    ],
)
def test_a_camera_that_stalls_is_opened_again_until_it_delivers(lives: list[str], told: list[str], log: list[str]) -> None:
    camera = Camera({"-": GREY}, lives)
    watch(camera, told)
    assert camera.log == ["open", *log, "close"]


def test_a_camera_is_closed_only_when_it_has_all_its_frames_back() -> None:
    """Closing unmaps their memory: whoever still read them would crash."""
    camera = Camera({"-": GREY}, ["----", "-"])
    kept = []
    with Feed(camera, frames_per_s=30, mends=True, clock=Fast()) as feed:
        while feed.eyes() is EyesState.OK:
            if frame := feed.take(0.01):
                kept.append(frame)
        feed._stopping.wait(0.2)
        before = list(camera.log)
        for frame in kept:
            frame.release()
        assert feed.take(5) is not None
    assert (len(kept) >= 1, before, camera.log[:3]) == (True, ["open"], ["open", "close", "open"])


def test_a_file_that_is_silent_is_told_and_left_alone() -> None:
    """What is opened anew begins anew: the same persons would come again."""
    camera = Camera({"-": GREY}, ["-"])
    with Feed(camera, frames_per_s=30, clock=Fast()) as feed:
        while feed.eyes() is EyesState.OK:
            if frame := feed.take(0.01):
                frame.release()
        feed._stopping.wait(0.5)  # five seconds of the clock
        assert feed.eyes() is EyesState.NO_FRAMES
    assert camera.log == ["open", "close"]


def test_a_slow_camera_has_not_stalled() -> None:
    camera = Camera({"-": GREY}, ["-"])
    clock = Fast()
    with Feed(camera, frames_per_s=1, mends=True, clock=clock) as feed:
        begun_ns = clock()
        while feed.eyes() is EyesState.OK:
            if frame := feed.take(0.01):
                frame.release()
        assert clock() - begun_ns >= 4_000_000_000
