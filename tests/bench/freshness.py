"""How old a frame is when it is decoded, with a decoder three times slower than the camera: the real feed, mailbox and loop."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from statistics import median
from types import TracebackType
from typing import Self

import numpy as np

from device.clock import NS, monotonic_ns
from device.domain import Track
from device.links import Link
from device.reader.chain import Reading, open_chain
from device.reader.feed import Feed
from device.reader.frame import Frame
from device.reader.loop import Loop
from device.reader.speaker import Speaker
from device.reader.tracks import Tracks
from tests.bench.figures import NS_PER_MS, Figures, Progress
from tests.bench.reader import FRAMES_PER_S, WHOLE

SECONDS = 6
SLOWER = 3.1
"""A little more than three times, so that looks do not fall into step with the camera and meet every age of a frame."""


def measure(_base: int, progress: Progress) -> Figures:
    progress(f"freshness: {SECONDS} s")
    ours, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    speaker, tracks = Speaker(lambda: Link(ours)), SlowTracks()
    with others, Feed(Camera(), frames_per_s=FRAMES_PER_S) as feed:
        Loop(feed, open_chain(WHOLE), tracks, speaker, alive=lambda _: None).run(threading.Event())
    speaker.close()
    return {
        "frame_age_p50": (median(tracks.ages_ns) / NS_PER_MS, "ms"),
        "frame_age_max": (max(tracks.ages_ns) / NS_PER_MS, "ms"),
        "frame_age_looks": (len(tracks.ages_ns), f"of {SECONDS * FRAMES_PER_S} frames"),
    }


class SlowTracks(Tracks):
    """Stands right behind the decoder, and takes the time that a slow one would."""

    def __init__(self) -> None:
        super().__init__("0badcafe", 0.5)
        self.ages_ns: list[int] = []

    def look(self, readings: Sequence[Reading], *, frame: int, frame_ns: int, decoded_ns: int) -> tuple[Track, ...]:
        self.ages_ns.append(decoded_ns - frame_ns)
        time.sleep(SLOWER / FRAMES_PER_S)
        return super().look(readings, frame=frame, frame_ns=frame_ns, decoded_ns=decoded_ns)


class Camera:
    """A frame every 1/30 s, whether somebody wants it or not; something moves in each, so that each is looked at."""

    dropped = 0

    def __init__(self) -> None:
        self._began_ns = monotonic_ns()
        self._number = 0
        rng = np.random.default_rng(0)
        still = np.kron(rng.integers(0, 256, (6, 8)), np.ones((40, 40))).astype(np.uint8)
        self._pictures = [still.copy() for _ in range(3)]
        for picture, left in zip(self._pictures, (0, 100, 200), strict=True):
            picture[80:180, left : left + 100] ^= 0x80

    @property
    def ended(self) -> bool:
        return self._number >= SECONDS * FRAMES_PER_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def next(self, timeout_s: float) -> Frame | None:
        due_ns = self._began_ns + self._number * NS // FRAMES_PER_S
        time.sleep(min(max(due_ns - monotonic_ns(), 0) / NS, timeout_s))
        frame = Frame(self._pictures[self._number % len(self._pictures)], self._number, monotonic_ns())
        self._number += 1
        return frame
