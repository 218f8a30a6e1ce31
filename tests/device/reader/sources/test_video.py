from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from device.errors import HardwareError
from device.reader.decoders import open_decoder
from device.reader.frame import Luma
from device.reader.sources.video import VideoSource
from tests.device.reader.clocks import HandClock
from tests.device.reader.pictures import VIETNAMESE, code, scene

TIMES_MS = (0, 40, 80, 200)  # the last picture comes late


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures of 330x200, whose rows ffmpeg pads; a code in the last two."""
    path: Path = tmp_path_factory.mktemp("film") / "film.mkv"
    held_up = scene(code(VIETNAMESE, scale=3), width=330, height=200, at=(10, 20))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25, options={})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 330, 200, "yuv420p", Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        for at_ms, luma in zip(TIMES_MS, (scene(width=330, height=200),) * 2 + (held_up,) * 2, strict=True):
            frame = av.VideoFrame.from_ndarray(np.vstack([luma, np.full((100, 330), 128, np.uint8)]), format="yuv420p")
            frame.pts, frame.time_base = at_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_pictures_come_at_the_pace_of_their_time_stamps_with_exact_pixels(film: Path) -> None:
    clock = HandClock()
    start = clock.now_ns
    frames: list[tuple[int, int, int, Luma]] = []
    with VideoSource(film, frames_per_s=30, loop=False, pace=clock.pace) as source:
        while not source.ended:
            frame = source.next(0.5)
            if frame is not None:
                frames.append((frame.number, (frame.taken_ns - start) // 10**6, (clock.now_ns - start) // 10**6, frame.luma.copy()))
    assert [each[:3] for each in frames] == [(0, 0, 0), (1, 40, 40), (2, 80, 80), (3, 200, 200)]
    assert [frame[3].shape for frame in frames] == [(200, 330)] * 4
    read = open_decoder("zxing", thorough=True).read
    assert [[symbol.payload for symbol in read(frame[3]).symbols] for frame in frames] == [[], [], [VIETNAMESE], [VIETNAMESE]]


def test_no_wait_is_longer_than_asked_and_no_picture_is_lost_by_it(film: Path) -> None:
    clock = HandClock()
    with VideoSource(film, frames_per_s=30, loop=False, pace=clock.pace) as source:
        frames = [source.next(0.03) for _ in range(9)]
    assert [frame.number if frame else None for frame in frames] == [0, None, 1, None, 2, None, None, None, 3]


def test_a_loop_begins_again_and_its_numbers_and_moments_go_on(film: Path) -> None:
    clock = HandClock()
    frames: list[tuple[int, int]] = []
    with VideoSource(film, frames_per_s=30, loop=True, pace=clock.pace) as source:
        while len(frames) < 6:
            frame = source.next(0.5)
            if frame is not None:
                frames.append((frame.number, frame.taken_ns))
    assert [number for number, _ in frames] == [0, 1, 2, 3, 4, 5]
    assert [taken for _, taken in frames] == sorted(taken for _, taken in frames)


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mkv").write_bytes(b"no film")
    with pytest.raises(HardwareError, match="no video at"), VideoSource(tmp_path / "film.mkv", frames_per_s=30, loop=False):
        pass
