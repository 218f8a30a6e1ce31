"""A Raspberry Pi camera, by picamera2 (from Raspberry Pi OS's archive; it cannot be installed elsewhere by pip).

Facts behind each line are in decoding.md section 8 and hardware.md section 3: waits are unlimited by default, a job
that timed out stays queued, a request that nobody releases starves the camera, and its thread may die in silence.
``make lab ARGS=camera`` runs all of this on the real picamera2.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from device.clock import NS
from device.errors import HardwareError
from device.reader.frame import Exposure, Frame, Luma, luma_of_bytes
from device.reader.optics.exposure import Limits
from device.reader.recent import FRAMES_KEPT
from device.reader.sources.pace import REAL_PACE, Pace
from device.settings import Reader

BUFFERS = FRAMES_KEPT + 5
"""The frames that are looked back at and the one that is looked at, one in the mailbox, one just captured, and three for the
sensor to write into. At 1280x720 with its half size that is 19 MB of contiguous memory (1.7 MB each), and as much again for
the raw stream that picamera2 adds."""

SHUTTER, GAIN, AUTOMATIC = "ExposureTime", "AnalogueGain", "AeEnable"

STALE_FRAMES = 4
"""A frame is 2 to 3 intervals old when it leaves the image processor; older ones lay in a queue."""

PACE_OF_INTERVAL = 0.8
"""A frame is asked for no sooner than this part of an interval after the last: libcamera's virtual camera has no pace
of its own and would fill a processor; a real camera is slower than this, so nothing is lost."""

HANDOVER_S = 1.0
"""For a request that was taken as the wait for it ended: picamera2's thread hands it over within a millisecond."""

HINT = "check the ribbon cable, then: rpicam-hello --list-cameras"


