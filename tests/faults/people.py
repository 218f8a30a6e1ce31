"""A recording of many people, each with a pass of a few uses, who show it once more than it is good for.

The same person comes again so late that a second decision for one showing can be told from one for the next.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import segno
from numpy.typing import NDArray

from tests.gates import Issuer

WIDTH, HEIGHT, FRAMES_PER_S = 480, 480, 20
SHOWN_FRAMES, EMPTY_FRAMES = 9, 5
MODULE_PX = 6
NOISE_SIGMA = 3.0

DESCRIPTION = "recording.json"
SHOWING_S = (SHOWN_FRAMES + EMPTY_FRAMES) / FRAMES_PER_S
BEFORE_S = 2 * EMPTY_FRAMES / FRAMES_PER_S

USES = 4
COMES_AGAIN_S = 10.5
"""After 10 s a gate no longer takes somebody for being there still (``policy.again_after_s``)."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Groups of people who come one after the other, and then the same ones again."""

    groups: int
    size: int = math.ceil(COMES_AGAIN_S / SHOWING_S)
    times: int = USES + 1

    @property
    def showings(self) -> int:
        return self.groups * self.size * self.times

    @property
    def length_s(self) -> float:
        return BEFORE_S + self.showings * SHOWING_S


def record(folder: Path, issuer: Issuer, crowd: Crowd, *, counted_at: str, seed: int) -> None:
    """Write a recording of ``crowd``, whose passes are counted at one gate."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    room = np.full((HEIGHT, WIDTH), 110.0)
    planes = [_exposed(room, random) for _ in range(EMPTY_FRAMES)]
    schedule: list[int] = list(range(EMPTY_FRAMES)) * 2
    for group in range(crowd.groups):
        shown: list[int] = []
        for number in range(group * crowd.size, (group + 1) * crowd.size):
            scene = room.copy()
            code = _symbol(issuer.issue(number + 1, uses=USES, counted_at=counted_at))
            top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
            scene[top : top + code.shape[0], left : left + code.shape[1]] = code
            planes += [_exposed(scene, random), _exposed(scene, random)]
            shown += [len(planes) - 2 + frame % 2 for frame in range(SHOWN_FRAMES)] + list(range(EMPTY_FRAMES))
        schedule += shown * crowd.times
    (folder / "planes.u8").write_bytes(b"".join(plane.tobytes() for plane in planes))
    description = {"version": 1, "width": WIDTH, "height": HEIGHT, "frames_per_s": FRAMES_PER_S, "schedule": schedule}
    (folder / DESCRIPTION).write_text(json.dumps(description), encoding="utf-8")


def cut(folder: Path, at_s: float) -> int:
    """Nobody comes any more, as far as a reader is concerned that begins from now on; how many had come."""
    path = folder / DESCRIPTION
    description = json.loads(path.read_text(encoding="utf-8"))
    description["schedule"] = description["schedule"][: max(1, int(at_s * FRAMES_PER_S))]
    new = path.with_suffix(".new")
    new.write_text(json.dumps(description), encoding="utf-8")
    new.replace(path)
    return int((len(description["schedule"]) / FRAMES_PER_S - BEFORE_S) / SHOWING_S)


def _symbol(payload: bytes) -> NDArray[np.float64]:
    dark = np.array([list(row) for row in segno.make_qr(payload, error="m").matrix_iter(border=4)], dtype=bool)
    return np.where(dark, 30.0, 225.0).repeat(MODULE_PX, axis=0).repeat(MODULE_PX, axis=1)


def _exposed(scene: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint8]:
    return np.clip(scene + random.normal(0, NOISE_SIGMA, scene.shape), 0, 255).astype(np.uint8)
