"""Short films of people who hold up codes, as a recording, a folder or a video."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from device.reader.frame import Luma
from tests.device.replay.defects import HEIGHT, WIDTH, Plane, printed, shot

CANARY = "999000000007"
PAYLOADS = tuple(f"{CANARY}||Hoàng Kim Canary {number}|01021990|Nữ|Huế|01012021".encode() for number in range(3))

WALL = np.full((HEIGHT, WIDTH), 110.0)
FRAMES_PER_S = 25


def empty(frames: int) -> list[Plane]:
    return [WALL] * frames


def held(light: Plane, frames: int) -> list[Plane]:
    """In a hand that sways by three pixels."""
    return [np.roll(light, (round(2 * np.cos(n / 3)), round(3 * np.sin(n / 2))), (0, 1)) for n in range(frames)]


def code(number: int = 0, *, module_px: float = 4) -> Plane:
    return printed(PAYLOADS[number], module_px=module_px)[0]


def pictures(scenes: Iterable[Sequence[Plane]], *, noise: float = 1.5) -> Iterator[Luma]:
    for seed, light in enumerate(light for scene in scenes for light in scene):
        yield shot(light, noise=noise, seed=seed)


def recording(folder: Path, *scenes: Sequence[Plane]) -> Path:
    planes = list(pictures(scenes))
    folder.mkdir()
    (folder / "planes.u8").write_bytes(b"".join(plane.tobytes() for plane in planes))
    head = {"version": 1, "width": WIDTH, "height": HEIGHT, "frames_per_s": FRAMES_PER_S, "schedule": list(range(len(planes)))}
    (folder / "recording.json").write_text(json.dumps(head))
    return folder


def folder_of(folder: Path, *scenes: Sequence[Plane]) -> Path:
    folder.mkdir()
    for number, picture in enumerate(pictures(scenes)):
        Image.fromarray(picture).save(folder / f"{number:05}.png", compress_level=1)
    return folder


def video(path: Path, *scenes: Sequence[Plane]) -> Path:
    """Lossless, without a time stamp that a player would have to guess."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=FRAMES_PER_S)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "gray"
        for number, picture in enumerate(pictures(scenes)):
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_S)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