class Picamera2Source:
    """Luma views, full size and half. ``open_camera`` makes the Picamera2 object, which is configured and started here.

    ``map_buffer(request, stream, reshape=False, write=False)`` is picamera2's ``MappedArray``: a view into the
    camera's own buffer, where ``make_buffer`` and ``make_array`` copy. It stays open until the frame is released.

    With ``half`` the image processor gives each picture a second time, at half width and height, at no cost to the
    processor (stream "lores"). It is scaled with some smoothing, as a mean over 2 x 2 pixels is. Both lie in one
    request, so they show the same moment. Where the camera has no second stream, it is to be opened without: a camera
    that cannot give what was asked is an error.

    It is a ``CameraControl`` too.
    """

    def __init__(  # noqa: PLR0913  what differs between a Pi, the virtual camera and a test
        self,
        open_camera: Callable[[], Any],
        *,
        width: int,
        height: int,
        frames_per_s: float,
        half: bool = True,
        pixel_format: str = "YUV420",
        map_buffer: Callable[..., Any] | None = None,
        pace: Pace = REAL_PACE,
    ) -> None:
        self._open_camera = open_camera
        self._map_buffer = map_buffer
        self._size = (width, height)
        self._frames_per_s = frames_per_s
        self._half = half
        self._format = pixel_format
        self._pace = pace
        self.limits: Limits | None = None  # known once it was entered
        self._wished: Exposure | None = None
        self._set: Exposure | None = None
        self._number = 0
        self._due_ns = 0
        self._in_a_row = 0  # stale frames: a slow camera's frames are old, and no queue holds more than the buffers
        self.ended = False
        self.dropped = 0

    def __enter__(self) -> Self:
        """Raises HardwareError where there is no camera, or it cannot give the stream."""
        self._map_buffer = self._map_buffer or library().MappedArray
        try:
            self._camera = self._open_camera()
        except HardwareError:
            raise
        except (RuntimeError, IndexError, OSError) as error:
            raise HardwareError(f"no camera: {error}", hint=HINT) from None
        try:
            self._camera.configure(self._configuration())
            # Width, height and stride as the camera set them, not as they were asked: rows may be padded (issue #645).
            self._actual = {name: self._camera.camera_configuration()[name] for name in self._streams()}
            self.limits, self._set = self._limits(), None
            self._check_half()
            self._check_buffers()
            self._camera.start()
        except (RuntimeError, ValueError, KeyError, OSError) as error:
            self._camera.close()
            raise HardwareError(
                f"the camera gives no {' and '.join(self._streams())} stream of {self._size} in {self._format}: {error}", hint=HINT
            ) from None
        except HardwareError:
            self._camera.close()
            raise
        return self

    def _streams(self) -> tuple[str, ...]:
        return ("main", "lores") if self._half else ("main",)

    def _check_half(self) -> None:
        if self._half:
            (width, height), half = self._actual["main"]["size"], self._actual["lores"]["size"]
            if (2 * half[0], 2 * half[1]) != (width, height):
                raise HardwareError(
                    f"the camera's second stream has {half[0]}x{half[1]} pixels, not half of {width}x{height}",
                    hint="set reader.width and reader.height to a size that it can halve, such as 1280 x 720",
                )

    def _check_buffers(self) -> None:
        """Fewer would all be held by the reader at some time, and no frame could come any more."""
        granted = min(len(self._camera.allocator.buffers(stream)) for stream in self._camera.streams)
        if granted < BUFFERS:
            raise HardwareError(
                f"the camera gives {granted} buffers, the reader needs {BUFFERS}",
                hint="a USB camera is read through V4L2: set reader.source to webcam",
            )

    def _configuration(self) -> Any:
        sizes = {"main": self._size, "lores": (self._size[0] // 2, self._size[1] // 2)}
        streams = {name: {"size": sizes[name], "format": self._format} for name in self._streams()}
        interval_us = round(1e6 / self._frames_per_s)
        paced = "FrameDurationLimits" in self._camera.camera_controls  # a webcam has none such
        controls = {"FrameDurationLimits": (interval_us, interval_us)} if paced else {}
        return self._camera.create_video_configuration(**streams, buffer_count=BUFFERS, controls=controls)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            # It stops the camera too. stop() by itself waits without a limit for picamera2's thread, which may have died.
            self._camera.close()
        except RuntimeError as reason:
            raise HardwareError(f"the camera cannot be closed: {reason}", hint=HINT) from None

    def expose(self, exposure: Exposure) -> None:
        """Done with the next frame, in the thread that takes frames, and again after the camera was opened anew."""
        self._wished = exposure

    def _obey(self) -> None:
        """picamera2 hands controls over with its next request; the sensor follows two or three frames later."""
        wished = self._wished
        if wished is not None and wished != self._set:
            self._camera.set_controls({AUTOMATIC: False, SHUTTER: wished.shutter_us, GAIN: wished.gain})
            self._set = wished

    def _limits(self) -> Limits | None:
        """What the sensor can do within one frame interval; ``None`` where it cannot be told what to do."""
        known = self._camera.camera_controls
        if not {SHUTTER, GAIN, AUTOMATIC} <= set(known):
            return None
        (shortest_us, longest_us, *_), (_, most, *_) = known[SHUTTER], known[GAIN]
        if longest_us < 1 or most < 1:
            return None
        return Limits(max(int(shortest_us), 1), min(int(longest_us), int(1e6 / self._frames_per_s)), float(most))

    def next(self, timeout_s: float) -> Frame | None:
        give_up_ns = self._pace.clock() + int(timeout_s * NS)
        if not self._pace.reach(self._due_ns, timeout_s):
            return None
        try:
            self._obey()
            for _ in range(BUFFERS + 1):
                request = self._capture(max(give_up_ns - self._pace.clock(), NS // 100) / NS)
                if request is None:
                    return None
                frame = self._fresh(request)
                if frame is not None:
                    return frame
        except RuntimeError as error:
            raise HardwareError(f"the camera broke off: {error}", hint=HINT) from None
        return None

    def _capture(self, wait_s: float) -> Any | None:
        job = self._camera.capture_request(wait=False)
        try:
            return self._camera.wait(job, timeout=wait_s)
        except TimeoutError:
            # The job stays queued, and would take a request that nobody releases.
            self._camera.cancel_all_and_flush()
        try:
            # It was not cancelled if it took its request in between: that one is ours.
            return self._camera.wait(job, timeout=HANDOVER_S)
        except (CancelledError, TimeoutError):
            return None

    def _fresh(self, request: Any) -> Frame | None:
        """The frame of ``request``; ``None``, and the request given back, if it lay in a queue."""
        with ExitStack() as undo:
            undo.callback(request.release)
            now_ns = self._pace.clock()
            # First pixel read out. libcamera counts from boot, as the monotonic clock of a Pi does: it never sleeps.
            metadata = request.get_metadata()
            taken_ns = int(metadata.get("SensorTimestamp", now_ns))
            number, self._number = self._number, self._number + 1
            if now_ns - taken_ns > STALE_FRAMES * NS / self._frames_per_s and self._in_a_row < BUFFERS:
                self._in_a_row += 1
                self.dropped += 1
                return None
            self._in_a_row = 0
            self._due_ns = now_ns + int(PACE_OF_INTERVAL * NS / self._frames_per_s)
            luma = self._plane(request, "main", undo)
            half = self._plane(request, "lores", undo) if self._half else None
            return Frame(luma, number, taken_ns, undo.pop_all().close, half, _exposure(metadata))

    def _plane(self, request: Any, stream: str, undo: ExitStack) -> Luma:
        """The luma of one stream, mapped until ``undo`` is closed."""
        assert self._map_buffer is not None  # noqa: S101  set when the source was entered
        mapped = undo.enter_context(self._map_buffer(request, stream, reshape=False, write=False))
        width, height = self._actual[stream]["size"]
        return luma_of_bytes(mapped.array, width=width, height=height, stride=self._actual[stream]["stride"])


def _exposure(metadata: Mapping[str, Any]) -> Exposure | None:
    """``None`` where the camera does not tell, or tells of no light at all: brightness is compared by division."""
    shutter_us, gain = int(metadata.get(SHUTTER, 0)), float(metadata.get(GAIN, 0))
    return Exposure(shutter_us, gain) if shutter_us > 0 and gain > 0 else None


def open_picamera2(settings: Reader) -> Picamera2Source:
    """The first camera of this Pi. Raises HardwareError where picamera2 is not installed."""
    return Picamera2Source(
        open_first_camera,
        width=settings.width,
        height=settings.height,
        frames_per_s=settings.frames_per_s,
        half=settings.width % 4 == 0 and settings.height % 4 == 0,  # colour has half of a stream's size again
    )


def open_first_camera() -> Any:
    return library().Picamera2()


def library() -> Any:
    """The module picamera2, imported only here."""
    try:
        return importlib.import_module("picamera2")
    except (ImportError, ValueError) as error:  # ValueError: "numpy.dtype size changed", one of its parts was built for another numpy
        raise HardwareError(f"picamera2 cannot be loaded: {error}", hint="on Raspberry Pi OS: apt install python3-picamera2") from None
