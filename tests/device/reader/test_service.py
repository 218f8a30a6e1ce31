from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.errors import HardwareError, LinkError
from device.links import Link, Listener, Message, ReaderState, View
from device.reader.service import SOCKET, run
from device.settings import Paths, Reader, Settings, SourceKind
from tests.device.reader.lines import spoken
from tests.device.reader.pictures import code, scene


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
