"""``make hostile``: the whole corpus, as still pictures and through gates in both modes and with each decoder alone."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.hostile import corpus
from tests.hostile.passage import show
from tests.hostile.test_corpus import faults, stills

RUNS = (("verify", ("zxing", "zbar")), ("record", ("zxing", "zbar")), ("verify", ("zbar",)), ("verify", ("zxing",)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hostile", description=__doc__)
    parser.add_argument("--frames-per-s", type=float, default=15.0, help="pace at which the gate is shown the corpus (15)")
    options = parser.parse_args()
    cases, found = corpus.cases(), list[str]()
    claims = sum(case.claim for case in cases)
    print(f"{len(cases)} cases, {claims} of them well-formed claims")
    with tempfile.TemporaryDirectory() as folder:
        for number, (mode, decoders) in enumerate(RUNS):
            begun_s = time.monotonic()
            passage = show(Path(folder) / str(number), cases, mode=mode, frames_per_s=options.frames_per_s, decoders=decoders)
            wrong = faults(passage, pictures=len(cases), claims=claims if mode == "record" else 0)
            found += [f"{mode}, {'+'.join(decoders)}: {each}" for each in wrong]
            print(
                f"{mode:6} {'+'.join(decoders):10} {time.monotonic() - begun_s:5.0f} s  {passage.frames} frames, {passage.dropped} dropped,"
                f" {passage.looks} looks, {passage.failures} refused  admitted {passage.admitted}  relay {passage.released}",
                flush=True,
            )
        told = stills(Path(folder), every=1)
    found += [f"still: {row}" for row in told if "raised" in row or row.get("wrong")]
    slowest = sorted(told, key=lambda row: -int(str(row["ms"])))[:5]
    print(f"stills {len(told)}: {sum('refused' in row for row in told)} refused, {sum(bool(row.get('missed')) for row in told)} missed")
    print("slowest: " + ", ".join(f"{row['name']} {row['ms']} ms" for row in slowest))
    for each in found:
        print(f"FAULT {each}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
