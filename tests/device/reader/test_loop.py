from __future__ import annotations

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from device.clock import NS, monotonic_ns
from device.errors import HardwareError
from device.links import EyesState
from device.reader.chain import Chain, Look, Stage, open_chain
from device.reader.change import Change
from device.reader.feed import Feed
from device.reader.frame import Exposure, Frame, Luma
from device.reader.loop import FRAMES_A_LOOK, Loop
from device.reader.optics.exposure import HandExposure, Limits
from device.reader.speaker import Speaker
from device.reader.tracks import Tracks
from tests.device.reader.clocks import HandClock
from tests.device.reader.lines import Gate, Shown
from tests.device.reader.pictures import VIETNAMESE, code, scene

EMPTY = scene(width=640, height=480)
HELD_UP = scene(code(b"a", scale=5), width=640, height=480)


class Bench:
    """The reader's loop with everything but a camera, stepped frame by frame on a clock that is moved by hand."""

    def __init__(self, names: tuple[str, ...] = ("zxing", "zbar"), exposure: HandExposure | None = None) -> None:
        self.clock = HandClock()
        self.gate = Gate()
        self.alive: list[str] = []
        self.feed = Feed(Shown(deque()), frames_per_s=30)
        self.chain = open_chain(names, clock=self.clock)
        self.tracks = Tracks("0badcafe", 0.6)
        self.speaker = Speaker(self.gate.connect, clock=self.clock)
        self.loop = Loop(self.feed, self.chain, self.tracks, self.speaker, clock=self.clock, alive=self.alive.append, exposure=exposure)
        self.number = 0

    def show(self, luma: Luma) -> list[str]:
        """One frame; returns what the gate hears."""
        self.loop.step(Frame(luma, self.number, self.clock.now_ns))
        self.number += 1
        self.clock.sleep(1 / 25)
        return self.gate.hear()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.speaker.close()
    bench.gate.leave()


def test_a_code_is_told_when_it_appears_and_when_it_left_and_otherwise_twice_a_second(bench: Bench) -> None:
    said = [(frame, words) for frame, luma in enumerate([EMPTY] * 12 + [HELD_UP] * 30 + [EMPTY] * 30) for words in bench.show(luma) if words != "ok"]
    # The code is shown from frame 12 to 41; it has left 0.6 s later. Heartbeats are 13 frames after the last view.
    assert said == [(0, ""), (12, "aA"), (25, "aS"), (38, "aS"), (51, "aS"), (56, "aL"), (69, "")]


def test_an_empty_scene_is_looked_at_every_tenth_frame_only(bench: Bench) -> None:
    for _ in range(200):
        bench.show(EMPTY)
    assert bench.loop._looks == 1 + (200 - 1) // FRAMES_A_LOOK


def test_the_watchdog_hears_once_a_second_and_from_frames_only(bench: Bench) -> None:
    for _ in range(91):
        bench.show(EMPTY)
    assert bench.alive == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize(("mends", "told"), [(True, 4), (False, 0)])
def test_while_a_camera_is_silent_the_feed_mends_it_and_the_watchdog_is_told_but_a_silent_file_is_the_watchdogs(
    bench: Bench, mends: bool, told: int
) -> None:
    feed = Feed(Shown(deque()), frames_per_s=30, mends=mends, clock=bench.clock)
    loop = Loop(feed, bench.chain, bench.tracks, bench.speaker, clock=bench.clock, alive=bench.alive.append)
    for _ in range(31):
        loop._wait()
        bench.clock.sleep(0.1)
    assert bench.alive == ["WATCHDOG=1"] * told


def test_what_the_lens_sees_is_told_as_soon_as_it_is_known_and_when_it_is_over(bench: Bench) -> None:
    for _ in range(30):
        bench.show(EMPTY)
    covered = np.full_like(EMPTY, 16)
    said = [(frame, word) for frame in range(300) for word in bench.show(covered if frame < 200 else HELD_UP) if word in set(EyesState)]
    changes = [now for before, now in pairwise([(0, "ok"), *said]) if before[1] != now[1]]
    (told, first), (over, then) = changes
    assert (first, then) == ("covered", "ok")
    assert 5 * 25 <= told <= 8 * 25
    assert over == 200  # a code is read


