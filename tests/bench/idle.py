"""What looking at nobody costs: four empty scenes, and the same scenes with people who walk past."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from device.reader.frame import Luma
from tests.bench import empty, passing
from tests.bench.costs import READER, Costs
from tests.bench.figures import Figures, Progress
from tests.bench.peers import Payloads, pyzbar_decode, silenced, timed, zxing_defaults
from tests.bench.reader import WHOLE, ZBAR_ONLY, Reader

WARM_UP = 60
"""Frames until the noise is known and the background learnt; a gate is switched on once in months."""

COUNTED = 300
COUNTED_ZBAR_ONLY = 100
BLOCK = 10
"""Frames, 9 MB: as many as from one forced look to the next."""
FRAMES_A_PYZBAR, PASSING_FRAMES_A_PYZBAR = 10, 3
"""``pyzbar.decode`` takes up to 100 ms: it sees every so many frames."""


def measure(base: int, progress: Progress) -> Figures:
    scenes = {}
    wrong: dict[str, int] = {READER: 0, "pyzbar": 0}
    for name in empty.SCENES:
        progress(f"idle: {name}")
        scenes[name] = _costs(empty.frames(name, base, WARM_UP + COUNTED), WHOLE, WARM_UP, FRAMES_A_PYZBAR, wrong)
    figures = {
        **_worst("idle_cost_vs_pyzbar", {name: costs.against("pyzbar") for name, costs in scenes.items()}, "of pyzbar.decode"),
        **_worst("idle_cost_vs_zxing", {name: costs.against("zxing") for name, costs in scenes.items()}, "of zxing-cpp"),
        "idle_worst": (max(costs.worst_ms(READER) for costs in scenes.values()), "ms"),
    }
    for name, costs in scenes.items():
        figures |= costs.figures("idle", name)
    return figures | _wrong(wrong)


def measure_zbar_only(base: int, progress: Progress) -> Figures:
    """The chain without zxing-cpp."""
    shares = {}
    wrong: dict[str, int] = {READER: 0, "pyzbar": 0}
    for name in empty.SCENES:
        progress(f"idle, zbar only: {name}")
        costs = _costs(empty.frames(name, base, WARM_UP + COUNTED_ZBAR_ONLY), ZBAR_ONLY, WARM_UP, FRAMES_A_PYZBAR, wrong)
        shares[name] = costs.against("pyzbar")
    return _worst("zbar_only_idle_cost_vs_pyzbar", shares, "of pyzbar.decode") | _wrong(wrong)


def measure_passing(base: int, progress: Progress) -> Figures:
    whole = Costs()
    figures: Figures = {}
    wrong: dict[str, int] = {READER: 0, "pyzbar": 0}
    for name in empty.SCENES:
        progress(f"passing: {name}")
        costs = _costs(passing.frames(name, base), WHOLE, passing.EMPTY_BEFORE, PASSING_FRAMES_A_PYZBAR, wrong)
        figures |= {f"passing_cost_vs_pyzbar_{name}": (costs.against("pyzbar"), "of pyzbar.decode"), **costs.figures("passing", name)}
        whole += costs
    return {
        "passing_cost_vs_pyzbar": (whole.against("pyzbar"), "of pyzbar.decode"),
        "passing_cost_vs_zxing": (whole.against("zxing"), "of zxing-cpp"),
        **figures,
        **_wrong(wrong),
    }


def _costs(frames: Iterator[Luma], decoders: tuple[str, ...], warm_up: int, frames_a_pyzbar: int, wrong: dict[str, int]) -> Costs:
    """In blocks: a gate looks at one empty frame after the other, and nobody decodes the same ones in between. (Frame by frame among its
    peers the reader's share doubles: they leave it cold caches. A block is larger than the caches, so its pixels are cold for all.)
    """
    costs = Costs()
    with Reader(decoders) as reader, silenced():
        for luma in islice(frames, warm_up):
            reader.step(luma)
        while block := list(islice(frames, BLOCK)):
            read: dict[str, list[Payloads]] = {name: [] for name in wrong}
            for luma in block:
                step = reader.step(luma)
                costs.add(READER, step.cpu_ns)
                read[READER].append(step.payloads)
            for luma in block:
                costs.add("zxing", timed(zxing_defaults, luma)[1])
            for luma in block[::frames_a_pyzbar]:
                payloads, spent_ns = timed(pyzbar_decode, luma)
                costs.add("pyzbar", spent_ns)
                read["pyzbar"].append(payloads)
            for name in wrong:
                wrong[name] += sum(map(len, read[name]))  # there is no code at all
    return costs


def _worst(name: str, shares: dict[str, float], unit: str) -> Figures:
    """The scene that is dearest for us, by its name in the unit; then each."""
    worst = max(shares, key=lambda scene: shares[scene])
    each: Figures = {f"{name}_{scene}": (share, unit) for scene, share in shares.items()}
    return {name: (shares[worst], f"{unit}, {worst}"), **each}


def _wrong(wrong: dict[str, int]) -> Figures:
    return {"wrong_payloads": (wrong[READER], "payloads"), "wrong_payloads_pyzbar": (wrong["pyzbar"], "payloads")}
