"""Runs the material through the reader's own loop, as fast as it goes: every frame, at the time it was taken."""

from __future__ import annotations

import logging
import threading
import time
from array import array
from collections.abc import Callable, Sequence

from device.errors import FrameError, HardwareError, LinkError
from device.links import Link
from device.reader.chain import open_chain
from device.reader.feed import Feed
from device.reader.loop import Loop, Seen
from device.reader.speaker import Speaker
from device.reader.tracks import Tracks
from device.replay.findings import Findings
from device.replay.material import PATIENCE_S, Material
from device.replay.thumbnails import Thumbnails
from device.replay.watch import Watch
from device.settings import Reader, SourceKind

log = logging.getLogger("qrgate.replay")

AS_DELIVERED = Reader(source=SourceKind.VIDEO)
"""The reader's settings that bear on what is read, as they are by default."""

FRAMES_MAX = 1_000_000
"""Nine hours at 30 frames/s, and 50 MB of notes. What is longer is told up to there, and that it is."""
BROKEN_NAMED = 10
"""Frames that cannot be used are named up to here, and counted beyond."""

HINT = "give a video that ffmpeg can play, a folder of pictures, or the folder of a recording"

Progress = Callable[[Watch], None]


def play(
    material: Material, decoders: Sequence[str], stopping: threading.Event, *, thumbnails: bool = False, progress: Progress = lambda _: None
) -> Findings:
    """Replay all of ``material``, or until ``stopping`` is set.

    A source that breaks off after its first frame ends the replay: the findings say so.

    Raises:
        HardwareError: a decoder is missing, or there was not a single frame.
    """
    player = _Player(material, decoders, Watch(Thumbnails(keep=thumbnails)))
    broke_off = ""
    try:
        with material.source:
            while not (material.source.ended or stopping.is_set() or player.watch.frames >= FRAMES_MAX):
                player.step()
                progress(player.watch)
    except HardwareError as error:
        if not player.watch.frames:
            raise HardwareError(error.what, hint=HINT) from None
        broke_off = error.what
    if player.watch.frames >= FRAMES_MAX and not material.source.ended:
        broke_off = f"it has more than {FRAMES_MAX:,} frames: cut it into parts"
    player.watch.end()
    if not player.watch.frames and not stopping.is_set():
        raise HardwareError(f"no frame in {material.name}", hint=f"{player.broken} were broken" if player.broken else "is it empty, or cut off?")
    return player.findings(broke_off=broke_off, interrupted=stopping.is_set())


class _Player:
    def __init__(self, material: Material, decoders: Sequence[str], watch: Watch) -> None:
        self._material = material
        self.watch = watch
        self.broken = 0
        self._watching_ns = 0
        self._cpu_ns = array("q")
        clock = material.clock
        feed = Feed(material.source, frames_per_s=30)  # not started: frames come one by one, none is dropped
        self._loop = Loop(
            feed,
            open_chain(decoders),
            Tracks("0" * 8, AS_DELIVERED.left_after_s),
            Speaker(_nobody, clock=clock),
            clock=clock,
            alive=lambda _: None,
            observe=self._see,
        )

    def step(self) -> None:
        try:
            frame = self._material.source.next(PATIENCE_S)
        except FrameError as error:
            self.broken += 1
            if self.broken <= BROKEN_NAMED:
                log.warning("%s", error.what)
            return
        if frame is None:
            return
        self._watching_ns = 0
        begun_ns = time.thread_time_ns()
        self._loop.step(frame)
        self._cpu_ns.append(time.thread_time_ns() - begun_ns - self._watching_ns)

    def findings(self, *, broke_off: str, interrupted: bool) -> Findings:
        watch = self.watch
        return Findings(
            name=self._material.name,
            kind=str(self._material.kind),
            width=watch.size[0],
            height=watch.size[1],
            totals=watch.totals(self._cpu_ns, self.broken),
            presentations=watch.presentations.all(watch.start),
            missed=watch.missed(),
            timeline=watch.timeline(),
            broke_off=broke_off,
            interrupted=interrupted,
        )

    def _see(self, seen: Seen) -> None:
        """What the replay does with a frame is not the reader's time."""
        begun_ns = time.thread_time_ns()
        self.watch.see(seen)
        self._watching_ns += time.thread_time_ns() - begun_ns


def _nobody() -> Link:
    raise LinkError("a replay has no gate")
