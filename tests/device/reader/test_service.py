from __future__ import annotations

import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from device.clock import monotonic_ns
from device.errors import HardwareError, LinkError
from device.links import Link, Listener, Message, ReaderState, View
from device.reader.frame import Exposure, Frame
from device.reader.optics.exposure import HandExposure, Limits
from device.reader.service import SOCKET, exposure_of, run
from device.settings import Exposing, Paths, Reader, Settings, SourceKind
from tests.device.reader.lines import spoken
from tests.device.reader.pictures import code, scene
from tests.device.reader.scanners.played import PlayedGm65
from tests.device.reader.scanners.plugged import Plugged
from tests.gates import Gate as GateOnTheBench


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A second of nothing, half a second of a code, a second of nothing; ten times as fast."""
    planes = [scene(width=320, height=240), scene(code(b"a", scale=5), width=320, height=240)]
    head = {"version": 1, "width": 320, "height": 240, "frames_per_s": 60.0, "schedule": [0] * 12 + [1] * 30 + [0] * 60}
    (tmp_path / "recording.json").write_text(json.dumps(head))
    (tmp_path / "planes.u8").write_bytes(b"".join(plane.tobytes() for plane in planes))
    return tmp_path


@pytest.fixture
def settings(recording: Path) -> Settings:
    rest: dict[str, Any] = dict.fromkeys(set(Settings.__dataclass_fields__) - {"reader", "paths"})
    return Settings(
        **rest,
        reader=Reader(source=SourceKind.RECORDING, path=str(recording), frames_per_s=60.0),
        paths=Paths(state=recording, runtime=recording),
    )


@pytest.fixture
def gate(recording: Path) -> Iterator[Listener]:
    listener = Listener(recording / SOCKET, {os.getuid()})
    yield listener
    listener.close()


def accepted(listener: Listener) -> Link:
    deadline = time.monotonic() + 10
    while (link := listener.accept()) is None:
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)
    return link


def everything(link: Link) -> list[Message | None]:
    """What the reader said until it closed its end."""
    messages = []
    while True:
        try:
            messages.append(link.receive())
        except LinkError:
            return messages


def test_a_recording_is_read_from_its_first_frame_to_its_end(settings: Settings, gate: Listener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "qrgate.reader")
    reader = threading.Thread(target=run, args=(settings, threading.Event()))
    reader.start()
    link = accepted(gate)
    reader.join(20)
    messages = everything(link)
    changes = [word for word in spoken(message for message in messages if isinstance(message, View)) if word and not word.endswith("S")]
    assert changes == ["aA", "aL"]
    states = [message for message in messages if isinstance(message, ReaderState)]
    assert (states[0].state, states[-1].state) == ("ok", "ended")
    assert states[-1].frames + states[-1].dropped >= 102 - 1
    first = next(track for message in messages if isinstance(message, View) for track in message.tracks)
    assert 12 <= first.frame <= 16
    assert 0 <= first.decoded_ns - first.frame_ns < 500_000_000
    assert caplog.messages == ["the recording has ended"]
    link.close()


def test_a_reader_that_is_stopped_ends_in_order(settings: Settings, gate: Listener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "qrgate.reader")
    stopping = threading.Event()
    codes: list[int] = []
    looped = replace(settings, reader=replace(settings.reader, loop=True))
    reader = threading.Thread(target=lambda: codes.append(run(looped, stopping)))
    reader.start()
    link = accepted(gate)
    stopping.set()
    reader.join(20)
    link.close()
    assert (codes, caplog.messages) == ([0], [])


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        pytest.param({"decoders": ()}, "no decoder is chosen", id="no decoder"),
        pytest.param({"decoders": ("wechat",)}, "no decoder is called 'wechat'", id="a decoder nobody knows"),
        pytest.param({"path": "/nowhere"}, "no recording at /nowhere", id="a recording that is not there"),
        pytest.param({"source": SourceKind.WEBCAM, "path": "/dev/nowhere"}, "no webcam at /dev/nowhere", id="a webcam that is not there"),
        pytest.param({"source": SourceKind.PICAMERA2}, "picamera2 cannot be loaded", id="no picamera2"),
    ],
)
def test_what_is_missing_stops_the_process_with_a_hint(settings: Settings, changes: dict[str, Any], what: str) -> None:
    if changes.get("source") is SourceKind.PICAMERA2 and Path("/usr/lib/python3/dist-packages/picamera2").exists():
        pytest.skip("this machine has picamera2")
    with pytest.raises(HardwareError) as raised:
        run(replace(settings, reader=replace(settings.reader, **changes)), threading.Event())
    assert raised.value.what.startswith(what)
    assert raised.value.hint


# --- a camera that stalls: the whole process ---------------------------------------------------------------------


@contextmanager
def stalling(runtime: Path, *lives: str) -> Iterator[subprocess.Popen[str]]:
    """The reader process with a camera of ``lives``."""
    command = [sys.executable, "-m", "tests.device.reader.stalling", str(runtime), *lives]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def heard_until(link: Link, last: str, *, within_s: float = 20) -> list[Message]:
    """What the reader says until a word is ``last``."""
    messages: list[Message] = []
    with selectors.DefaultSelector() as selector:
        selector.register(link, selectors.EVENT_READ)
        give_up_s = time.monotonic() + within_s
        while last not in spoken(messages):
            assert selector.select(max(0.0, give_up_s - time.monotonic())), spoken(messages)
            if message := link.receive():
                messages.append(message)
    return messages


def without_repeats(words: list[str]) -> list[str]:
    return [word for word, _ in groupby(word for word in words if word)]


def test_a_code_that_is_still_there_when_the_camera_was_restarted_is_the_same_track(recording: Path, gate: Listener) -> None:
    """Nobody is decided twice for a camera's sake: while it is silent its tracks stay, and leave by frames only."""
    with stalling(recording, "a" * 20, "a" * 20 + "." * 60) as process:
        link = accepted(gate)
        messages = heard_until(link, "aL")
        link.close()
        process.terminate()
        assert process.wait(10) == 0
    tracks = [track for message in messages if isinstance(message, View) for track in message.tracks]
    states = [message.state for message in messages if isinstance(message, ReaderState)]
    assert len({track.id for track in tracks}) == 1
    assert without_repeats([track.state for track in tracks]) == ["appeared", "still", "left"]
    assert without_repeats(states) == ["ok", "no_frames", "ok"]


