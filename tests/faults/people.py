"""A recording of many people, each with a pass of their own, so that a second decision for one of them shows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import segno
from numpy.typing import NDArray

from tests.gates import Issuer

WIDTH, HEIGHT, FRAMES_PER_S = 480, 480, 20
SHOWN_FRAMES, EMPTY_FRAMES = 9, 5
MODULE_PX = 6
NOISE_SIGMA = 3.0


def record(folder: Path, issuer: Issuer, people: int, *, seed: int) -> None:
    """Write a recording of ``people`` presentations, 0.7 s each."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    room = np.full((HEIGHT, WIDTH), 110.0)
    planes = [_exposed(room, random) for _ in range(EMPTY_FRAMES)]
    schedule: list[int] = list(range(EMPTY_FRAMES)) * 2
    for number in range(people):
        scene = room.copy()
        code = _symbol(issuer.issue(number + 1))
        top, left = (HEIGHT - code.shape[0]) // 2, (WIDTH - code.shape[1]) // 2
        scene[top : top + code.shape[0], left : left + code.shape[1]] = code
        planes += [_exposed(scene, random), _exposed(scene, random)]
        schedule += [len(planes) - 2 + frame % 2 for frame in range(SHOWN_FRAMES)] + list(range(EMPTY_FRAMES))
    (folder / "planes.u8").write_bytes(b"".join(plane.tobytes() for plane in planes))
    description = {"version": 1, "width": WIDTH, "height": HEIGHT, "frames_per_s": FRAMES_PER_S, "schedule": schedule}
    (folder / "recording.json").write_text(json.dumps(description), encoding="utf-8")


def length_s(people: int) -> float:
    return (2 * EMPTY_FRAMES + people * (SHOWN_FRAMES + EMPTY_FRAMES)) / FRAMES_PER_S


def _symbol(payload: bytes) -> NDArray[np.float64]:
    dark = np.array([list(row) for row in segno.make_qr(payload, error="m").matrix_iter(border=4)], dtype=bool)
    return np.where(dark, 30.0, 225.0).repeat(MODULE_PX, axis=0).repeat(MODULE_PX, axis=1)


def _exposed(scene: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.uint8]:
    return np.clip(scene + random.normal(0, NOISE_SIGMA, scene.shape), 0, 255).astype(np.uint8)
