"""Codes on sheets that are not flat: read in one still picture, and by the reader while the sheet is shown for half a second."""

from __future__ import annotations

import functools

import numpy as np

from device.reader import read_still
from tests.bench.bent_sheet import BENDS, bent_sheet
from tests.bench.figures import Figures, Progress, ratio
from tests.bench.peers import Payloads, pyzbar_decode, silenced, zxing_defaults
from tests.bench.photos import swayed
from tests.bench.reader import Reader
from tests.bench.side_by_side import spread

SHEETS = 40
"""Of each kind."""

FRAMES = 15

Read = dict[str, Payloads]


def measure(base: int, progress: Progress) -> Figures:
    figures: Figures = {}
    whole = dict.fromkeys(("still", "shown", "zxing", "pyzbar"), 0)
    wrong = 0
    for bend in BENDS:
        results = spread(functools.partial(_shown, base, bend), range(SHEETS), f"bent: {bend}", progress)
        read = {name: sum(payload in result[name] for payload, result in results) for name in whole}
        figures |= {f"bent_read_{bend}_{name}": (count, f"of {SHEETS} sheets") for name, count in read.items()}
        whole = {name: count + read[name] for name, count in whole.items()}
        wrong += sum(len((result["still"] | result["shown"]) - {payload}) for payload, result in results)
    return {
        "bent_gain": (ratio(whole["still"], whole["zxing"]), "times zxing-cpp"),
        "bent_shown_gain": (ratio(whole["shown"], whole["zxing"]), "times zxing-cpp"),
        **figures,
        "wrong_payloads": (wrong, "payloads"),
    }


def _shown(base: int, bend: str, number: int) -> tuple[bytes, Read]:
    sheet = bent_sheet(base, number, bend)
    frames = list(swayed(sheet.luma, FRAMES))
    with silenced(), Reader() as reader:
        return sheet.payload, {
            "still": frozenset(symbol.payload for symbol in read_still(sheet.luma)),
            "shown": frozenset().union(*(reader.step(frame).payloads for frame in frames)),
            "zxing": frozenset().union(*(zxing_defaults(np.ascontiguousarray(frame)) for frame in frames)),
            "pyzbar": frozenset().union(*(pyzbar_decode(frame) for frame in frames)),
        }
