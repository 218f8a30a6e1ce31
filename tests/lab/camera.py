"""The reader's own code on the real picamera2, in the root file system that camera.sh made: `ok` and `FAILED` lines."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from device.clock import NS, monotonic_ns
from device.demo.payloads import payloads
from device.errors import HardwareError
from device.reader.frame import Luma
from device.reader.reduction import Reducer
from device.reader.sources.picamera2 import BUFFERS
from tests.device.reader.pictures import RANDOM, code, scene
from tests.lab.camera_service import check_service
from tests.lab.report import Report
from tests.lab.virtual_camera import OPENER, load, write_configuration

MADE = payloads()
INVERTED = MADE["pass_b"]
SHOWN = {
    "a citizen card, Vietnamese": MADE["cccd7"],
    "a unified code": MADE["mic"],
    "a signed pass": MADE["pass_a"],
    "a signed pass, light on dark": INVERTED,
    "64 random bytes": RANDOM,
}
SIZES = ((640, 480), (1280, 720))
PICTURES_IN_VIEW, PICTURES_BETWEEN = 3, 8  # of 4 frames each: 0.4 s, and 1.1 s, since three looks at an unmoved scene take 0.7 s
FRAMES = 500
CLOSED_WITHIN_S = 5.0


def pictures(width: int, height: int) -> list[Luma]:
    """One code after the other, and nothing between them."""
    shown: list[Luma] = []
    for payload in SHOWN.values():
        symbol = code(payload, scale=5)
        picture = scene(~symbol if payload == INVERTED else symbol, width=width, height=height)
        shown += [picture] * PICTURES_IN_VIEW + [scene(width=width, height=height)] * PICTURES_BETWEEN
    return shown


def held() -> tuple[int, int]:
    """Threads and open descriptors of this process."""
    gc.collect()
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def seconds_of(call: Callable[[], object], limit_s: float) -> float:
    """How long ``call`` took; infinite if it did not end within ``limit_s``."""
    begin_ns = monotonic_ns()
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(limit_s)
    return float("inf") if thread.is_alive() else (monotonic_ns() - begin_ns) / NS


@contextmanager
def leaving_nothing(report: Report, what: str) -> Iterator[None]:
    """Whatever the block opens is gone when it ends."""
    before = held()
    yield
    OPENER.camera = None
    report.check(f"{what}: no thread and no descriptor is left behind", before, held())


def check_frames(report: Report, width: int, height: int, frames_per_s: float) -> None:
    with OPENER.source(width, height, frames_per_s) as source:
        taken_ns: list[int] = []
        ages_ns: list[int] = []
        owners: set[int] = set()
        half_owners: set[int] = set()
        differences: list[int] = []
        begin_ns = monotonic_ns()
        while len(taken_ns) < FRAMES and (frame := source.next(1.0)) is not None:
            ages_ns.append(monotonic_ns() - frame.taken_ns)
            taken_ns.append(frame.taken_ns)
            if len(taken_ns) % 50 == 0 and frame.half is not None:
                owners.add(OPENER.camera.allocator.owners(frame.luma))
                half_owners.add(OPENER.camera.allocator.owners(frame.half))
                differences.append(np.abs(Reducer().half(frame.luma).astype(np.int16) - frame.half).max())
            shapes = frame.luma.shape, frame.half.shape if frame.half is not None else None
            frame.release()
        pace = len(taken_ns) * NS / (monotonic_ns() - begin_ns)
        size = f"{width}x{height}"
        report.check(f"{size}: {FRAMES} frames without starving, {pace:.0f} frames/s, {source.dropped} passed over", FRAMES, len(taken_ns))
        wanted = (height, width), (height // 2, width // 2)
        report.check(
            f"{size}: luma and half of the promised shapes lie in one buffer each, not copied", (wanted, {1}, {1}), (shapes, owners, half_owners)
        )
        report.at_most(f"{size}: the half is the same picture, 2x2 pixels averaged; steps of brightness", 1, max(differences))
        report.check(f"{size}: the sensor's time stamps rise", True, bool((np.diff(taken_ns) > 0).all()))
        p50_ms, most_ms = np.percentile(ages_ns, (50, 100)) / 1e6
        report.check(f"{size}: frames are fresh, {p50_ms:.1f} ms old (p50), {most_ms:.1f} ms (maximum), allowed 100", True, 0 < most_ms < 100)
        report.at_most(f"{size}: requests that nobody gave back, but for the one that picamera2 keeps", 1, OPENER.camera.allocator.held)


def check_held_frames(report: Report) -> None:
    with OPENER.source(640, 480, 100) as source:
        frames = []
        while (frame := source.next(0.3)) is not None:
            frames.append(frame)
        begin_ns = monotonic_ns()
        nothing = source.next(0.3)
        waited_s = (monotonic_ns() - begin_ns) / NS
        report.check(f"a camera whose {BUFFERS} buffers are all held gives nothing", (BUFFERS, None), (len(frames), nothing))
        report.at_most("... and is waited for no longer than asked, 0.3 s; s", 0.45, waited_s)
        for frame in frames:
            frame.release()
        again = source.next(0.3)
        report.check("... and gives frames again once they are released", True, again is not None)
        if again is not None:
            again.release()


def check_one_stream(report: Report) -> None:
    """A camera that is opened without the second stream; and one that is told to give a size it does not have."""
    with OPENER.source(640, 480, 100, half=False) as source:
        frame = source.next(1.0)
        report.check("one stream: a frame without a half", ((480, 640), None), (frame.luma.shape, frame.half) if frame else None)
        if frame is not None:
            frame.release()
        report.check("... and no exposure to set, since this camera has no such controls", None, source.limits)


def check_late_frame(report: Report) -> None:
    """A frame comes in the very moment between the end of a wait and the cancelling of its job."""
    with OPENER.source(640, 480, 30) as source:
        camera, dark = OPENER.camera, OPENER.camera.camera.dark
        dark.set()
        while (frame := source.next(0.1)) is not None:
            frame.release()
        cancel = camera.cancel_all_and_flush

        def cancel_late() -> None:
            dark.clear()
            give_up_ns = monotonic_ns() + 5 * NS
            while camera._job_list and monotonic_ns() < give_up_ns:
                time.sleep(0.001)
            dark.set()
            cancel()

        camera.cancel_all_and_flush = cancel_late
        frame = source.next(0.1)
        camera.cancel_all_and_flush = cancel
        report.check("a frame that comes as the wait for it ends is taken", True, frame is not None)
        if frame is not None:
            frame.release()
        report.check("... and its request is given back", 0, camera.allocator.held)


def check_silence(report: Report) -> None:
    with OPENER.source(640, 480, 30) as source:
        OPENER.camera.camera.dark.set()
        while (frame := source.next(0.3)) is not None:
            frame.release()
        waits_s = [seconds_of(lambda: source.next(0.2), 5) for _ in range(5)]
        report.at_most("a silent camera is waited for no longer than asked, 0.2 s; the longest of 5, s", 0.3, max(waits_s))
        OPENER.camera.camera.dark.clear()
        frame = source.next(1.0)
        report.check("... and its frames are taken when they come again", True, frame is not None)
        if frame is not None:
            frame.release()


def check_broken_thread(report: Report) -> None:
    """picamera2's own thread ends with an exception; picamera2 says so in its log only, and would wait for ever."""
    source = OPENER.source(640, 480, 30).__enter__()
    died = threading.Event()
    threading.excepthook = lambda _: died.set()

    def fail(_request: object) -> None:
        raise ValueError("made to fail")

    OPENER.camera.pre_callback = fail
    died.wait(5)
    threading.excepthook = threading.__excepthook__
    report.at_most("a camera whose thread died is waited for no longer than asked, 0.3 s; s", 0.45, seconds_of(lambda: source.next(0.3), 5))
    report.at_most("... and is closed, s", CLOSED_WITHIN_S, seconds_of(lambda: source.__exit__(None, None, None), CLOSED_WITHIN_S))


