"""Cut the power at random, on a disk below SQLite and on a file system: what was acknowledged is there afterwards, and no file is damaged.

Each harness then does the same with ``synchronous=NORMAL``, and must find losses: it would notice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.faults import power_ext4, power_vfs
from tests.faults.disk_image import NoDiskError, leave_the_others
from tests.faults.power_lives import Tally
from tests.faults.vfs import MissingError

PROOF_SHARE = 10
"""Of so many cuts one more with NORMAL."""
PROOF_CUTS_MIN = 30
"""A third of those lose something where most of the time goes into opening and cleaning."""

Harness = Callable[..., Tally]
HARNESSES: dict[str, Harness] = {"vfs": power_vfs.cut_often, "ext4": power_ext4.cut_often}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--cuts", type=int, default=1200, help="in all, by both harnesses")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=HARNESSES, help="one harness; ext4 needs root, vfs gcc and libsqlite3-dev")


def run(options: argparse.Namespace) -> int:
    chosen = [options.only] if options.only else list(HARNESSES)
    tried, broken = 0, False
    for name in chosen:
        try:
            full, normal = _cut(name, -(-options.cuts // len(chosen)), options.seed)
        except (NoDiskError, MissingError) as error:
            print(f"{name}: left out: {error}")
            continue
        tried += full.cuts
        broken |= not full.is_whole or not normal.lost
        print(
            f"{name}: {full.cuts} cuts, {full.acknowledged} events acknowledged and waiting, {full.lost} lost, {full.broken} stores broken\n"
            f"{name}, synchronous=NORMAL: {normal.cuts} cuts, {normal.lost} of {normal.acknowledged} lost"
        )
        for flaw in full.flaws:
            print(f"BROKEN: {flaw}")
        if not normal.lost:
            print("BROKEN: NORMAL lost nothing, so that this proves nothing")
    if not tried:
        print("FAILED: nothing could be tried here")
    else:
        print("FAILED" if broken else f"ok: nothing acknowledged was lost by {tried} power cuts")
    return 1 if broken or not tried else 0


def _cut(name: str, cuts: int, seed: int) -> tuple[Tally, Tally]:
    """With FULL, as the gate has it, and with NORMAL. Raises NoDiskError, MissingError."""
    if name == "ext4":
        leave_the_others()
    tallies = []
    for synchronous, count in (("FULL", cuts), ("NORMAL", max(cuts // PROOF_SHARE, PROOF_CUTS_MIN))):
        if sys.stderr.isatty():
            sys.stderr.write(f"{name}, synchronous={synchronous} …\n")
        with tempfile.TemporaryDirectory(prefix="qrgate-power-") as folder:
            tallies.append(HARNESSES[name](Path(folder), count, seed=seed, synchronous=synchronous))
    full, normal = tallies
    return full, normal
