"""The whole reader's loop as the benchmark drives it: one frame in, what was read in it and what it cost out.

This file alone knows how the reader is put together. Everything is real: change detector, chain, tracks, speaker and its
link; at the link's other end sits somebody who throws all away.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from device.clock import NS, monotonic_ns
from device.domain import Track
from device.links import PACKET_MAX, Link
from device.reader.chain import Reading, open_chain
from device.reader.feed import Feed
from device.reader.frame import Frame, Luma
from device.reader.loop import Loop
from device.reader.speaker import Speaker
from device.reader.tracks import Tracks
from tests.bench.peers import Payloads

WHOLE = ("zxing", "zbar")
"""The decoders that a gate has by default."""

ZBAR_ONLY = ("zbar",)
"""All that a 32-bit board has."""

FRAMES_PER_S = 30
LEFT_AFTER_S = 0.5


@dataclass(frozen=True, slots=True)
class Step:
    """One frame: what was read in it, and the thread CPU time from the mailbox to the link."""

    payloads: Payloads = field(repr=False)
    cpu_ns: int


class Reader:
    """A context manager: it holds two sockets."""

    def __init__(self, decoders: tuple[str, ...] = WHOLE) -> None:
        ours, self._others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._others.setblocking(False)
        self._began_ns = monotonic_ns()
        self._number = 0
        self._speaker = Speaker(lambda: Link(ours), clock=self._now_ns)
        self._tracks = Overheard()
        feed = Feed(NoSource(), frames_per_s=FRAMES_PER_S)
        chain = open_chain(decoders)
        self.second_chance = chain.second
        self._loop = Loop(feed, chain, self._tracks, self._speaker, clock=self._now_ns, alive=lambda _: None)

    def _now_ns(self) -> int:
        """The camera's time: peers and generators take ten times as long as a frame, and what is said once a second is not to be said ten times."""
        return self._began_ns + self._number * NS // FRAMES_PER_S

    def step(self, luma: Luma) -> Step:
        """The next frame of a camera with 30 frames/s, whatever time it is."""
        frame = Frame(luma, self._number, self._now_ns())
        self._number += 1
        self._tracks.heard = frozenset()
        begun = time.thread_time_ns()
        self._loop.step(frame)
        spent = time.thread_time_ns() - begun
        self._drain()
        return Step(self._tracks.heard, spent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._speaker.close()
        self._others.close()

    def _drain(self) -> None:
        try:
            while self._others.recv(PACKET_MAX + 1):
                pass
        except BlockingIOError:
            return


class Overheard(Tracks):
    """The tracks, which also remember what the chain has just told them. A frame that was passed over tells nothing."""

    def __init__(self) -> None:
        super().__init__("0badcafe", LEFT_AFTER_S)
        self.heard: Payloads = frozenset()

    def look(self, readings: Sequence[Reading], *, frame: int, frame_ns: int, decoded_ns: int) -> tuple[Track, ...]:
        read = tuple(readings)
        self.heard = frozenset(reading.payload for reading in read)
        return super().look(read, frame=frame, frame_ns=frame_ns, decoded_ns=decoded_ns)


class NoSource:
    """The loop asks its feed for counters only: frames are handed in."""

    ended, dropped = False, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        pass

    def next(self, timeout_s: float) -> Frame | None:
        raise NotImplementedError(f"nobody waits {timeout_s} s here")
