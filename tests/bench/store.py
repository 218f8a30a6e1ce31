"""What the store costs: the time of a commit, the bytes that a day writes, what a million events that wait make of a commit, and
what is left of it after a day of junk.

``commit_vs_fdatasync`` is SQLite's COMMIT of a decision, as each event tells it (``commit_ns``), against one block of a file that
was written before, by turns on the same disk. ``record_vs_fdatasync`` is all of the decision's record, Python included.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

from device.clock import NS
from tests.bench.figures import NS_PER_MS, Figures, Progress
from tests.bench.store_lane import StoreLane
from tests.device.gate.test_deciding import CARD, Bench

COMMITS = 1_000
WARM = 50
REST_S = 0.003
"""Between two syncs: a disk that is asked without a rest answers with its queue."""
BLOCK_BYTES, BLOCKS = 4096, 256
MILLION = 1_000_000
SEED = 5
KIB = 1024

PEOPLE = 1_500
BUSY_S, QUIET_S, BUSY_SHARE = 8.0, 90.0, 0.8
"""A market's day, halved: most come within some hours, one every eight seconds, the others one in a minute and a half."""
REFUSED_SHARE = 0.1
PASSES_AFTER_S = 2.0
CONFIRMED_EVERY_S = 10.0

JUNK_A_SECOND = 10
DAY_S, SHORT_DAY_S = 86_400, 7_200
"""Junk is alike in each of its hours: two of them are simulated, and stand for the day."""


def measure(_base: int, progress: Progress) -> Figures:
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="qrgate-bench-") as name:
        folder = Path(name)
        for part in (_commits, _bytes, _million, _junk):
            figures |= part(folder)
            progress(f"store: {part.__name__.strip('_')} done")
    return figures


def _commits(folder: Path) -> Figures:
    with closing(StoreLane(folder / "commits")) as lane, (folder / "raw").open("wb", buffering=0) as raw:
        raw.write(bytes(BLOCK_BYTES * BLOCKS))
        os.fsync(raw.fileno())
        took: list[tuple[int, int, int]] = []
        for number in range(WARM + COMMITS):
            time.sleep(REST_S)
            plain_ns = _timed(lambda: _overwrite(raw.fileno(), number % BLOCKS))  # noqa: B023 - called at once
            time.sleep(REST_S)
            grant, record_ns = lane.decide()
            took.append((plain_ns, lane.store.commit_ns, record_ns))
            time.sleep(REST_S)
            lane.pass_through(grant)
            lane.turn(PASSES_AFTER_S)
    plain, commit, record = (median(column) for column in zip(*took[WARM:], strict=True))
    return {
        "fdatasync_p50": (plain / NS_PER_MS, "ms"),
        "store_commit_p50": (commit / NS_PER_MS, "ms"),
        "commit_vs_fdatasync": (commit / plain, "x"),
        "record_vs_fdatasync": (record / plain, "x"),
    }


def _overwrite(descriptor: int, block: int) -> None:
    os.pwrite(descriptor, b"\xff" * BLOCK_BYTES, block * BLOCK_BYTES)
    os.fdatasync(descriptor)


def _timed(work: Callable[[], object]) -> int:
    begin_ns = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - begin_ns


def _bytes(folder: Path) -> Figures:
    chance = random.Random(SEED)
    with closing(StoreLane(folder / "day")) as lane:
        lane.store._db.execute("PRAGMA synchronous=OFF")  # the same bytes, and nobody waits for a disk
        begin, confirmed_ns = _written(), 0
        for _ in range(PEOPLE):
            grant, _ns = lane.decide(admits=chance.random() >= REFUSED_SHARE)
            lane.turn(PASSES_AFTER_S)
            if grant in lane.store.open_grants():
                lane.pass_through(grant)
            lane.turn(chance.expovariate(1 / (BUSY_S if chance.random() < BUSY_SHARE else QUIET_S)))
            if lane.now_ns - confirmed_ns >= CONFIRMED_EVERY_S * NS:
                confirmed_ns = lane.now_ns
                lane.confirm()
        events = lane.store.last_sequence
        return {"bytes_written_per_event": ((_written() - begin) / events / KIB, "KiB")}


def _written() -> int:
    """Bytes that this process has given to write calls (``wchar`` of proc(5))."""
    (line,) = (line for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines() if line.startswith("wchar:"))
    return int(line.removeprefix("wchar:"))


def _million(folder: Path) -> Figures:
    """By turns, so that the disk's mood is in both."""
    with closing(StoreLane(folder / "empty")) as empty, closing(StoreLane(folder / "million", fill=MILLION)) as full:
        took: dict[StoreLane, list[int]] = {empty: [], full: []}
        for number in range(WARM + COMMITS):
            for lane, found in took.items():
                time.sleep(REST_S)
                grant, _ = lane.decide()
                found.append(lane.store.commit_ns)
                lane.pass_through(grant)
                if number % WARM == 0:
                    lane.confirm()
                    lane.turn(PASSES_AFTER_S * WARM)
        return {
            "commit_slowdown_at_1m": (median(took[full][WARM:]) / median(took[empty][WARM:]), "x"),
            "store_bytes_at_1m": (sum(file.stat().st_size for file in (folder / "million").glob("events.db")) / KIB**2, "MiB"),
        }


def _junk(folder: Path) -> Figures:
    state = folder / "junk"
    state.mkdir()
    bench = Bench(state, admits_claims=True)
    with closing(bench.store):
        bench.store._db.execute("PRAGMA synchronous=OFF")
        for number in range(SHORT_DAY_S * JUNK_A_SECOND):
            bench.show(b"junk %d" % number)
            bench.later(1 / JUNK_A_SECOND)
        share = bench.store.fill().share * DAY_S / SHORT_DAY_S
        bench.told()
        bench.show(CARD)
        if not bench.granted():
            raise RuntimeError("the next honest person was not let in")
    return {"junk_day_share": (share, "of the store")}
