"""Let the disk be full, read-only, stalled or broken: nothing acknowledged is lost, entry closes, exit goes on, and all is well again soon.

First calls of the store alone fail at random and then its power goes; then each fault comes upon a whole gate, at an entry and at an exit.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from device.domain import Direction
from tests.faults.disk_calls import fail_often
from tests.faults.disk_faults import FAULTS
from tests.faults.disk_gate import RECOVERS_WITHIN_S, Outcome, trial
from tests.faults.disk_image import NoDiskError, leave_the_others
from tests.faults.vfs import MissingError


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--calls", type=int, default=1000, help="failures of calls of the store alone; 0: none")
    parser.add_argument("--fault", action="append", choices=[*FAULTS, "none"], help="of those of the whole gate; may be given several times")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> int:
    flaws = list(_of_the_store(options.calls, options.seed)) if options.calls else []
    if names := [name for name in options.fault or FAULTS if name in FAULTS]:
        try:
            leave_the_others()
        except NoDiskError as error:
            print(f"a whole gate: left out: {error}")
        else:
            flaws += _of_the_gate(names)
    for flaw in flaws:
        print(f"BROKEN: {flaw}")
    print("FAILED" if flaws else "ok: nothing acknowledged was lost")
    return 1 if flaws else 0


def _of_the_store(faults: int, seed: int) -> Iterator[str]:
    try:
        with tempfile.TemporaryDirectory(prefix="qrgate-disk-") as folder:
            tally = fail_often(Path(folder), faults, seed=seed)
    except MissingError as error:
        print(f"the store alone: left out: {error}")
        return
    print(f"the store alone: {tally.cuts} failures, {tally.acknowledged} events acknowledged, {tally.lost} lost, {tally.broken} stores broken")
    if tally.lost:
        yield f"the store alone: {tally.lost} events lost"
    yield from tally.flaws


def _of_the_gate(names: Iterable[str]) -> Iterator[str]:
    print(f"{'a whole gate':28} {'lane':6} {'events':>7} {'recovery':>9}   of {RECOVERS_WITHIN_S:.0f} s")
    for name in names:
        for way in (Direction.ENTRY, Direction.EXIT):
            try:
                outcome = _tried(name, way)
            except (NoDiskError, MissingError) as error:
                print(f"{name:28} {way:6} left out: {error}")
                continue
            print(f"{outcome.fault:28} {way:6} {outcome.events:7} {outcome.recovery_s:7.2f} s   {'BROKEN' if outcome.flaws else 'ok'}")
            yield from (f"{outcome.fault}, {way}: {flaw}" for flaw in outcome.flaws)


def _tried(name: str, way: Direction) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="qrgate-disk-") as folder:
        fault = FAULTS[name](Path(folder))
        try:
            return trial(Path(folder), fault, way)
        except (AssertionError, OSError) as error:  # a gate that has ended hangs up on everybody
            return Outcome(fault.name, way, flaws=[f"the gate cannot be followed to the end: {error}"])
