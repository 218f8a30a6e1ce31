"""``python -m tests.cluster``: three RabbitMQ nodes, the one in use killed again and again while gates publish: nothing is lost."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.cluster.nodes import MISSING
from tests.cluster.trial import Trial

LEFT_OUT = 77  # as the lab's scripts say it


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("--kills", type=int, default=3, metavar="N", help="how often the node in use is killed (default: 3, each node once)")
    parser.add_argument("--gates", type=int, default=3, metavar="N", help="gates that publish (default: 3)")
    parser.add_argument("--passes-per-s", type=float, default=5.0, metavar="N", help="passes held up at each gate (default: 5 a second)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave settings, stores and logs there")
    options = parser.parse_args()
    if MISSING:
        say(f"cluster: left out: {MISSING}")
        return LEFT_OUT
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = (options.keep or Path(name)).absolute()
        folder.mkdir(parents=True, exist_ok=True)

        def tell(what: str) -> None:
            say(f"{time.monotonic() - began_s:6.1f} s  {what}")

        with Trial(folder, gates=options.gates, passes_per_s=options.passes_per_s, tell=tell) as trial:
            summary = trial.run(options.kills)
    say("\n".join(summary.lines()))
    say("cluster: ok" if not summary.lost else f"cluster: FAILED: lost {summary.lost}")
    return 1 if summary.lost else 0


def say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
