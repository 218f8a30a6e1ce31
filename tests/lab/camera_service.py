"""The whole reader service on the virtual camera."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from device.clock import NS, monotonic_ns
from device.domain import TrackState
from device.links import ReaderState
from device.notify import ALIVE, READY
from device.reader import service, sources
from device.settings import Paths, Reader, Settings, SourceKind
from tests.lab.gate import Gate
from tests.lab.report import Report
from tests.lab.virtual_camera import OPENER

# The one line by which a source becomes known.
sources.SOURCES[SourceKind.PICAMERA2] = sources._Entry("tests.lab.virtual_camera:open_virtual", "tests/lab/camera.sh")

FRAMES_PER_S = 30.0
ALL_SHOWN_S = 20.0  # one round of the pictures takes 7.4 s
FRESH_MS = 200.0
STOPPED_WITHIN_S = 3.0


def check_service(report: Report, shown: Mapping[str, bytes], size: tuple[int, int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        gate, stopping, codes = Gate(Path(folder)), threading.Event(), []
        settings = settings_of(Path(folder), *size)
        thread = threading.Thread(target=lambda: codes.append(service.run(settings, stopping)))
        thread.start()
        begin_ns = monotonic_ns()
        name = f"the service, {size[0]}x{size[1]}"
        try:
            gate.listen(lambda: len(gate.told(TrackState.LEFT)) >= len(shown) and len(gate.states) > 0, ALL_SHOWN_S)
            check_tracks(report, name, shown, gate, (monotonic_ns() - begin_ns) / NS)
            if gate.states:
                check_silence(report, name, gate)
        finally:
            stopping.set()
            took_s = gate.listen(lambda: not thread.is_alive(), STOPPED_WITHIN_S)
            gate.close()
        report.check(f"{name}: ends in order, {took_s:.1f} s", [0], codes)


def settings_of(folder: Path, width: int, height: int) -> Settings:
    rest: dict[str, Any] = dict.fromkeys(set(Settings.__dataclass_fields__) - {"reader", "paths"})
    reader = Reader(source=SourceKind.PICAMERA2, width=width, height=height, frames_per_s=FRAMES_PER_S, left_after_s=0.3)
    return Settings(**rest, reader=reader, paths=Paths(state=folder, runtime=folder))


def check_tracks(report: Report, name: str, shown: Mapping[str, bytes], gate: Gate, seconds: float) -> None:
    appeared = gate.told(TrackState.APPEARED)
    read = [track.payload for track in appeared]
    for what, payload in shown.items():
        report.check(f"{name}: {what}, {len(payload)} bytes, read exactly", 1, read[: len(shown)].count(payload))
    report.check(f"{name}: nothing else is read", 0, len(set(read) - set(shown.values())))
    ids = [track.id for track in gate.told(TrackState.LEFT)]
    report.check(f"{name}: what appeared left again, one after the other", [track.id for track in appeared][: len(ids)], ids)
    taken_ns = [track.frame_ns for track in appeared]
    report.check(f"{name}: frame numbers and time stamps rise", True, taken_ns == sorted(set(taken_ns)))
    ages_ms = [(track.decoded_ns - track.frame_ns) / 1e6 for track in appeared]
    report.at_most(f"{name}: from the sensor to the payload, p50 {np.median(ages_ms):.1f} ms, maximum, ms", FRESH_MS, max(ages_ms, default=np.inf))
    state = gate.states[-1] if gate.states else ReaderState("silent", 0, 0, 0, 0)
    print(f"       {state.frames / seconds:.1f} frames/s, {state.frames} frames, {state.looks} looks, {state.dropped} passed over")
    # A machine that is busy with other things delays the frames of a sensor that is a thread.
    report.check(f"{name}: no failure, all is well, {state.state}", (True, 0), (state.state in ("ok", "slow"), state.failures))
    report.check(f"{name}: says that it is ready, and then that it is alive", [READY, ALIVE], gate.notices[:2])


def check_silence(report: Report, name: str, gate: Gate) -> None:
    dark = OPENER.camera.camera.dark
    dark.set()
    took_s = gate.listen(lambda: False, 0.3)  # what is on its way arrives
    gate.notices.clear()
    took_s += gate.listen(lambda: gate.states[-1].state == "no_frames", 5)
    report.at_most(f"{name}: a camera that stopped is reported as no_frames after 2 s; s", 2.3, took_s)
    took_s = gate.listen(lambda: gate.states[-1].state in ("ok", "slow"), 10)  # the one that is opened then is not dark
    report.at_most(f"{name}: ... and is closed and opened again, and delivers; s", 5.0, took_s)