def test_a_camera_in_fault_is_told_and_heals_in_the_same_process(recording: Path, gate: Listener) -> None:
    with stalling(recording, "." * 20, "!", "!", "!", "." * 1000) as process:
        link = accepted(gate)
        words = spoken(heard_until(link, "camera_fault"))
        words += spoken(heard_until(link, "ok"))
        link.close()
        assert process.poll() is None
    assert without_repeats(words) == ["ok", "no_frames", "camera_fault", "ok"]


@pytest.mark.parametrize(
    ("lives", "what"),
    [
        pytest.param(["z"], "it closes for more than 0.5 s", id="closing"),
        pytest.param(["", "~"], "it owes a frame for more than 1 s", id="the next frame"),
        pytest.param(["", "?"], "it opens for more than 0.5 s", id="opening again"),
        pytest.param(["?"], "it opens for more than 0.5 s", id="opening at all"),
    ],
)
def test_a_camera_that_hangs_ends_the_process_in_bounded_time(recording: Path, lives: list[str], what: str) -> None:
    """The silence and the limit, which are half a second in this test (2 s; 10 s for a closing, 30 s for an opening)."""
    begun_s = time.monotonic()
    with stalling(recording, *lives) as process:
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, f"the frame source hangs: {what}" in errors) == (5, True)
    assert time.monotonic() - begun_s < 10


def test_a_reader_that_systemd_starts_again_and_again_pauses_before_it_begins(
    settings: Settings, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(recording))
    now_ns = monotonic_ns()
    (recording / "starts.json").write_text(json.dumps([now_ns] * 9))
    stopping = threading.Event()
    reader = threading.Thread(target=run, args=(settings, stopping))
    reader.start()
    reader.join(2.5)  # of which the recording itself takes 1.7 s
    assert reader.is_alive()
    stopping.set()  # a pause does not hold up a stop
    reader.join(5)
    assert not reader.is_alive()
    assert not (recording / "starts.json").exists()


