"""Against a fake with picamera2's own names, signatures and habits (checked against its source, 0.3.x)."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from concurrent.futures import CancelledError
from typing import Any, Self

import numpy as np
import pytest

from device.clock import NS
from device.errors import FrameError, HardwareError
from device.reader.decoders import open_decoder
from device.reader.frame import Exposure, Luma
from device.reader.optics.exposure import CameraControl, Limits
from device.reader.recent import FRAMES_KEPT
from device.reader.reduction import Reducer
from device.reader.sources.picamera2 import BUFFERS, Picamera2Source
from tests.device.reader.clocks import HandClock
from tests.device.reader.pictures import VIETNAMESE, code, scene

WIDTH, HEIGHT, STRIDE = 332, 200, 384  # rows are padded to 64 bytes
HALF_STRIDE = 192


class FakeRequest:
    """As ``CompletedRequest``: counted, mapped while it is held, and an error to release twice."""

    def __init__(self, camera: FakePicamera2, taken_ns: int) -> None:
        self.camera = camera
        self.taken_ns = taken_ns
        self.ref_count = 1
        self.mapped = 0

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": self.taken_ns, **self.camera.exposure}

    def release(self) -> None:
        assert self.mapped == 0, "released while its buffer was mapped"
        self.ref_count -= 1
        if self.ref_count < 0:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self.camera.free += 1


class FakeMappedArray:
    """As ``MappedArray(request, stream, reshape, write)`` with ``reshape=False``: flat bytes of a mapping."""

    def __init__(self, request: FakeRequest, stream: str, reshape: bool = True, write: bool = True) -> None:
        assert (stream in request.camera.camera_configuration(), reshape, write) == (True, False, False)
        self.request = request
        self.stream = stream
        self.array: Luma | None = None

    def __enter__(self) -> Self:
        self.request.mapped += 1
        self.array = np.frombuffer(self.request.camera.buffers[self.stream], np.uint8)
        return self

    def __exit__(self, *error: object) -> None:
        del self.array
        self.request.mapped -= 1


class FakeJob:
    """As ``Job``: it has its request, or none yet, or was cancelled."""

    def __init__(self, request: FakeRequest | None) -> None:
        self.request = request
        self.cancelled = False


class FakeAllocator:
    """As ``DmaAllocator``: so many buffers a stream."""

    def __init__(self) -> None:
        self.count = BUFFERS

    def buffers(self, stream: str) -> list[str]:
        return [stream] * self.count


class FakePicamera2:
    camera_controls: dict[str, Any]

    def __init__(self, clock: HandClock, picture: Luma, ages_ms: Sequence[int] = ()) -> None:
        self.clock = clock
        self.ages_ms = list(ages_ms)
        self.log: list[str] = []
        self.free = BUFFERS
        self.camera_controls = {
            "FrameDurationLimits": (100, 1_000_000, 33_333),
            "AeEnable": (False, True, True),
            "ExposureTime": (14, 11_767_556, 20_000),
            "AnalogueGain": (1.0, 16.0, 1.0),
        }
        self.exposure: dict[str, Any] = {"ExposureTime": 1000, "AnalogueGain": 2.5}
        self.controls: list[dict[str, Any]] = []
        self.allocator = FakeAllocator()
        self.streams: list[str] = []
        self.half_size = (WIDTH // 2, HEIGHT // 2)
        self._config: dict[str, Any] = {}
        self.silent = False
        self.late = False  # the next job gets its request between the end of the wait for it and its cancelling
        self.waiting: FakeJob | None = None
        planes = {"main": (picture, STRIDE), "lores": (Reducer().half(picture), HALF_STRIDE)}
        self.buffers = {name: self._filled(luma, stride) for name, (luma, stride) in planes.items()}

    def _filled(self, luma: Luma, stride: int) -> mmap.mmap:
        height, width = luma.shape
        buffer = mmap.mmap(-1, stride * height * 3 // 2)
        rows = np.frombuffer(buffer, np.uint8)[: stride * height].reshape(height, stride)
        rows[:] = 77
        rows[:, :width] = luma
        return buffer

    def set_controls(self, controls: dict[str, Any]) -> None:
        for name in controls:
            if name not in self.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self.controls.append(controls)

    def create_video_configuration(
        self,
        main: dict[str, Any] | None = None,
        lores: dict[str, Any] | None = None,
        raw: dict[str, Any] | None = None,
        *,
        buffer_count: int = 6,
        controls: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        streams = {name: stream for name, stream in (("main", main or {}), ("lores", lores), ("raw", raw)) if stream is not None}
        return {**streams, "buffer_count": buffer_count, "controls": controls}

    def configure(self, config: dict[str, Any]) -> None:
        if config.get("lores", {}).get("size", (0, 0)) > config["main"]["size"]:
            raise RuntimeError("lores stream dimensions may not exceed main stream")
        self._config = {**config, "main": {**config["main"], "stride": STRIDE}}
        if "lores" in config:
            self._config["lores"] = {**config["lores"], "size": self.half_size, "stride": HALF_STRIDE}
        self.streams = [name for name in ("main", "lores") if name in config]

    def camera_configuration(self) -> dict[str, Any]:
        return self._config

    def start(self) -> None:
        self.log.append("start")

    def stop(self) -> None:
        pytest.fail("stop() waits without a limit for a thread that may be dead")

    def close(self) -> None:
        self.log.append("close")

    def cancel_all_and_flush(self) -> None:
        self.log.append("cancel")
        job, self.waiting = self.waiting, None
        if job is not None and self.late:
            job.request, self.late = self._request(), False
        elif job is not None:
            job.cancelled = True

    def capture_request(self, wait: bool | float | None = None, signal_function: Any = None, flush: Any = None) -> FakeJob:  # noqa: ARG002  picamera2's own signature
        assert wait is False, "anything else waits, and a time-out would lose the job"
        job = FakeJob(None if self.silent or not self.free else self._request())
        self.waiting = job if job.request is None else None
        return job

    def wait(self, job: FakeJob, timeout: float | None = None) -> FakeRequest:
        assert timeout, "without a limit"
        if job.cancelled:
            raise CancelledError
        if job.request is None:
            self.clock.sleep(timeout)
            raise TimeoutError
        return job.request

    def _request(self) -> FakeRequest:
        self.free -= 1
        return FakeRequest(self, self.clock() - (self.ages_ms.pop(0) if self.ages_ms else 20) * 10**6)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def camera(clock: HandClock) -> FakePicamera2:
    return FakePicamera2(clock, scene(code(VIETNAMESE, scale=3), width=WIDTH, height=HEIGHT, at=(10, 20)))


def source_of(camera: FakePicamera2, clock: HandClock, **changes: Any) -> Picamera2Source:
    options = {"width": WIDTH, "height": HEIGHT, "frames_per_s": 30, "map_buffer": FakeMappedArray, "pace": clock.pace, **changes}
    return Picamera2Source(lambda: camera, **options)


@pytest.mark.parametrize(("half", "pixel_format"), [(True, "YUV420"), (False, "NV12")])
def test_the_luma_plane_is_a_view_without_the_padding(camera: FakePicamera2, clock: HandClock, half: bool, pixel_format: str) -> None:
    with source_of(camera, clock, half=half, pixel_format=pixel_format) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert (frame.luma.shape, frame.luma.strides, frame.luma.flags.owndata) == ((HEIGHT, WIDTH), (STRIDE, 1), False)
        assert [symbol.payload for symbol in open_decoder("zxing", thorough=True).read(frame.luma).symbols] == [VIETNAMESE]
        assert camera.camera_configuration()["main"] == {"size": (WIDTH, HEIGHT), "format": pixel_format, "stride": STRIDE}
        frame.release()
    assert (camera.free, camera.log) == (BUFFERS, ["start", "close"])


def test_the_half_size_picture_is_the_second_stream_of_the_same_request(camera: FakePicamera2, clock: HandClock) -> None:
    with source_of(camera, clock) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert frame.half is not None
        assert (frame.half.shape, frame.half.strides, frame.half.flags.owndata) == ((HEIGHT // 2, WIDTH // 2), (HALF_STRIDE, 1), False)
        assert (Reducer().half(frame.luma) == frame.half).all()
        assert camera.free == BUFFERS - 1
        frame.release()
    assert camera.free == BUFFERS


def test_a_camera_that_is_opened_with_one_stream_gives_no_half(camera: FakePicamera2, clock: HandClock) -> None:
    with source_of(camera, clock, half=False) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert (frame.half, camera.streams) == (None, ["main"])


def test_a_second_stream_that_is_not_half_of_the_first_is_an_error_and_the_camera_is_closed(camera: FakePicamera2, clock: HandClock) -> None:
    camera.half_size = (160, 100)
    with pytest.raises(HardwareError, match="second stream has 160x100 pixels, not half of 332x200"), source_of(camera, clock):
        pass
    assert camera.log == ["close"]


def test_a_camera_with_fewer_buffers_than_the_reader_holds_is_an_error_and_is_closed(camera: FakePicamera2, clock: HandClock) -> None:
    camera.allocator.count = 4
    with pytest.raises(HardwareError, match=f"gives 4 buffers, the reader needs {BUFFERS}"), source_of(camera, clock):
        pass
    assert (camera.log, BUFFERS > FRAMES_KEPT + 3) == (["close"], True)


def test_a_frame_knows_how_it_was_exposed_where_the_camera_tells(camera: FakePicamera2, clock: HandClock) -> None:
    exposures = []
    with source_of(camera, clock) as source:
        for camera.exposure in (
            {"ExposureTime": 1000, "AnalogueGain": 2.5},
            {},
            {"ExposureTime": 0, "AnalogueGain": 1.0},
            {"ExposureTime": 9, "AnalogueGain": 0},
        ):
            frame = source.next(0.5)
            assert frame is not None
            exposures.append(frame.exposure)
    assert exposures == [Exposure(1000, 2.5), None, None, None]


def test_an_exposure_is_set_by_the_sensors_own_controls_and_within_a_frames_time(camera: FakePicamera2, clock: HandClock) -> None:
    with source_of(camera, clock) as source:
        assert isinstance(source, CameraControl)
        assert source.limits == Limits(14, 33_333, 16.0)
        source.expose(Exposure(700, 4.0))
        assert camera.controls == []  # another thread may ask; the camera is told by the one that takes its frames
        for _ in range(2):
            frame = source.next(0.5)
            assert frame is not None
            frame.release()
    assert camera.controls == [{"AeEnable": False, "ExposureTime": 700, "AnalogueGain": 4.0}]


def test_a_camera_that_was_opened_again_is_told_again(camera: FakePicamera2, clock: HandClock) -> None:
    source = source_of(camera, clock)
    for _ in range(2):
        with source:
            source.expose(Exposure(700, 4.0))
            frame = source.next(0.5)
            assert frame is not None
            frame.release()
    assert camera.controls == [{"AeEnable": False, "ExposureTime": 700, "AnalogueGain": 4.0}] * 2


def test_a_camera_without_such_controls_has_no_limits(camera: FakePicamera2, clock: HandClock) -> None:
    del camera.camera_controls["AnalogueGain"]
    with source_of(camera, clock) as source:
        assert source.limits is None


@pytest.mark.parametrize(("control", "range_"), [("ExposureTime", (0, 0, 0)), ("AnalogueGain", (0.0, 0.0, 0.0))])
def test_a_camera_that_knows_no_range_of_its_controls_has_no_limits(
    camera: FakePicamera2, clock: HandClock, control: str, range_: tuple[float, ...]
) -> None:
    camera.camera_controls[control] = range_
    with source_of(camera, clock) as source:
        assert source.limits is None


def test_a_frame_has_the_moment_at_which_the_sensor_took_it(camera: FakePicamera2, clock: HandClock) -> None:
    with source_of(camera, clock) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert (frame.number, clock() - frame.taken_ns) == (0, 20_000_000)


def test_a_request_is_held_until_the_frame_is_released(camera: FakePicamera2, clock: HandClock) -> None:
    with source_of(camera, clock) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert camera.free == BUFFERS - 1
        frame.release()
        assert camera.free == BUFFERS


def test_frames_that_lay_in_a_queue_are_passed_over_and_their_requests_given_back(camera: FakePicamera2, clock: HandClock) -> None:
    camera.ages_ms = [900, 400, 150]
    with source_of(camera, clock) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert (frame.number, source.dropped, camera.free) == (3, 3, BUFFERS - 1)


def test_a_camera_whose_frames_are_always_old_still_gives_some(camera: FakePicamera2, clock: HandClock) -> None:
    camera.ages_ms = [900] * 30
    with source_of(camera, clock) as source:
        frame = source.next(0.5)
        assert frame is not None
        assert source.dropped == BUFFERS


def test_a_silent_camera_is_waited_for_as_long_as_asked_and_its_job_is_cancelled(camera: FakePicamera2, clock: HandClock) -> None:
    camera.silent = True
    with source_of(camera, clock) as source:
        before_ns = clock.now_ns
        assert source.next(0.5) is None
        assert (clock.now_ns - before_ns, camera.log) == (NS // 2, ["start", "cancel"])
        camera.silent = False
        assert source.next(0.5) is not None


def test_a_request_that_was_taken_as_the_wait_for_it_ended_is_not_lost(camera: FakePicamera2, clock: HandClock) -> None:
    camera.silent = camera.late = True
    with source_of(camera, clock) as source:
        frame = source.next(0.5)
        assert frame is not None
        frame.release()
        assert (camera.free, camera.log) == (BUFFERS, ["start", "cancel"])


@pytest.mark.parametrize(("call", "what"), [("capture_request", "the camera broke off: as made"), ("close", "the camera cannot be closed: as made")])
def test_what_picamera2_says_of_a_broken_camera_is_a_hardware_error(camera: FakePicamera2, clock: HandClock, call: str, what: str) -> None:
    def fail(**_options: object) -> None:
        raise RuntimeError("as made")

    setattr(camera, call, fail)
    with pytest.raises(HardwareError) as raised, source_of(camera, clock) as source:
        source.next(0.5)
    assert (raised.value.what, "ribbon" in raised.value.hint) == (what, True)


def test_a_camera_without_a_pace_of_its_own_is_asked_at_the_pace_of_the_settings(camera: FakePicamera2, clock: HandClock) -> None:
    with source_of(camera, clock) as source:
        first_ns = clock.now_ns
        for _ in range(31):
            frame = source.next(0.5)
            assert frame is not None
            frame.release()
        assert (clock.now_ns - first_ns) / NS == pytest.approx(0.8, abs=0.01)


def test_a_frame_that_is_too_short_is_a_frame_error_and_its_request_is_given_back(camera: FakePicamera2, clock: HandClock) -> None:
    camera.buffers["lores"] = mmap.mmap(-1, 4096)
    with source_of(camera, clock) as source:
        with pytest.raises(FrameError):
            source.next(0.5)
        assert camera.free == BUFFERS


def test_a_camera_that_cannot_give_the_stream_is_closed_and_named(clock: HandClock, camera: FakePicamera2) -> None:
    def refuse(_config: dict[str, Any]) -> None:
        raise RuntimeError("bad configuration")

    vars(camera)["configure"] = refuse
    with pytest.raises(HardwareError, match="gives no main and lores stream") as raised, source_of(camera, clock):
        pass
    assert (camera.log, "ribbon" in raised.value.hint) == (["close"], True)


def test_no_camera_at_all_is_a_hardware_error(clock: HandClock) -> None:
    def nothing() -> None:
        raise IndexError("list index out of range")

    options: dict[str, Any] = {"width": 640, "height": 480, "frames_per_s": 30, "map_buffer": FakeMappedArray, "pace": clock.pace}
    with pytest.raises(HardwareError, match="no camera"), Picamera2Source(nothing, **options):
        pass
