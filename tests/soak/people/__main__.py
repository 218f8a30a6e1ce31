"""``make soak ARGS="people"``: people at a turnstile in real time, a gate and its province as real processes; exit code 1 where a
presentation has not exactly one decision, a grant not exactly one passage, or the gate grows.

By default 20 presentations a minute for an hour, and 25 a minute for five minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.soak import growth
from tests.soak.growth import Sample
from tests.soak.people.crowd import Pace, Rush
from tests.soak.people.trial import table, try_out

REPORT = Path("build") / "soak-people.json"
FORCED_EVERY_S = 600.0
USUAL, BUSY = (20.0, 3600.0), (25.0, 300.0)
"""Presentations a minute, and for how many seconds."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog='make soak ARGS="people"', description=__doc__)
    parser.add_argument("--hours", type=float, help="one rush of so long, instead of the hour and the five minutes")
    parser.add_argument("--per-minute", type=float, default=USUAL[0], help="presentations a minute in it (20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every-s", type=float, default=60.0, help="seconds from one sample of the gate to the next (60)")
    parser.add_argument("--growth-max-mb-h", type=float, default=0.5, help="of the gate, after the warm-up (0.5)")
    parser.add_argument("--json", type=Path, default=REPORT, metavar="FILE")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # takes all processes along
    asked = (USUAL, BUSY) if options.hours is None else ((options.per_minute, options.hours * growth.HOUR_S),)
    rushes = [Rush(per_minute, for_s, forced=max(1, round(for_s / FORCED_EVERY_S))) for per_minute, for_s in asked]
    print(" minutes  private MB  RSS MB  threads  descriptors  presentations", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="qrgate-soak-") as folder:
        trial = try_out(Path(folder), rushes, Pace(), seed=options.seed, every_s=options.every_s, progress=_print)
    told = table(trial, growth_max_mb_h=options.growth_max_mb_h)
    for name, value in told.items():
        print(f"{name:20} {value}")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(told | {"samples": [dataclasses.asdict(each) for each in trial.samples]}, indent=1) + "\n", encoding="utf-8")
    return 1 if told["faults"] else 0


def _print(each: Sample) -> None:
    private_mb, rss_mb = each.pss_kib / growth.KIB_A_MB, each.rss_kib / growth.KIB_A_MB
    line = f"{each.at_s / 60:8.1f}  {private_mb:10.2f}  {rss_mb:6.1f}  {each.threads:7}  {each.descriptors:11}  {each.done:13}"
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
