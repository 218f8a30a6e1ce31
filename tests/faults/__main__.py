"""``make faults``: kill everything that can be killed, at random, and see that nothing is lost and nobody let in."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.faults.verdict import on_times_s, violations
from tests.faults.world import MAX_ON_S, World, kill_at_random

SECONDS_PER_KILL = 0.9


def trial(folder: Path, *, kills: int, seed: int, with_failsafe: bool = True) -> tuple[list[str], str]:
    """Broken promises, and a summary in words."""
    people = max(20, int(kills * SECONDS_PER_KILL / 0.7) + 10)

    def progress(done: int) -> None:
        if sys.stderr.isatty() or done % 50 == 0:
            sys.stderr.write(f"\r{done} of {kills} kills" + ("\n" if done % 50 == 0 else ""))

    with World(folder, number_of_people=people, with_failsafe=with_failsafe, seed=seed) as world:
        killed = kill_at_random(world, kills, seed=seed, progress=progress)
        world.settle()
        last, waiting = world.outbox()
        world.stop_gate()
        stored = world.stored()
    found = violations(stored, world.edges, last_sequence=last, waiting=waiting)
    decisions = sum(json.loads(body)["type"] == "qrgate.decision" for body in stored)
    if decisions < people // 6:
        found.append(f"only {decisions} of {people} people were decided: the gate was hardly alive")
    times = on_times_s(world.edges)
    summary = (
        f"kills: {', '.join(f'{name} {count}' for name, count in killed.items())}\n"
        f"{people} people, {decisions} decisions, {last} events recorded, {len(stored)} stored by the recorder, {waiting} unconfirmed\n"
        f"relay: {len(times)} times on, longest {max(times, default=0):.2f} s of {MAX_ON_S} s allowed"
    )
    return found, summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-failsafe", action="store_true", help="must fail: shows that the test would notice")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qrgate-faults-") as folder:
        found, summary = trial(Path(folder), kills=options.kills, seed=options.seed, with_failsafe=not options.without_failsafe)
    print(summary)
    for violation in found:
        print(f"BROKEN: {violation}")
    print("FAILED" if found else "ok: nothing lost, nobody decided twice, the relay never on beyond its maximum")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
