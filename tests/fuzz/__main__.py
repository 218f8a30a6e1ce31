"""``make fuzz``: every parser, ten million times together, with bytes that are bad in every way we know.

The exit code is 1 where a parser raised, gave another answer than its types say, or took more than 5 ms (signed rules: 25 ms)
or 8 MB; the payload is then printed in hex, as short as it could be made (all of it is made up). Ask it again:
``--target NAME --payload HEX``.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

from tests.fuzz.campaign import Tally, run
from tests.fuzz.targets import TARGETS
from tests.fuzz.trial import LIMIT_NS, MEMORY_MAX, judge, watched

TELL_EVERY_S = 5.0


class Progress:
    """A line now and then on standard error."""

    def __init__(self) -> None:
        self._begun_s = self._told_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._begun_s

    def tell(self, tallies: dict[str, Tally]) -> None:
        if time.monotonic() - self._told_s < TELL_EVERY_S:
            return
        self._told_s = time.monotonic()
        runs, findings = sum(each.runs for each in tallies.values()), sum(len(each.findings) for each in tallies.values())
        slowest_ms = max(each.slowest_ns for each in tallies.values()) / 1e6
        sys.stderr.write(f"# {runs:,} runs, {runs / self.elapsed_s:,.0f}/s, slowest {slowest_ms:.2f} ms, {findings} findings\n")
        sys.stderr.flush()


def report(tallies: dict[str, Tally], elapsed_s: float) -> dict[str, object]:
    runs = sum(each.runs for each in tallies.values())
    return {
        "runs": runs,
        "elapsed_s": round(elapsed_s, 1),
        "calls_per_cpu_s": round(runs / max(sum(each.cpu_s for each in tallies.values()), 1e-9)),
        "limits": {"cpu_ms": LIMIT_NS / 1e6, "memory_bytes": MEMORY_MAX},
        "targets": {
            name: {
                "runs": each.runs,
                "memory_runs": each.memory_runs,
                "slowest_ms": round(each.slowest_ns / 1e6, 3),
                "slowest_payload_hex": each.slowest.hex(),
                "peak_bytes": each.peak_bytes,
                "answers": dict(each.answers.most_common()),
            }
            for name, each in tallies.items()
        },
        "findings": [
            {"target": name, "kind": each.fault.kind, "detail": each.fault.detail, "payload_hex": each.payload.hex(), "runs": each.runs}
            for name, tally in tallies.items()
            for each in tally.findings
        ],
    }


def _print(tallies: dict[str, Tally], elapsed_s: float) -> None:
    for name, tally in tallies.items():
        memory = f"peak {tally.peak_bytes / 1e3:.0f} kB in {tally.memory_runs:,} of them"
        print(f"{name:10} {tally.runs:>10,} runs  slowest {tally.slowest_ns / 1e6:5.2f} ms  {memory}")
        print(f"{'':10} {', '.join(f'{answer} {count:,}' for answer, count in tally.answers.most_common())}")
    runs, cpu_s = sum(each.runs for each in tallies.values()), sum(each.cpu_s for each in tallies.values())
    print(f"{runs:,} runs in {elapsed_s:,.0f} s, {runs / max(cpu_s, 1e-9):,.0f} for each second of a core")
    for finding in (finding for tally in tallies.values() for finding in tally.findings):
        print(f"FINDING {finding.target} {finding.fault.kind}: {finding.fault.detail}")
        print(f"  again: --target {finding.target} --payload {finding.payload.hex()}")


def _ask_again(name: str, payload: bytes) -> int:
    with watched():
        verdict = judge(TARGETS[name], payload, memory=True)
    print(f"{name}: {verdict.answer}, {verdict.took_ns / 1e6:.3f} ms, {verdict.peak_bytes / 1e3:.0f} kB")
    if verdict.fault:
        print(f"FINDING {name} {verdict.fault.kind}: {verdict.fault.detail}")
    return 1 if verdict.fault else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000_000, help="over all targets together (10,000,000)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop earlier, after this time")
    parser.add_argument("--target", action="append", choices=TARGETS, metavar="NAME", help=f"some of: {', '.join(TARGETS)}")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other payloads (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--payload", type=bytes.fromhex, metavar="HEX", help="ask one target about one payload")
    options = parser.parse_args(arguments)
    if options.payload is not None and len(options.target or ()) != 1:
        parser.error("--payload wants one --target")
    if min(options.runs, options.jobs) < 1 or not options.seconds > 0:
        parser.error("--runs, --jobs and --seconds want more than nothing")
    if options.payload is not None:
        return _ask_again(options.target[0], options.payload)
    progress = Progress()
    targets = {name: TARGETS[name] for name in options.target or TARGETS}
    tallies = run(targets, runs=options.runs, seed=options.seed, seconds=options.seconds, jobs=options.jobs, tell=progress.tell)
    if options.json:
        print(json.dumps(report(tallies, progress.elapsed_s), indent=1))
    else:
        _print(tallies, progress.elapsed_s)
    return 1 if any(tally.findings for tally in tallies.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
