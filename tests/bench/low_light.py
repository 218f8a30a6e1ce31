"""Presentations at dusk: how many are read at all, by the reader and by what looks at one frame at a time."""

from __future__ import annotations

import functools

from tests.bench.costs import READER, Costs
from tests.bench.dusk import PRESENTATIONS, SIGMAS, presentation
from tests.bench.figures import NS_PER_MS, Figures, Progress, ratio
from tests.bench.peers import Peer, half_then_full, half_then_full_then_smoothed, zxing_defaults
from tests.bench.side_by_side import Run, run, spread

PEERS: dict[str, Peer] = {"zxing": zxing_defaults, "half_full": half_then_full, "smoothed": half_then_full_then_smoothed}


def measure(base: int, progress: Progress) -> Figures:
    runs = spread(functools.partial(_shown, base), range(len(SIGMAS) * PRESENTATIONS), "dusk", progress)
    read = {name: sum(bool(each.read[name]) for each in runs) for name in (READER, *PEERS)}
    costs = Costs()
    for each in runs:
        costs += each.costs
    figures: Figures = {
        "low_light_gain": (ratio(read[READER], max(read["zxing"], read["half_full"])), "times the better of two"),
        "fusion_gain": (ratio(read[READER], read["smoothed"]), "times one frame smoothed"),
        "low_light_second_chance": (sum(each.second_chance_ns for each in runs) / sum(each.missed for each in runs) / NS_PER_MS, "ms a missed frame"),
        "low_light_cost": (costs.mean_ms(READER), "ms a frame"),
        "low_light_worst": (costs.worst_ms(READER), "ms"),
        "low_light_cost_vs_zxing": (costs.against("zxing"), "of zxing-cpp"),
        "wrong_payloads": (sum(each.wrong[READER] for each in runs), "payloads"),
    }
    for name in (READER, *PEERS):
        figures[f"low_light_read_{name}"] = (read[name], f"of {len(runs)} presentations")
        for place, sigma in enumerate(SIGMAS):
            same = runs[place * PRESENTATIONS : (place + 1) * PRESENTATIONS]
            figures[f"low_light_read_sigma_{sigma:g}_{name}"] = (sum(bool(each.read[name]) for each in same), f"of {PRESENTATIONS} presentations")
            share = sum(len(each.read[name]) for each in same) / sum(each.frames for each in same)
            figures[f"low_light_frames_sigma_{sigma:g}_{name}"] = (share, "of frames")
    return figures


def _shown(base: int, number: int) -> Run:
    place, which = divmod(number, PRESENTATIONS)
    return run(presentation(base, which, SIGMAS[place]).frames(), PEERS)
