"""The reader process at full speed, and what the kernel says of it meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from device.errors import LinkError
from device.links import READER_SOCKET, Link, Listener, ReaderState, View
from tests.gates import Gate
from tests.soak import film
from tests.soak.growth import Sample
from tests.soak.reader import LEAK

SOON_S = 20.0


class Ear:
    """The gate's end: takes in all that is said, so that nothing is ever held up, and counts it."""

    def __init__(self, folder: Path) -> None:
        self._listener = Listener(folder / READER_SOCKET, {os.getuid()})
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self.frames = self.looks = self.failures = self.views = 0
        self.stages: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)
        self._listener.close()

    def _listen(self) -> None:
        link: Link | None = None
        try:
            while not self._stopping.wait(0.02):
                link = self._listener.accept() or link
                while link and (message := link.receive()) is not None:
                    self._take(message)
        except LinkError:  # the reader ended
            return
        finally:
            if link:
                link.close()

    def _take(self, message: object) -> None:
        match message:
            case ReaderState():
                self.frames, self.looks, self.failures = message.frames, message.looks, message.failures
            case View(tracks):
                self.views += 1
                for track in tracks:
                    if track.state == "appeared":
                        self.stages[track.stage] = self.stages.get(track.stage, 0) + 1


@contextmanager
def reading(
    folder: Path, *, width: int = film.WIDTH, height: int = film.HEIGHT, leak_bytes: int = 0
) -> Iterator[tuple[subprocess.Popen[bytes], Ear]]:
    """The reader, fed as fast as it reads."""
    film.write(folder / "film", width=width, height=height)
    gate = Gate(folder / "gate", {"reader.source": '"recording"', "reader.path": f'"{folder / "film"}"', "reader.decoders": '["zxing", "zbar"]'})
    gate.runtime.mkdir()
    command = [sys.executable, "-m", "tests.soak.reader", "run", "reader", "--settings", str(gate.folder)]
    environment = os.environ | ({LEAK: str(leak_bytes)} if leak_bytes else {})
    with Ear(gate.runtime) as ear, subprocess.Popen(command, env=environment) as process:
        try:
            give_up_s = time.monotonic() + SOON_S
            while not ear.frames:
                assert process.poll() is None, "the reader ended"
                assert time.monotonic() < give_up_s, "the reader says nothing"
                time.sleep(0.02)  # it says how it is once a second
            yield process, ear
        finally:
            process.terminate()


def sample(process_id: int, at_s: float, done: int) -> Sample:
    """Private memory only: the recording is a file that is mapped, and the kernel keeps as much of it as it likes."""
    folder = Path(f"/proc/{process_id}")
    rows = (line.split() for line in (folder / "smaps_rollup").read_text("ascii").splitlines()[1:])
    kib = {row[0].rstrip(":"): int(row[1]) for row in rows}
    status = dict(line.split(":", 1) for line in (folder / "status").read_text("ascii").splitlines() if ":" in line)
    return Sample(
        at_s=at_s,
        pss_kib=kib["Pss_Anon"] + kib["Pss_Shmem"],
        rss_kib=kib["Rss"],
        threads=int(status["Threads"]),
        descriptors=len(list((folder / "fd").iterdir())),
        done=done,
    )


def watch(process: subprocess.Popen[bytes], ear: Ear, *, for_s: float, every_s: float, progress: Callable[[Sample], None]) -> list[Sample]:
    """A sample ``every_s`` for ``for_s``."""
    begun_s, samples = time.monotonic(), list[Sample]()
    while not samples or samples[-1].at_s < for_s:
        assert process.poll() is None, f"the reader ended with {process.returncode}"
        samples.append(sample(process.pid, time.monotonic() - begun_s, ear.frames))
        progress(samples[-1])
        time.sleep(max(0.0, begun_s + len(samples) * every_s - time.monotonic()))
    return samples
