"""Photographs, each shown to the reader for ten frames with a pixel of sway, and what was read compared with the truth."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from device.reader.decoders import open_decoder
from device.reader.frame import Luma
from device.reader.picture import read_luma
from device.replay.photographs import read_truth
from tests.bench.figures import Figures, Progress
from tests.bench.peers import Payloads, silenced, zxing_defaults
from tests.bench.reader import Reader

SHARED = Path(os.environ.get("QRGATE_SHARED") or Path(__file__).parents[3] / "shared")
PHOTOS = SHARED / "data" / "photos"
FRAMES = 10
SWAY = ((1, 1), (2, 1), (2, 2), (1, 2), (0, 2), (0, 1), (0, 0), (1, 0), (2, 0), (1, 1))
"""Where the picture's corner is in each frame, pixels down and right: round its resting place."""


def measure(_base: int, progress: Progress) -> Figures:
    """Nothing at all where the photographs are not there."""
    if not (PHOTOS / "truth.json").exists():
        progress(f"photos: left out, there are none in {PHOTOS}")
        return {}
    truth = read_truth(PHOTOS / "truth.json")
    known = {photograph.payload for photograph in truth}
    exact = exact_zxing = wrong = 0
    for number, photograph in enumerate(truth, 1):
        if number % 50 == 0:
            progress(f"photos: {number} of {len(truth)}")
        luma = read_luma(PHOTOS / photograph.file)
        with silenced():
            read = _read(luma)
            exact += photograph.payload in read
            exact_zxing += any(photograph.payload in zxing_defaults(frame) for frame in swayed(luma, FRAMES))
            mistaken = _wrong(read - known, luma)
        for payload in mistaken:
            wrong += 1
            progress(f"photos: {photograph.file} was read as {payload!r}")
    return {
        "photos_exact": (exact / len(truth), f"of {len(truth)} photographs"),
        "photos_read": (exact, "photographs"),
        "photos_read_zxing": (exact_zxing, "photographs"),
        "wrong_payloads": (wrong, "payloads"),
    }


def _read(luma: Luma) -> Payloads:
    with Reader() as reader:
        return frozenset().union(*(reader.step(frame).payloads for frame in swayed(luma, FRAMES)))


def swayed(luma: Luma, count: int) -> Iterator[Luma]:
    """``count`` frames of the picture in a hand that sways by a pixel."""
    height, width = luma.shape
    framed = np.pad(luma, 1, mode="edge")
    for down, right in islice(cycle(SWAY), count):
        yield np.ascontiguousarray(framed[down : down + height, right : right + width])


def _wrong(doubtful: Payloads, luma: Luma) -> Payloads:
    """A photograph may hold further codes that its truth does not name: what both libraries read in it stands there."""
    if not doubtful:
        return frozenset()
    agreed = {symbol.payload for symbol in open_decoder("zbar", thorough=True).read(luma).symbols} & zxing_defaults(luma)
    return doubtful - agreed
