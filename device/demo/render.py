"""Renders the presentations into a recording: ``recording.json`` and ``planes.u8``, which the reader plays like a camera.

A plane is one picture. Hands that rest and empty scenes play a few planes again and again; each plane has its own sensor
noise and none follows itself, so that two neighbouring frames are never the same. Everything random comes from the seed
and the number of a plane or person: the same seed and payloads give the same bytes, whatever order planes are made in.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

import numpy as np

from device.demo.lens import HEIGHT, WIDTH, expose
from device.demo.plan import Plan, Scene, Shown, plan_of
from device.demo.room import hall
from device.demo.scenes import FRAMES_PER_S
from device.demo.staging import cast_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from device.demo.scenes import Presentation

    Planes = NDArray[np.uint8]

VERSION = 1
WORKERS = 2  # threads: Pillow and numpy release the interpreter lock while they work on a picture


def render(folder: Path, presentations: Sequence[Presentation], *, seed: int, progress: Callable[[int, int], None]) -> None:
    """Write the recording into ``folder`` (made if absent); ``progress(done, of)`` is called after each scene.

    Raises OSError if the folder cannot be written. A recording that was there before is replaced; ``recording.json`` is
    written last, so that a folder with one is complete.
    """
    plan = plan_of(presentations)
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "recording.json"
    description.unlink(missing_ok=True)
    planes = _blank_planes(folder / "planes.u8", plan.planes)
    _render_scenes(planes, plan, seed, progress)
    description.write_text(json.dumps(_described(plan), ensure_ascii=False) + "\n", encoding="utf-8")


def _blank_planes(path: Path, planes: int) -> Planes:
    """The file, mapped. Its room is taken first: a full disk is then an OSError here and not a bus error in a later write."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, planes * HEIGHT * WIDTH)
    return np.memmap(path, np.uint8, "r+", shape=(planes, HEIGHT, WIDTH))


def _render_scenes(planes: Planes, plan: Plan, seed: int, progress: Callable[[int, int], None]) -> None:
    background = np.asarray(hall(np.random.default_rng([seed, 1])))
    longest_first = sorted(plan.scenes, key=lambda scene: -len(scene.planes))
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="render") as workers:
        scenes = [workers.submit(_render_scene, planes, scene, background, seed) for scene in longest_first]
        try:
            for done, scene in enumerate(as_completed(scenes), start=1):
                scene.result()
                progress(done, len(scenes))
        finally:
            workers.shutdown(cancel_futures=True)  # after an error or Ctrl-C nobody wants the rest


def _render_scene(planes: Planes, scene: Scene, background: Planes, seed: int) -> None:
    for plane, picture in zip(scene.planes, _pictures(scene, background, seed), strict=False):  # the empty hall never ends
        planes[plane] = expose(picture, np.random.default_rng([seed, 3, plane]), dim=scene.dim)


def _pictures(scene: Scene, background: Planes, seed: int) -> Iterator[Planes]:
    if scene.presentation is None:
        yield from itertools.repeat(background)
        return
    cast = cast_of(scene.presentation, seed)
    standing = cast.enter(background, 0.0)  # in most planes the person stands and only the hand moves
    for moment in scene.moments:
        behind = cast.enter(background, moment.absence) if moment.absence else standing
        yield cast.hold_up(behind, moment)


def _described(plan: Plan) -> dict[str, Any]:
    return {
        "version": VERSION,
        "width": WIDTH,
        "height": HEIGHT,
        "frames_per_s": FRAMES_PER_S,
        "presentations": [_shown(shown) for shown in plan.shown],
        "schedule": plan.schedule,
    }


def _shown(shown: Shown) -> dict[str, Any]:
    """The payloads stay out of the file: they may be personal. Their digests tell them apart."""
    presentation = shown.presentation
    return {
        "name": presentation.name,
        "first_frame": shown.frames[0],
        "last_frame": shown.frames[-1],
        "payloads_sha256": [hashlib.sha256(payload).hexdigest() for payload in presentation.payloads],
        "admit": presentation.expected.admit,
        "reason": presentation.expected.reason.value,
    }
