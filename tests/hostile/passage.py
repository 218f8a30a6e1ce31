"""The corpus shown to a whole gate: the real reader process, the real gate process, and a relay board that keeps count."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from device.domain import EventType
from tests.device.boards import ON, Board
from tests.device.reader.pictures import scene
from tests.gates import Gate
from tests.hostile import corpus
from tests.hostile.cases import HEIGHT, WIDTH, Case
from tests.hostile.records import recorded

FRAMES_A_CLAIM = 20
"""Whoever holds up a claim does so until the one before him is through the lane; all other pictures are one frame each."""

SLOW_S = 20.0
"""More than the reader may need for the largest pictures after their time."""


@dataclass(frozen=True, slots=True)
class Passage:
    """What became of the corpus. ``looks`` of ``frames``: how many of the pictures the reader took up, and tried to read."""

    gate_lived: bool
    reader_code: int | None
    reader_words: str
    admitted: int
    released: int
    frames: int
    dropped: int
    looks: int
    failures: int


def show(folder: Path, cases: Sequence[Case], *, mode: str, frames_per_s: float, decoders: Sequence[str]) -> Passage:
    """Show ``cases`` to a gate in ``mode``, which trusts nobody who signs in the corpus."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    number = _write(pictures, cases)
    with Board() as board:
        gate = Gate(
            folder / "gate",
            {
                "policy.mode": f'"{mode}"',
                "relay.kind": '"lcus"',
                "relay.port": f'"{board.path}"',
                "reader.path": f'"{pictures}"',
                "reader.frames_per_s": str(frames_per_s),
                "reader.decoders": str(list(decoders)).replace("'", '"'),
                "reader.left_after_s": "0.2",
            },
        ).start()
        assert gate.process is not None
        gate.connect("uplink").close()  # it is ready
        with reader(gate) as process:
            words = ""
            try:
                _, words = process.communicate(timeout=number / frames_per_s + SLOW_S + 10)
            except subprocess.TimeoutExpired:
                process.kill()
                words = process.communicate()[1]
        lived = _ended_told(gate) and gate.process.poll() is None
        gate.stop()
        decisions = [each for each in recorded(gate, EventType.DECISION) if each["admit"]]
        counters = next(each for each in reversed(recorded(gate, EventType.ALARM)) if each["what"] == "camera")
        return Passage(
            gate_lived=lived,
            reader_code=process.returncode,
            reader_words=words,
            admitted=len(decisions),
            released=board.switched().count(ON),
            **{name: counters[name] for name in ("frames", "dropped", "looks", "failures")},
        )


@contextmanager
def reader(gate: Gate) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "device", "run", "reader", "--settings", str(gate.folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _write(pictures: Path, cases: Sequence[Case]) -> int:
    """One file a frame; how many."""
    number = 0
    for case in cases:
        for _ in range(FRAMES_A_CLAIM if case.claim else 1):
            corpus.write(case, pictures / f"{number:04}")
            number += 1
    wall = Case("a wall", scene(width=WIDTH, height=HEIGHT))
    for _ in range(10):
        corpus.write(wall, pictures / f"{number:04}")
        number += 1
    return number


def _ended_told(gate: Gate) -> bool:
    """The gate took in all that the reader said, up to its end."""
    give_up_s = time.monotonic() + 10
    while not any(each.get("state") == "ended" for each in recorded(gate, EventType.ALARM)):
        if time.monotonic() > give_up_s:
            return False
        time.sleep(0.05)  # another process's database cannot be awaited
    return True
