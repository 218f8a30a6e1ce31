"""``make bench``: one line a figure, ``name value unit``, and the same in ``build/bench.json``.

Reader and peers see the same frames by turns in one run; times are thread CPU time on whatever machine this is. The bounds are
the project's own targets, and only this program judges by them (never a test).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    bent,
    busy,
    decisions,
    drain,
    fire,
    flat_picture,
    freshness,
    gate_latency,
    idle,
    lists,
    low_light,
    photos,
    plot,
    reader_overhead,
    readme,
    store,
    while_draining,
)
from tests.bench.figures import BOUNDS, Figures, Progress, added
from tests.bench.seeds import SCORING, TUNING

ROOT = Path(__file__).parents[2]
DRAWING, FLAT = Path("docs/bench.svg"), Path("docs/laid-flat.png")

PARTS: dict[str, Callable[[int, Progress], Figures]] = {
    "idle": idle.measure,
    "passing": idle.measure_passing,
    "busy": busy.measure,
    "low_light": low_light.measure,
    "photos": photos.measure,
    "bent": bent.measure,
    "zbar_only_idle": idle.measure_zbar_only,
    "zbar_only_busy": busy.measure_zbar_only,
    "freshness": freshness.measure,
    "reader_overhead": lambda _base, _progress: reader_overhead.measure(),
    "decisions": lambda _base, _progress: decisions.measure(),
    "gate_latency": lambda _base, _progress: gate_latency.measure(),
    "lists": lambda _base, _progress: lists.measure(),
    "fire": fire.measure,
    "store": store.measure,
    "drain": drain.measure,
    "while_draining": while_draining.measure,
}


def measured(parts: list[str], base: int) -> Figures:
    """The figures of ``parts``, printed as they come."""
    figures: Figures = {}
    for part in parts:
        begun = time.monotonic()
        more = PARTS[part](base, _say)
        figures = added(figures, more)
        for name, (value, unit) in more.items():
            print(f"{name} {value:.4g} {unit}", flush=True)
        _say(f"{part}: {time.monotonic() - begun:.0f} s")
    return figures


def judged(figures: Figures) -> int:
    """The exit code: 1 where a bound is broken."""
    broken = 0
    for name, bound in BOUNDS.items():
        if name not in figures:
            continue
        value, unit = figures[name]
        keeps = bound.keeps(value)
        broken += not keeps
        _say(f"{'well' if keeps else 'MISSED'}: {name} {value:.4g} {unit}, is to be {bound}")
    return 1 if broken else 0


def _say(line: str) -> None:
    sys.stderr.write(f"# {line}\n")
    sys.stderr.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build/bench.json", help="where the figures go")
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"some parts: {', '.join(PARTS)}")
    parser.add_argument("--tuning", action="store_true", help="pictures of the other seeds, for whoever tunes the reader")
    parser.add_argument("--write-readme", action="store_true", help=f"put table and pictures into README.md, {DRAWING} and {FLAT}")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="measure nothing: take the figures of an earlier run")
    options = parser.parse_args()
    if options.write_readme and (options.only or options.tuning):
        parser.error("--write-readme wants all parts, on the pictures nobody tuned on")
    return options


def main() -> int:
    options = _options()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    if options.figures:
        figures = readme.figures_of(options.figures)
    else:
        figures = measured(options.only or list(PARTS), TUNING if options.tuning else SCORING)
        as_json = {name: {"value": value, "unit": unit} for name, (value, unit) in figures.items()}
        options.out.write_text(json.dumps(as_json, indent=2) + "\n", encoding="utf-8")
    if plot.drawable(figures):
        options.out.with_suffix(".svg").write_text(plot.drawing(figures), encoding="utf-8")
    if options.write_readme:
        readme.write(ROOT / "README.md", figures)
        (ROOT / DRAWING).write_text(plot.drawing(figures), encoding="utf-8")
        flat_picture.write(ROOT / FLAT)
    return judged(figures)


if __name__ == "__main__":
    sys.exit(main())