# --- a scan module: the whole process ----------------------------------------------------------------------------


@contextmanager
def scanning(folder: Path, port: Path, trigger: str) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    """The reader as systemd starts it, and where it tells how it is."""
    runtime = folder / "run"
    lines = {"reader.source": '"scanner"', "scanner.model": '"gm65"', "scanner.port": f'"{port}"', "scanner.trigger": f'"{trigger}"'}
    GateOnTheBench(folder, lines)
    command = [sys.executable, "-m", "device", "run", "reader", "--settings", str(folder)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(runtime / "notify"))
        manager.settimeout(20)
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"NOTIFY_SOCKET": str(runtime / "notify")}) as process:
            try:
                yield process, manager
            finally:
                process.terminate()


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.mark.parametrize("trigger", ["continuous", "host"])
def test_a_scan_module_is_set_up_read_pulled_out_and_read_again(bench: Path, trigger: str) -> None:
    with (
        closing(Listener(bench / "run" / SOCKET, {os.getuid()})) as gate,
        Plugged(bench, PlayedGm65()) as plugged,
        scanning(bench, plugged.path, trigger) as (process, manager),
    ):
        assert manager.recv(100) == b"READY=1"
        link = accepted(gate)
        messages = heard_until(link, "ok")
        assert plugged.module.flash[0x0003] == 0x02
        plugged.held = b"a"
        messages += heard_until(link, "aA")
        plugged.unplug()
        messages += heard_until(link, "no_frames")
        plugged.plug()
        messages += heard_until(link, "ok")
        plugged.held = b"b"
        messages += heard_until(link, "bA aL")
        plugged.held = None
        messages += heard_until(link, "bL")
        process.terminate()
        assert process.wait(10) == 0
        link.close()
        assert (plugged.module.triggered, manager.recv(100)) == (False, b"WATCHDOG=1")
    words = spoken(messages)
    assert [word for word in words if word[-1:] in {"A", "L"}] == ["aA", "bA aL", "bL"]
    assert without_repeats([word for word in words if word in {"ok", "no_frames"}]) == ["ok", "no_frames", "ok"]


def test_a_module_that_keeps_its_set_up_codes_on_ends_the_process_and_nothing_of_it_is_told(bench: Path) -> None:
    with closing(Listener(bench / "run" / SOCKET, {os.getuid()})) as gate, Plugged(bench, PlayedGm65(stubborn=frozenset({0x0003}))) as plugged:
        plugged.held = b"a"
        with scanning(bench, plugged.path, "continuous") as (process, _):
            _, errors = process.communicate(timeout=20)
        assert (process.returncode, gate.accept()) == (5, None)
    assert "the scan module does not take a setting: printed set-up codes off" in errors
    assert "anybody can print one that reconfigures it" in errors


def test_a_module_that_is_not_there_ends_the_process_with_a_hint(bench: Path) -> None:
    with scanning(bench, bench / "nowhere", "continuous") as (process, _):
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, "no scan module at" in errors, "/dev/serial/by-id" in errors) == (5, True, True)


class Camera:
    """A source that is a camera whose exposure can be set, or not."""

    ended, dropped = False, 0

    def __init__(self, limits: Limits | None) -> None:
        self.limits = limits

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    def next(self, timeout_s: float) -> Frame | None:  # noqa: ARG002  the protocol's name
        return None

    def expose(self, exposure: Exposure) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("limits", "wanted", "ours", "said"),
    [
        pytest.param(Limits(20, 33_000, 16.0), Exposing.HAND, True, 0, id="a camera that can be told"),
        pytest.param(Limits(20, 33_000, 16.0), Exposing.CAMERA, False, 0, id="left to the camera"),
        pytest.param(None, Exposing.HAND, False, 1, id="a camera that cannot be told: that is said"),
    ],
)
def test_the_exposure_is_ours_where_that_is_wanted_and_can_be(
    settings: Settings, caplog: pytest.LogCaptureFixture, limits: Limits | None, wanted: Exposing, ours: bool, said: int
) -> None:
    exposure = exposure_of(Camera(limits), replace(settings.reader, exposure=wanted))
    assert (isinstance(exposure, HandExposure), len(caplog.messages)) == (ours, said)
