from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from device.errors import FrameError, HardwareError
from device.reader.feed import Feed
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
