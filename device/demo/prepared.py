"""The demo's recording, rendered at the first call and kept until scenes, renderer or reader change.

Beside it stands ``readable.json``: for each presentation that is admitted the first frame that the reader's still-picture function reads,
found offline, with all the time in the world. From there the gate's haste is measured.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.demo import render, scenes
from device.demo.payloads import payloads
from device.demo.tally import Expected, Script
from device.errors import StoreError
from device.reader import read_still
from device.reader.decoders import Symbol

SEED = 20210625
READABLE = "readable.json"
WORKERS = 2  # decoders release the interpreter lock

FirstReadable = dict[str, int]
"""Name of the presentation -> frame."""


def prepare(cache: Path) -> Path:
    """The folder of the recording, complete. Raises StoreError where ``cache`` cannot hold it."""
    recording = cache.absolute() / f"demo-recording-{_version()}"
    if not (recording / READABLE).exists():
        begin_s = time.monotonic()
        people = scenes.presentations(payloads())
        print(f"— rendering {len(people)} people, about 15 s, once", flush=True)
        try:
            for old in cache.glob("demo-recording-*"):
                shutil.rmtree(old)
            render.render(recording, people, seed=SEED, progress=lambda done, of: _progress("rendering scenes", done, of))
        except OSError as error:
            raise StoreError(f"the recording cannot be kept in {cache}: {error.strerror}", hint="--cache FOLDER: 250 MB are needed") from None
        readable = _find_readable(recording)
        (recording / READABLE).write_text(json.dumps(readable, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"— rendered {len(people)} presentations in {time.monotonic() - begin_s:.1f} s, kept in {recording}", flush=True)
    return recording


def read_readable(recording: Path) -> FirstReadable:
    readable: FirstReadable = json.loads((recording / READABLE).read_text(encoding="utf-8"))
    return readable


def _version() -> str:
    """Changes with every line that could change a picture or its reading."""
    sources = sorted([*Path(__file__).parent.glob("*.py"), *Path(__file__).parents[1].glob("reader/**/*.py")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


def _find_readable(recording: Path) -> FirstReadable:
    content = json.loads((recording / "recording.json").read_text(encoding="utf-8"))
    planes = np.memmap(recording / "planes.u8", np.uint8, "r").reshape(-1, content["height"], content["width"])
    rows = [row for row in Script.read(recording).expected if row.admit]  # only they move a relay
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="readable") as workers:
        firsts = []
        for done, first in enumerate(workers.map(lambda row: _first_readable(row, planes, content["schedule"]), rows), start=1):
            firsts.append(first)
            _progress("reading them offline", done, len(rows))
    return {row.name: first for row, first in zip(rows, firsts, strict=True) if first is not None}


def _first_readable(row: Expected, planes: NDArray[np.uint8], schedule: list[int]) -> int | None:
    def wanted(symbol: Symbol) -> bool:
        return hashlib.sha256(symbol.payload).hexdigest() == row.payloads_sha256[0]

    for frame in range(row.first_frame, row.last_frame + 1):
        if any(wanted(symbol) for symbol in read_still(planes[schedule[frame]], enough=wanted)):
            return frame
    return None


def _progress(what: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what}: {done} of {of}" + ("\n" if done == of else ""))
        sys.stderr.flush()
