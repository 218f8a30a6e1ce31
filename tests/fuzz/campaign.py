"""Batches of runs over many targets, in one process or several. A batch depends on its seed, target and number only."""

from __future__ import annotations

import faulthandler
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

from tests.fuzz.mutation import Mutator
from tests.fuzz.trial import Fault, Target, judge, shrunk, watched

BATCH_RUNS = 5000
BATCH_S = 600.0  # a batch takes seconds; what C code neither ends nor lets signals end is told and ended here
FAULTS_MAX = 20  # in a batch: enough to find a second one beside the first, and slow ones cost
MEMORY_ALWAYS_ABOVE = 2000  # bytes of payload
MEMORY_EVERY = 64  # of the shorter payloads


@dataclass(frozen=True)
class Finding:
    target: str
    fault: Fault
    payload: bytes
    runs: int  # of its target, up to the end of its batch


@dataclass
class Tally:
    """What was seen of one target."""

    runs: int = 0
    memory_runs: int = 0
    cpu_s: float = 0.0
    slowest_ns: int = 0
    slowest: bytes = b""
    peak_bytes: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.runs += other.runs
        self.memory_runs += other.memory_runs
        self.cpu_s += other.cpu_s
        if other.slowest_ns > self.slowest_ns:
            self.slowest_ns, self.slowest = other.slowest_ns, other.slowest
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)
        self.answers += other.answers
        known = {finding.fault for finding in self.findings}
        self.findings += [finding for finding in other.findings if finding.fault not in known]


def run_batch(target: Target, seed: int, number: int, runs: int) -> Tally:
    tally, faults, begun_s = Tally(), 0, time.process_time()
    mutator = Mutator(random.Random(f"{seed} {target.name} {number}"), target.seeds, target.write)
    faulthandler.dump_traceback_later(BATCH_S, exit=True, file=2)
    with watched():
        for run in range(runs):
            # The first batch asks the seeds themselves, too.
            payload = target.seeds[run] if number == 0 and run < len(target.seeds) else mutator.payload()
            memory = len(payload) > MEMORY_ALWAYS_ABOVE or run % MEMORY_EVERY == 0
            verdict = judge(target, payload, memory=memory)
            tally.runs += 1
            tally.memory_runs += memory
            tally.answers[verdict.answer] += 1
            tally.peak_bytes = max(tally.peak_bytes, verdict.peak_bytes)
            if verdict.took_ns > tally.slowest_ns:
                tally.slowest_ns, tally.slowest = verdict.took_ns, payload
            if verdict.fault is None:
                mutator.keep(payload, verdict.answer)
                continue
            faults += 1
            if verdict.fault not in [finding.fault for finding in tally.findings]:
                tally.findings.append(Finding(target.name, verdict.fault, shrunk(target, payload, verdict.fault), tally.runs))
            if faults == FAULTS_MAX or verdict.fault.kind == "hung":
                break
    faulthandler.cancel_dump_traceback_later()
    tally.cpu_s = time.process_time() - begun_s
    return tally


def run(targets: dict[str, Target], *, runs: int, seed: int, seconds: float, jobs: int, tell: Callable[[dict[str, Tally]], None]) -> dict[str, Tally]:
    """``runs`` over all ``targets`` together, or as many as ``seconds`` allow. A target with a finding is asked no further."""
    tallies = {name: Tally() for name in targets}
    until_s = time.monotonic() + seconds

    def wanted() -> Iterator[tuple[Target, int, int, int]]:
        for name, number, batch_runs in _batches(list(targets), runs):
            if time.monotonic() >= until_s:
                return
            if not tallies[name].findings:
                yield targets[name], seed, number, batch_runs

    for name, tally in _one_by_one(wanted()) if jobs == 1 else _side_by_side(wanted(), jobs):
        tallies[name].add(tally)
        tell(tallies)
    return tallies


def _batches(names: list[str], runs: int) -> Iterator[tuple[str, int, int]]:
    """By turns, so that little time is little for each."""
    shares = {name: runs // len(names) + (index < runs % len(names)) for index, name in enumerate(names)}
    for number in itertools.count():
        left = [(name, min(BATCH_RUNS, share - number * BATCH_RUNS)) for name, share in shares.items() if share > number * BATCH_RUNS]
        if not left:
            return
        yield from ((name, number, batch_runs) for name, batch_runs in left)


Batch = tuple[Target, int, int, int]


def _one_by_one(batches: Iterable[Batch]) -> Iterator[tuple[str, Tally]]:
    for batch in batches:
        yield batch[0].name, run_batch(*batch)


def _side_by_side(batches: Iterator[Batch], jobs: int) -> Iterator[tuple[str, Tally]]:
    under_way: dict[Future[Tally], str] = {}
    with ProcessPoolExecutor(jobs) as pool:
        while True:
            for target, seed, number, runs in itertools.islice(batches, 2 * jobs - len(under_way)):
                under_way[pool.submit(_run_named, target.name, seed, number, runs)] = target.name
            if not under_way:
                return
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for each in done:
                yield under_way.pop(each), each.result()


def _run_named(name: str, seed: int, number: int, runs: int) -> Tally:
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - functions do not travel between processes, their names do

    return run_batch(TARGETS[name], seed, number, runs)