def check_no_camera(report: Report) -> None:
    try:
        with OPENER.source(800, 600, 30):
            said = "opened"
    except HardwareError as error:
        said = error.what
    report.check("a size that no camera has", "no camera: no camera is called virtual-800x600", said.partition(",")[0])


def main() -> int:
    report = Report()
    write_configuration({size: pictures(*size) for size in SIZES})
    load()
    versions = ", ".join(f"{name} {version(name)}" for name in ("picamera2", "numpy", "zxing-cpp", "pyzbar"))
    print(f"       {versions}, Python {sys.version.split()[0]}", flush=True)
    logging.getLogger("picamera2").setLevel(logging.CRITICAL)
    checks: dict[str, Callable[[Report], None]] = {
        "640x480": partial(check_frames, width=640, height=480, frames_per_s=200),
        "1280x720": partial(check_frames, width=1280, height=720, frames_per_s=100),
        "one stream": check_one_stream,
        "frames held back": check_held_frames,
        "a late frame": check_late_frame,
        "silence": check_silence,
        "a thread that died": check_broken_thread,
        **{f"the service, {width}x{height}": partial(check_service, shown=SHOWN, size=(width, height)) for width, height in SIZES},
    }
    for what, check in checks.items():
        with leaving_nothing(report, what):
            check(report)
    check_no_camera(report)
    return report.status


if __name__ == "__main__":
    sys.exit(main())
