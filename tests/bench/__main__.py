"""``make bench``: one line a figure, ``name value unit``, and the same in ``build/bench.json``.

Figures are medians or high percentiles over many repetitions on whatever machine this is; the bounds in ``BOUNDS`` are the
project's own targets, and only this program judges by them (never a test).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import gate_latency, reader_overhead

BENCHES = (gate_latency.measure, reader_overhead.measure)

BOUNDS = {
    "decoded_to_relay_p99": 50.0,
    "decoded_to_relay_beyond_commit_p50": 2.0,
    "reader_overhead_p50": 0.3,
}


@dataclass(frozen=True, slots=True)
class Judged:
    name: str
    value: float
    unit: str

    @property
    def too_much(self) -> bool:
        return self.value > BOUNDS.get(self.name, float("inf"))

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4g} {self.unit}"


def run() -> Iterator[Judged]:
    for bench in BENCHES:
        for name, (value, unit) in bench().items():
            yield Judged(name, value, unit)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    figures = []
    for figure in run():
        print(figure, flush=True)
        figures.append(figure)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({each.name: {"value": each.value, "unit": each.unit} for each in figures}, indent=2) + "\n", encoding="utf-8")
    judged = [each for each in figures if each.name in BOUNDS]
    for each in judged:
        sys.stderr.write(f"# {each.name} is to be at most {BOUNDS[each.name]:g} {each.unit}: {'TOO MUCH' if each.too_much else 'well'}\n")
    return 1 if any(each.too_much for each in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
