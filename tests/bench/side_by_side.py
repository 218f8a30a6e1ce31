"""One sequence with a code, shown to several at once: who read it in which frames, and what it cost them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import TypeVar

from tests.bench.costs import Costs, in_turn
from tests.bench.figures import Progress
from tests.bench.peers import Peer, silenced
from tests.bench.reader import WHOLE, Reader
from tests.bench.sequence import Shown

WORKERS = 2
"""The sequences are shared out; within one, everybody sees the same frames by turns in one thread."""

Result = TypeVar("Result")


@dataclass(slots=True)
class Run:
    """``read``: the numbers of the frames with a whole code that each read, counted from the first that shows any of it.

    ``second_chance_ns`` is what the reader spent on the ``missed`` frames beyond its first look.
    """

    frames: int = 0
    read: dict[str, list[int]] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    costs: Costs = field(default_factory=Costs)
    missed: int = 0
    second_chance_ns: int = 0

    def first(self, name: str) -> float:
        return min(self.read[name], default=float("inf"))


def run(sequence: Iterable[Shown], peers: Mapping[str, Peer], decoders: tuple[str, ...] = WHOLE) -> Run:
    """Peers see only frames with a code; the reader sees all."""
    result = Run()
    busy = 0
    with Reader(decoders) as reader, silenced():
        for number, shown in enumerate(sequence):
            coded = shown.code is not None
            read = in_turn(reader, peers if coded else {}, shown.luma, number, result.costs if coded else None)
            for name, payloads in read.items():
                mistaken = len(payloads - {shown.code})
                result.wrong[name] = result.wrong.get(name, 0) + mistaken
                frames = result.read.setdefault(name, [])
                if shown.whole and shown.code in payloads:
                    frames.append(busy)
            result.frames += shown.whole
            busy += coded
        result.missed, result.second_chance_ns = reader.second_chance.missed, reader.second_chance.spent_ns
    return result


def spread(job: Callable[[int], Result], numbers: Sequence[int], title: str, progress: Progress) -> list[Result]:
    """``job`` for each number, in ``WORKERS`` processes; the results in order."""
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as workers:
        jobs = [workers.submit(job, number) for number in numbers]
        for done, _ in enumerate(as_completed(jobs), start=1):
            if done % 10 == 0 or done == len(jobs):
                progress(f"{title}: {done} of {len(jobs)}")
        return [job.result() for job in jobs]
