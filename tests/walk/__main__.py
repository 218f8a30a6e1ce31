"""``make walk``: a million steps of scans, people, vehicles, fire, keys, orders, faults and restarts, at every lane that can be built.

The exit code is 1 where something came about that must never be (``world.py``); what led there is then printed, as short as it
could be made. The same seed walks the same way, however many jobs share it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tests.walk.lanes import LANES
from tests.walk.trace import drawn, shortest, wrong_in

STEPS = 1_000_000
LENGTH = 60
"""Steps of one trace: long enough for a fire and its end, short enough to begin anew often."""

ROUND = LENGTH * len(LANES)
FINDINGS_MAX = 3


def walk_round(seed: int, number: int) -> tuple[Counter[str], list[str]]:
    """Every lane once: what came about, and what must not have."""
    chance = random.Random(f"{seed} {number}")
    tally: Counter[str] = Counter()
    findings: list[str] = []
    for lane in LANES:
        trace = drawn(chance, lane, LENGTH)
        if (wrong := wrong_in(trace, tally=tally)) is not None and len(findings) < FINDINGS_MAX:
            findings.append(f"{wrong}\n{shortest(trace)}")
    return tally, findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="make walk", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"at least so many ({STEPS:,}), in rounds of {ROUND:,}: every lane once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write there what came about, how often")
    options = parser.parse_args()
    begun_s = time.monotonic()
    rounds = -(-options.steps // ROUND)
    tally: Counter[str] = Counter()
    findings: list[str] = []
    with ProcessPoolExecutor(options.jobs) as pool:
        walks = [pool.submit(walk_round, options.seed, number) for number in range(rounds)]
        for done, walk in enumerate(as_completed(walks), 1):
            counted, found = walk.result()
            tally.update(counted)
            findings += found
            sys.stderr.write(f"# {done * ROUND:,} steps, {done * ROUND / (time.monotonic() - begun_s):,.0f}/s, {len(findings)} findings\n")
    elapsed_s = time.monotonic() - begun_s
    for finding in sorted(findings, key=len)[:FINDINGS_MAX]:
        sys.stdout.write(f"{finding}\n\n")
    steps = rounds * ROUND
    sys.stdout.write(f"turnstile_walk {steps} steps   ({len(LANES)} lanes, {steps / elapsed_s:,.0f}/s, {len(findings)} findings)\n")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        report = {"steps": steps, "lanes": len(LANES), "seed": options.seed, "elapsed_s": round(elapsed_s, 1), "findings": findings}
        options.json.write_text(json.dumps(report | {"came_about": dict(sorted(tally.items()))}, indent=1))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
