"""A webcam's device cannot be had everywhere; what can be seen without one is that every wait ends."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest

from device.clock import NS
from device.errors import HardwareError
from device.reader.sources.webcam import WebcamSource, do_not_wait
from tests.device.reader.clocks import HandClock


class Packet:
    """As PyAV's: one picture, stamped by the kernel in microseconds."""

    size = 24

    def __init__(self, stamp_us: int | None = None) -> None:
        self.stamp_us = stamp_us

    def decode(self) -> list[av.VideoFrame]:
        picture = av.VideoFrame.from_ndarray(np.full((4, 6), 50, np.uint8), format="gray")
        picture.pts, picture.time_base = self.stamp_us, Fraction(1, 1_000_000)
        return [picture]


class Device:
    """As a container of PyAV that is opened without blocking."""

    def __init__(self, answers: list[Any]) -> None:
        self.answers = iter(answers)

    def demux(self, video: int) -> Iterator[Any]:
        assert video == 0
        answer = next(self.answers, BlockingIOError())
        if isinstance(answer, Exception):
            raise answer
        yield answer

    def close(self) -> None:
        pass


def webcam(answers: list[Any], clock: HandClock) -> WebcamSource:
    source = WebcamSource("/dev/video9", width=6, height=4, frames_per_s=30, pace=clock.pace)
    vars(source)["_container"] = Device(answers)
    return source


def test_a_device_that_has_no_frame_yet_is_asked_again_until_it_has() -> None:
    clock = HandClock()
    start = clock.now_ns
    frame = webcam([BlockingIOError(), BlockingIOError(), Packet()], clock).next(0.5)
    assert frame is not None
    assert (frame.number, frame.taken_ns - start, frame.luma.tolist()) == (0, 4_000_000, [[50] * 6] * 4)


def test_a_silent_device_is_waited_for_no_longer_than_asked() -> None:
    clock = HandClock()
    start = clock.now_ns
    assert webcam([], clock).next(0.5) is None
    assert clock.now_ns - start == NS // 2


@pytest.mark.parametrize("answer", [av.error.OSError(19, "No such device"), SimpleNamespace(size=0)], ids=["pulled out", "ended"])
def test_a_device_that_is_gone_is_a_hardware_error(answer: Any) -> None:
    with pytest.raises(HardwareError, match="/dev/video9"):
        webcam([answer], HandClock()).next(0.5)


@pytest.mark.parametrize(
    ("stamp_ms", "age_ms"),
    [
        pytest.param(-12, 12, id="the kernel's stamp"),
        pytest.param(5, 0, id="a stamp of the future"),
        pytest.param(-60_000, 0, id="a stamp by another clock"),
        pytest.param(None, 0, id="no stamp"),
    ],
)
def test_a_frame_has_the_moment_at_which_it_was_taken_where_the_driver_tells_it(stamp_ms: int | None, age_ms: int) -> None:
    clock = HandClock()
    stamp_us = None if stamp_ms is None else clock.now_ns // 1000 + 1000 * stamp_ms
    frame = webcam([Packet(stamp_us)], clock).next(0.5)
    assert frame is not None
    assert clock.now_ns - frame.taken_ns == age_ms * 1_000_000


def test_an_open_device_is_made_to_answer_instead_of_waiting() -> None:
    master, slave = os.openpty()
    try:
        do_not_wait(Path(os.ttyname(slave)))
        assert (os.get_blocking(slave), os.get_blocking(master)) == (False, True)
    finally:
        os.close(master)
        os.close(slave)
