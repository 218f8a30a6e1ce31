"""Approach sequences: frames read, how soon, and at what cost, by the reader, zxing-cpp's defaults and ``pyzbar.decode``."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from tests.bench.approach import SEQUENCES, SIGMAS, approach
from tests.bench.costs import READER, Costs
from tests.bench.figures import Figures, Progress, ratio
from tests.bench.peers import pyzbar_decode, zxing_defaults
from tests.bench.reader import ZBAR_ONLY
from tests.bench.side_by_side import Run, run, spread

NAMES = (READER, "zxing", "pyzbar")

ZBAR_ONLY_EVERY = 4
"""The chain without zxing-cpp is shown every so many sequences."""


def measure(base: int, progress: Progress) -> Figures:
    runs = spread(functools.partial(_shown, base), range(SEQUENCES), "approach", progress)
    costs = _costs(runs)
    read = {name: _read(runs, name) for name in NAMES}
    frames = sum(each.frames for each in runs)
    figures: Figures = {
        "frames_read_vs_pyzbar": (ratio(read[READER], read["pyzbar"]), "times pyzbar.decode"),
        "frames_read_vs_zxing": (ratio(read[READER], read["zxing"]), "times zxing-cpp"),
        "late_sequences": (sum(each.first(READER) > each.first("zxing") + 1 for each in runs), "sequences"),
        "busy_cost_vs_pyzbar": (costs.against("pyzbar"), "of pyzbar.decode"),
        "busy_cost_vs_zxing": (costs.against("zxing"), "of zxing-cpp"),
        "busy_worst": (costs.worst_ms(READER), "ms"),
        **costs.figures("busy"),
        "wrong_payloads": (_wrong(runs, READER), "payloads"),
        "wrong_payloads_pyzbar": (_wrong(runs, "pyzbar"), "payloads"),
    }
    for name in NAMES:
        figures |= {
            f"frames_read_{name}": (read[name] / frames, f"of {frames} frames"),
            f"sequences_read_{name}": (sum(bool(each.read[name]) for each in runs), f"of {SEQUENCES} sequences"),
            **{f"frames_read_sigma_{sigma:g}_{name}": (_share(runs[turn :: len(SIGMAS)], name), "of frames") for turn, sigma in enumerate(SIGMAS)},
        }
    return figures


def measure_zbar_only(base: int, progress: Progress) -> Figures:
    """The chain without zxing-cpp."""
    numbers = range(0, SEQUENCES, ZBAR_ONLY_EVERY)
    runs = spread(functools.partial(_shown_zbar_only, base), numbers, "approach, zbar only", progress)
    return {
        "zbar_only_frames_read_vs_pyzbar": (ratio(_read(runs, READER), _read(runs, "pyzbar")), "times pyzbar.decode"),
        "zbar_only_busy_cost_vs_pyzbar": (_costs(runs).against("pyzbar"), "of pyzbar.decode"),
        "wrong_payloads": (_wrong(runs, READER), "payloads"),
    }


def _shown(base: int, number: int) -> Run:
    return run(approach(base, number).frames(), {"zxing": zxing_defaults, "pyzbar": pyzbar_decode})


def _shown_zbar_only(base: int, number: int) -> Run:
    return run(approach(base, number).frames(), {"pyzbar": pyzbar_decode}, ZBAR_ONLY)


def _read(runs: Sequence[Run], name: str) -> int:
    return sum(len(each.read[name]) for each in runs)


def _share(runs: Sequence[Run], name: str) -> float:
    return _read(runs, name) / sum(each.frames for each in runs)


def _wrong(runs: Sequence[Run], name: str) -> int:
    return sum(each.wrong[name] for each in runs)


def _costs(runs: Sequence[Run]) -> Costs:
    costs = Costs()
    for each in runs:
        costs += each.costs
    return costs