def test_the_exposure_is_minded_after_every_look_and_only_then() -> None:
    class Wishes:
        limits = Limits(20, 33_000, 16.0)
        asked: ClassVar[list[Exposure]] = []

        def expose(self, exposure: Exposure) -> None:
            self.asked.append(exposure)

    wishes = Wishes()
    bench = Bench(exposure=HandExposure(wishes, wishes.limits))
    bench.show(EMPTY)  # tells no exposure
    before = list(wishes.asked)
    for number in range(1, FRAMES_A_LOOK + 1):
        bench.loop.step(Frame(EMPTY, number, bench.clock(), exposure=Exposure(10_000, 1.0)))
        before += wishes.asked if number < FRAMES_A_LOOK else []
    bench.speaker.close()
    bench.gate.leave()
    assert (before, [each.shutter_us < 1_400 for each in wishes.asked]) == ([], [True])


def test_a_frame_is_released_even_where_the_look_fails(bench: Bench) -> None:
    released = []

    class Broken(Chain):
        def read(self, frame: Frame, change: Change, *, in_view: Mapping[bytes, str] | None = None, recent: Sequence[Frame] = ()) -> Look:  # noqa: ARG002  it never gets so far
            raise RuntimeError

    loop = Loop(bench.feed, Broken([]), bench.tracks, bench.speaker, clock=bench.clock, alive=bench.alive.append)
    with pytest.raises(RuntimeError):
        loop.step(Frame(EMPTY, 0, 0, lambda: released.append(1)))
    assert (released, bench.alive) == ([1], [])


def run(source: Shown, gate: Gate, *, stopping: threading.Event | None = None, clock: Callable[[], int] = monotonic_ns) -> list[str]:
    """The loop until its source ends, in this thread."""
    chain = open_chain(["zxing"])
    speaker = Speaker(gate.connect, clock=clock)
    try:
        with Feed(source, frames_per_s=30, clock=clock) as feed:
            Loop(feed, chain, Tracks("0badcafe", 0.6), speaker, clock=clock, alive=lambda _: None).run(stopping or threading.Event())
        return gate.hear()
    finally:
        speaker.close()
        gate.leave()


def test_when_a_source_ends_every_track_leaves_and_the_gate_hears_so() -> None:
    assert run(Shown(deque([HELD_UP])), Gate()) == ["aA", "ok", "aL", "ended"]


def test_a_source_that_ends_without_a_frame_says_nothing_about_what_is_in_view() -> None:
    words = run(Shown(deque()), Gate())
    assert (set(words) - {"ok"}, words[-1]) == ({"ended"}, "ended")


def test_a_reader_whose_camera_is_slow_says_how_it_is_and_nothing_of_what_is_in_view_before_it_has_looked() -> None:
    """An empty view would tell the gate that what the former reader saw has left: the same person would be decided twice."""
    started_ns = monotonic_ns()
    gate, source, stopping = Gate(), Shown(deque(), then="wait"), threading.Event()

    def ten_times_faster() -> int:
        return started_ns + 10 * (monotonic_ns() - started_ns)

    reader = threading.Thread(target=run, args=(source, gate), kwargs={"stopping": stopping, "clock": ten_times_faster})
    reader.start()
    words: list[str] = []
    await_word(gate, words, "no_frames")
    before = [word for word in words if word not in ("ok", "no_frames")]
    source.lumas.append(HELD_UP)
    await_word(gate, words, "aA")
    stopping.set()
    reader.join(10)
    assert (before, next(word for word in words if word not in ("ok", "no_frames"))) == ([], "aA")


def test_a_source_that_breaks_is_an_error_of_the_loop() -> None:
    with pytest.raises(HardwareError, match="the camera broke off"):
        run(Shown(deque([EMPTY]), then="break"), Gate())


def test_a_gate_that_never_comes_does_not_hold_up_the_end() -> None:
    begun = time.monotonic()
    run(Shown(deque([HELD_UP])), Gate(there=False))
    assert time.monotonic() - begun < 5


def test_silence_of_two_seconds_is_a_state_of_its_own_and_frames_end_it() -> None:
    started_ns = monotonic_ns()
    gate, source, stopping = Gate(), Shown(deque([EMPTY]), then="wait"), threading.Event()

    def ten_times_faster() -> int:
        return started_ns + 10 * (monotonic_ns() - started_ns)

    reader = threading.Thread(target=run, args=(source, gate), kwargs={"stopping": stopping, "clock": ten_times_faster})
    reader.start()
    words: list[str] = []
    await_word(gate, words, "no_frames")
    source.lumas.append(EMPTY)
    await_word(gate, words, "ok", after="no_frames")
    stopping.set()
    reader.join(10)
    states = [word for word in words if word in ("ok", "no_frames")]
    assert [word for before, word in zip(["", *states], states, strict=False) if word != before] == ["ok", "no_frames", "ok"]


