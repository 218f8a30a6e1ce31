"""Kill everything that can be killed, at random instants and between the steps of the work, and see that nothing is lost and nobody let in."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.killer import AT_RANDOM, RELAY_IS_ON, Killed, Killer
from tests.faults.people import USES, Crowd
from tests.faults.points import POINTS
from tests.faults.records import Records
from tests.faults.verdict import on_times_s, violations
from tests.faults.world import MAX_ON_S, Edge, World

SECONDS_PER_KILL = 4.0
"""On a machine that has much else to do; the people end with the kills."""
HARDLY_ALIVE = 6
"""A gate that decides fewer than one in so many was dead all the time."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--worlds", type=int, default=2, help="gates with a province of their own, at the same time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-failsafe", action="store_true", help="must fail: shows that the test would notice")


def run(options: argparse.Namespace) -> int:
    shares = [len(range(number, options.kills, options.worlds)) for number in range(options.worlds)]
    progress = _Progress(options.kills)
    with tempfile.TemporaryDirectory(prefix="qrgate-faults-") as folder, ThreadPoolExecutor(options.worlds) as worlds:

        def one(number: int) -> Trial:
            return trial(
                Path(folder) / str(number),
                kills=shares[number],
                seed=options.seed + number,
                with_failsafe=not options.without_failsafe,
                progress=progress,
            )

        trials = list(worlds.map(one, range(options.worlds)))
    for number, each in enumerate(trials):
        print(f"world {number + 1}: {each.summary}")
    print(_table(sum((each.killed for each in trials), Killed())))
    found = [violation for each in trials for violation in each.violations]
    for violation in found:
        print(f"BROKEN: {violation}")
    print("FAILED" if found else "ok: nothing lost, nobody decided twice, no use counted twice, the relay never on beyond its maximum")
    return 1 if found else 0


@dataclass(frozen=True, slots=True)
class Trial:
    violations: list[str]  # broken promises, in words
    killed: Killed
    summary: str


def trial(
    folder: Path, *, kills: int, seed: int, times: int = USES + 1, with_failsafe: bool = True, progress: Callable[[], None] = lambda: None
) -> Trial:
    """One world, in ``folder``, and what has become of it. Each pass is shown so many ``times``."""
    folder.mkdir(exist_ok=True)
    crowd = Crowd(max(1, math.ceil(kills * SECONDS_PER_KILL / Crowd(1, times=times).length_s)), times=times)
    with World(folder, crowd=crowd, with_failsafe=with_failsafe, seed=seed) as world:
        killer = Killer(world, seed=seed)
        killer.kill(kills, progress)
        come = world.end_people()
        world.settle()
        world.stop_gate()
        records = world.records()
    found = violations(records, world.edges)
    decisions = sum(json.loads(body)["type"] == "qrgate.decision" for body in records.stored)
    if decisions < come // HARDLY_ALIVE:
        found.append(f"only {decisions} of {come} people were decided: the gate was hardly alive")
    return Trial(found, killer.killed, _summary(come, decisions, records, world.edges))


def _summary(come: int, decisions: int, records: Records, edges: list[Edge]) -> str:
    on_s = on_times_s(edges)
    return (
        f"{come} people with passes, {decisions} decisions, {sum(records.uses)} uses; "
        f"{records.last_sequence} events recorded, {len(records.stored)} stored by the recorder, {records.waiting} unconfirmed, "
        f"{records.doubtful} in doubt; relay {len(on_s)} times on, longest {max(on_s, default=0):.2f} s of {MAX_ON_S} s allowed"
    )


def _table(killed: Killed) -> str:
    """One line for each point: how often whom."""
    whens = (*POINTS, RELAY_IS_ON, AT_RANDOM)
    victims = {when: Counter({victim: count for (at, victim), count in killed.items() if at == when}) for when in whens}
    lines = [f"{when:<22} {' '.join(f'{victim} {count}' for victim, count in sorted(each.items())) or '-'}" for when, each in victims.items()]
    return "\n".join([f"{killed.total()} kills, by when and whom:", *lines])


class _Progress:
    def __init__(self, kills: int) -> None:
        self._kills = kills
        self._done = 0

    def __call__(self) -> None:
        self._done += 1
        if self._done % 50 == 0:
            sys.stderr.write(f"{self._done} of {self._kills} kills\n")
