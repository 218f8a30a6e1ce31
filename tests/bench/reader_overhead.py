"""What the reader's loop costs a frame beyond decoders and picture reduction, on the demo's frames of 1280x720.

Change detector, tracks, message to a real gate process over the real link. The chain counts the time inside decoders and
reduction itself; it is taken off the loop's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from device import config
from device.clock import NS, monotonic_ns
from device.demo import render, scenes
from device.demo.payloads import payloads
from device.reader.chain import Chain, open_chain
from device.reader.feed import Feed
from device.reader.frame import Frame
from device.reader.loop import Loop
from device.reader.sources import open_source
from device.reader.sources.recording import Recording
from device.reader.speaker import speaker_to
from device.reader.tracks import Tracks
from tests.gates import Gate

PEOPLE = 6
ROUNDS = 3
NS_PER_MS = 1e6


def measure() -> dict[str, tuple[float, str]]:
    with tempfile.TemporaryDirectory(prefix="qrgate-bench-") as folder:
        overheads = _overheads_ns(Path(folder))
    return {"reader_overhead_p50": (median(overheads) / NS_PER_MS, "ms")}


def _overheads_ns(folder: Path) -> list[int]:
    recording = folder / "recording"
    render.render(recording, scenes.presentations(payloads())[:PEOPLE], seed=1, progress=lambda _done, _of: None)
    gate = Gate(folder / "gate", {"reader.source": '"recording"', "reader.path": f'"{recording}"', "reader.frames_per_s": "20.0"}).start()
    try:
        gate.connect("uplink").close()  # it listens
        wanted = config.load(gate.folder).reader
        chain = open_chain(wanted.decoders)
        speaker = speaker_to(gate.runtime / "reader.sock")
        feed = Feed(open_source(wanted), frames_per_s=wanted.frames_per_s)  # its counters only: frames are handed in below
        loop = Loop(feed, chain, Tracks("0badcafe", wanted.left_after_s), speaker)
        frames = Recording.open(recording)
        overheads = [_step_ns(loop, chain, frame) for frame in _played(frames)]
        speaker.close()
    finally:
        gate.stop()
    return overheads


def _played(recording: Recording) -> Iterator[Frame]:
    """Frames with the time stamps of a camera, so that codes come and leave as people do; handed over without the pauses."""
    began_ns = monotonic_ns()
    for number, plane in enumerate(recording.schedule * ROUNDS):
        yield Frame(recording.planes[plane], number, began_ns + int(number * NS / recording.frames_per_s))


def _step_ns(loop: Loop, chain: Chain, frame: Frame) -> int:
    spent_before = chain.spent.decoding_ns + chain.spent.reduction_ns
    begun = time.perf_counter_ns()
    loop.step(frame)
    whole = time.perf_counter_ns() - begun
    return whole - (chain.spent.decoding_ns + chain.spent.reduction_ns - spent_before)
