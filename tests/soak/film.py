"""A recording with something for every stage: nobody, passers-by, codes that are easy, hard and hopeless, dusk, two at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from device.reader.frame import Luma
from tests.device.reader.pictures import VIETNAMESE, code, scene
from tests.hostile import patterns, streams
from tests.hostile.cases import Case

WIDTH, HEIGHT = 1280, 720
FRAMES_PER_S = 1000.0
"""More than any machine reads: the mailbox always holds a frame, and the reader works all the time."""

SEED = 2021
HOSTILE = (
    "append: first of 2",
    "ECI: 3",
    "damaged: 0.3 of the modules",
    "largest: one code in two hands",
    "noise of modules: 4",
    "transformed: light on dark",
)


def write(folder: Path, *, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """The recording, 60 pictures; every fifth of them shows nobody."""
    rng = np.random.default_rng(SEED)
    hostile = {case.name: case for case in (*streams.cases(), *patterns.cases())}
    walls: list[Luma] = []
    for number in range(60):
        kind = number // 6 % 10
        wall = scene(width=width, height=height)
        if kind in (1, 2):
            wall = scene(code(VIETNAMESE, scale=3 + number % 2), width=width, height=height, at=(60 + 5 * (number % 6), 90 + 7 * (number % 6)))
        elif kind == 3:
            wall[:, 40 * (number % 6) : 40 * (number % 6) + 300] = 90  # somebody walks past
        elif kind == 4:
            wall = scene(code(b"999 dense " * 20, scale=2), width=width, height=height, at=(40 + number % 6, 60))
        elif kind == 5:
            wall = (scene(code(b"999 at dusk", scale=5), width=width, height=height) // 12 + 20).astype(np.uint8)
        elif kind == 6:
            wall = _inside(hostile[HOSTILE[number % 6]], width, height)
        elif kind == 7:
            wall = scene(code(b"999 left", scale=4), code(b"999 right", scale=4), width=width, height=height, at=(60 + number % 6, 60))
        walls.append(np.clip(wall + rng.normal(0, 8 if kind == 5 else 3, wall.shape), 0, 255).astype(np.uint8))
    folder.mkdir(parents=True, exist_ok=True)
    head = {"version": 1, "width": width, "height": height, "frames_per_s": FRAMES_PER_S, "schedule": list(range(len(walls)))}
    (folder / "recording.json").write_text(json.dumps(head), encoding="ascii")
    with (folder / "planes.u8").open("wb") as planes:
        for wall in walls:
            planes.write(wall.tobytes())
    return folder


def _inside(case: Case, width: int, height: int) -> Luma:
    assert case.pixels is not None
    wall = scene(width=width, height=height)
    rows, columns = min(height, case.pixels.shape[0]), min(width, case.pixels.shape[1])
    wall[:rows, :columns] = case.pixels[:rows, :columns]
    return wall
