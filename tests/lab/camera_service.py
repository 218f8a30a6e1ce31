"""The whole reader service on the virtual camera, and the gate's end of its link, played here."""

from __future__ import annotations

import os
import selectors
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from device.clock import NS, monotonic_ns
from device.domain import Track, TrackState
from device.errors import LinkError
from device.links import Link, Listener, ReaderState, View
from device.notify import ALIVE, READY
from device.reader import service, sources
from device.settings import Paths, Reader, Settings, SourceKind
from tests.lab.report import Report
from tests.lab.virtual_camera import OPENER

# The one line by which a source becomes known.
sources.SOURCES[SourceKind.PICAMERA2] = sources._Entry("tests.lab.virtual_camera:open_virtual", "tests/lab/camera.sh")

FRAMES_PER_S = 30.0
ALL_SHOWN_S = 20.0  # one round of the pictures takes 7.4 s
FRESH_MS = 200.0
STOPPED_WITHIN_S = 3.0


@dataclass
class Gate:
    """Listens to the reader, and to what it tells the service manager."""

    folder: Path
    link: Link | None = None
    tracks: list[Track] = field(default_factory=list)  # as they appeared and left
    states: list[ReaderState] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = Listener(self.folder / service.SOCKET, {os.getuid()})
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._notices.bind(str(self.folder / "notify"))
        os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._notices, selectors.EVENT_READ, lambda: self.notices.append(self._notices.recv(100).decode()))

    def listen(self, until: Callable[[], bool], limit_s: float) -> float:
        """Take in what comes until ``until()`` holds, but at most ``limit_s``; returns the seconds it took."""
        begin_ns = monotonic_ns()
        while not until() and monotonic_ns() - begin_ns < limit_s * NS:
            for ready, _ in self._selector.select(0.02):
                ready.data()
        return (monotonic_ns() - begin_ns) / NS

    def _accept(self) -> None:
        self.link = self._listener.accept()
        if self.link is not None:
            self._selector.register(self.link, selectors.EVENT_READ, self._receive)

    def _receive(self) -> None:
        assert self.link is not None
        try:
            message = self.link.receive()
        except LinkError:
            self._selector.unregister(self.link)
            return
        if isinstance(message, View):
            self.tracks += [track for track in message.tracks if track.state is not TrackState.STILL]
        elif isinstance(message, ReaderState):
            self.states.append(message)

    def told(self, state: TrackState) -> list[Track]:
        return [track for track in self.tracks if track.state is state]

    def close(self) -> None:
        del os.environ["NOTIFY_SOCKET"]
        self._selector.close()
        for each in (self.link, self._listener, self._notices):
            if each is not None:
                each.close()


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
    report.check(f"{name}: no failure, all is well", ("ok", 0), (state.state, state.failures))
    report.check(f"{name}: says that it is ready, and then that it is alive", [READY, ALIVE], gate.notices[:2])


def check_silence(report: Report, name: str, gate: Gate) -> None:
    dark = OPENER.camera.camera.dark
    dark.set()
    took_s = gate.listen(lambda: False, 0.3)  # what is on its way arrives
    gate.notices.clear()
    took_s += gate.listen(lambda: gate.states[-1].state == "no_frames", 5)
    report.at_most(f"{name}: a camera that stopped is reported as no_frames after 2 s; s", 2.3, took_s)
    gate.listen(lambda: False, 1.2)
    report.check(f"{name}: ... and the watchdog hears nothing", [], gate.notices)
    dark.clear()
    report.at_most(f"{name}: ... and as ok when frames come again; s", 0.5, gate.listen(lambda: gate.states[-1].state == "ok", 5))