def await_word(gate: Gate, words: list[str], wanted: str, *, after: str = "") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        words += gate.hear()
        if wanted in words[words.index(after) :] if after in words else (not after and wanted in words):
            return
        threading.Event().wait(0.005)
    raise AssertionError(words)


def test_the_loops_own_time_for_a_frame_is_far_below_a_millisecond() -> None:
    """The promise is 0.3 ms at 1280x720 (`make bench` measures it); here only that nobody made it ten times as much."""
    rng = np.random.default_rng(1)
    pictures = [np.clip(scene(code(VIETNAMESE, scale=4)) + rng.normal(0, 3, (720, 1280)), 0, 255).astype(np.uint8) for _ in range(4)]
    gate, chain = Gate(), open_chain(["zxing"])
    speaker = Speaker(gate.connect)
    loop = Loop(Feed(Shown(deque()), frames_per_s=30), chain, Tracks("0badcafe", 0.6), speaker)
    own_ns = []
    for number in range(60):
        before = chain.spent.decoding_ns + chain.spent.reduction_ns
        begun_ns = monotonic_ns()
        loop.step(Frame(pictures[number % 4], number, begun_ns))
        own_ns.append(monotonic_ns() - begun_ns - (chain.spent.decoding_ns + chain.spent.reduction_ns - before))
        gate.hear()
    speaker.close()
    gate.leave()
    assert statistics.median(own_ns) < 3_000_000
    assert chain.spent.decoding_ns > NS / 1000
    assert isinstance(chain._main[0], Stage)


def pictures(seed: int, height: int, width: int, count: int) -> Iterator[Luma]:
    """A scene that is left alone, drowned in noise, or has a code in it, whole or cut off, dim or dazzled; as rows of a larger buffer."""
    rng = np.random.default_rng(seed)
    wall, symbol = np.full((height, width), rng.integers(256), np.uint8), code(b"a", scale=int(rng.integers(2, 6)))
    for _ in range(count):
        buffer = np.zeros((height, width + 9), np.uint8)
        luma = buffer[:, 1 : width + 1]
        luma[:] = wall
        held = symbol[: height // 2 + 1, : width // 2 + 1] if rng.random() < 0.1 else symbol[:height, :width]
        y, x = int(rng.integers(height - held.shape[0] + 1)), int(rng.integers(width - held.shape[1] + 1))
        if rng.random() < 0.7:
            luma[y : y + held.shape[0], x : x + held.shape[1]] = held // int(rng.integers(1, 6))
        if rng.random() < 0.3:
            luma[y : y + held.shape[0] // 3] = 255
        sigma = float(rng.choice([0, 3, 20, 60]))
        luma[:] = np.clip(luma + rng.normal(0, sigma, luma.shape), 0, 255)
        yield luma


sizes = st.tuples(st.integers(1, 300), st.integers(1, 400)) | st.tuples(st.integers(1, 40), st.integers(1, 40))
exposures = st.sampled_from([None, Exposure(700, 1.0), Exposure(700, 8.0), Exposure(10_000, 8.0)])


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.tuples(sizes, st.integers(0, 2**16), exposures), min_size=1, max_size=6))
def test_whatever_pictures_come_the_loop_goes_on_and_each_frame_is_released_once(scenes: list[tuple[tuple[int, int], int, Exposure | None]]) -> None:
    bench, shown, released = Bench(), 0, []
    for (height, width), seed, exposure in scenes:
        for luma in pictures(seed, height, width, 12):

            def release(luma: Luma = luma, number: int = shown) -> None:
                luma[:] = 255  # the camera writes the next picture
                released.append(number)

            bench.loop.step(Frame(luma, shown, bench.clock(), release, exposure=exposure))
            bench.clock.sleep(1 / 25)
            assert {word[:-1] for words in bench.gate.hear() if words not in set(EyesState) for word in words.split()} <= {"a"}
            shown += 1
    bench.loop._recent.clear()
    bench.speaker.close()
    bench.gate.leave()
    assert released == list(range(shown))
