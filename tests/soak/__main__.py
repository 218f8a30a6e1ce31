"""``make soak``: the reader at full speed for hours. ARGS="--hours 2"; exit code 1 where it grows, or its threads or descriptors change.

``make soak ARGS="people"``: an hour of people at a turnstile (``people/__main__.py``).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
from pathlib import Path

from tests.soak import growth
from tests.soak.growth import Sample
from tests.soak.people.__main__ import main as soak_people
from tests.soak.trial import reading, watch

REPORT = Path("build") / "soak.json"


def main() -> int:
    return soak_people(sys.argv[2:]) if sys.argv[1:2] == ["people"] else soak_reader()


def soak_reader() -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--every-s", type=float, default=60.0, help="seconds from one sample to the next (60)")
    parser.add_argument("--growth-max-mb-h", type=float, default=0.5, help="after the warm-up (0.5)")
    parser.add_argument("--json", type=Path, default=REPORT, metavar="FILE")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # takes the reader along
    with tempfile.TemporaryDirectory() as folder, reading(Path(folder)) as (process, ear):
        print(" minutes  private MB  RSS MB  threads  descriptors  frames", flush=True)
        samples = watch(process, ear, for_s=options.hours * growth.HOUR_S, every_s=options.every_s, progress=_print)
        stages, failures = dict(sorted(ear.stages.items())), ear.failures
    found = growth.faults(samples, growth_max_mb_h=options.growth_max_mb_h)
    after = growth.warmed_up(samples)
    table = {
        "hours": round(samples[-1].at_s / growth.HOUR_S, 3),
        "frames": samples[-1].done,
        "frames_per_s": round(samples[-1].done / samples[-1].at_s, 1),
        "growth_mb_h": round(growth.slope_mb_h(after), 3),
        "growth_judged": growth.judged(after),
        "private_mb_first": round(after[0].pss_kib / growth.KIB_A_MB, 2),
        "private_mb_last": round(after[-1].pss_kib / growth.KIB_A_MB, 2),
        "threads": sorted({each.threads for each in after}),
        "descriptors": sorted({each.descriptors for each in after}),
        "appeared_by_stage": stages,
        "failures": failures,
        "faults": found,
    }
    for name, value in table.items():
        print(f"{name:20} {value}")
    if not table["growth_judged"]:
        print(f"too short to judge the growth of memory: {growth.JUDGED_S / 60:.0f} minutes after the warm-up, --hours 0.35, are the least")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(table | {"samples": [dataclasses.asdict(each) for each in samples]}, indent=1) + "\n", encoding="utf-8")
    return 1 if found else 0


def _print(each: Sample) -> None:
    private_mb, rss_mb = each.pss_kib / growth.KIB_A_MB, each.rss_kib / growth.KIB_A_MB
    print(f"{each.at_s / 60:8.1f}  {private_mb:10.2f}  {rss_mb:6.1f}  {each.threads:7}  {each.descriptors:11}  {each.done:6}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
