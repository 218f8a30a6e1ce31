"""Recordings made for a test: a few pictures, and which is shown when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from device.reader.frame import Luma

FRAMES_PER_S = 30.0


def film(folder: Path, pictures: Sequence[Luma], shots: Iterable[tuple[int, float]], *, frames_per_s: float = FRAMES_PER_S) -> Path:
    """A recording of ``pictures``, all of one size; each shot is the number of a picture and for how many seconds it is shown."""
    folder.mkdir(parents=True)
    height, width = pictures[0].shape
    schedule = [number for number, seconds in shots for _ in range(round(seconds * frames_per_s))]
    head = {"version": 1, "width": width, "height": height, "frames_per_s": frames_per_s, "schedule": schedule}
    (folder / "recording.json").write_text(json.dumps(head), encoding="ascii")
    with (folder / "planes.u8").open("wb") as planes:
        for picture in pictures:
            planes.write(picture.tobytes())
    return folder
