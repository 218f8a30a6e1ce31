"""Networks that lose packets, are slow, go silent or forget; a broker that is wiped, certificates that expire, clocks that are off."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.faults.network_cases import CASES, NEW_CONNECTION_S, Case, Seen
from tests.faults.network_space import MissingError, Network
from tests.faults.network_world import NetworkWorld
from tests.faults.verdict import undelivered


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", action="append", choices=CASES, help="only this one; may be given again")
    parser.add_argument("--short", action="store_true", help="fewer events and gates")


def run(options: argparse.Namespace) -> int:
    results: list[Result] = []
    print(HEAD)
    for name in options.case or CASES:
        try:
            results.append(trial(name, CASES[name], short=options.short))
        except MissingError as error:
            print(f"{name:<10} left out: {error}")
            continue
        print(results[-1], flush=True)
    found = [f"{each.name}: {violation}" for each in results for violation in each.violations]
    for violation in found:
        print(f"BROKEN: {violation}")
    print("FAILED" if found else f"ok: nothing lost, every gate back within {NEW_CONNECTION_S:.0f} s")
    return 1 if found else 0


HEAD = f"{'case':<10} {'gates':>5} {'events':>7} {'lost':>5} {'settled':>8}  back after (least, median, most)   live event (median, most)"


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    gates: int
    events: int
    lost: int
    seen: Seen
    violations: list[str]

    def __str__(self) -> str:
        back, live = self.seen.back_s, self.seen.live_s
        back_words = f"{min(back):.1f} s, {median(back):.1f} s, {max(back):.1f} s" if back else "-"
        live_words = f"{median(live):.2f} s, {max(live):.2f} s" if live else "-"
        return f"{self.name:<10} {self.gates:>5} {self.events:>7} {self.lost:>5} {self.seen.settled_s:>6.1f} s  {back_words:<34} {live_words}"


def trial(name: str, case: Case, *, short: bool) -> Result:
    """Raises MissingError where it cannot be tried here."""
    events, gates = (case.short_events, case.short_gates) if short else (case.events, case.gates)
    seen, wrong = Seen(), []
    with tempfile.TemporaryDirectory(prefix="qrgate-network-") as folder, Network() as network, NetworkWorld(Path(folder), network, gates) as world:
        world.fill(events)
        try:
            case.run(world, network, Path(folder), seen)
        except (TimeoutError, AssertionError) as error:
            wrong.append(str(error))
        network.mend()
        world.stop_gates()
        records = world.records()
    lost = 0
    for gate, each in records.items():
        bodies = [json.loads(body) for body in each.stored]
        lost += each.last_sequence - len({int(body["sequence"]) for body in bodies})
        wrong += [f"{gate}: {violation}" for violation in undelivered(bodies, each)]
    wrong += [f"a gate was back after {back_s:.0f} s only" for back_s in seen.back_s if back_s > NEW_CONNECTION_S]
    return Result(name, gates, sum(each.last_sequence for each in records.values()), lost, seen, wrong)
