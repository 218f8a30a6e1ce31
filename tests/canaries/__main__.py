"""``make canaries``: people who do not exist show every kind of code to a real gate; then all that is left of it is searched."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.canaries.trial import Report, Trial

PLACES = ("state", "run", "copies", "broker", "recorder")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.canaries", description=__doc__)
    parser.add_argument("--presentations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="qrgate-canaries-") as folder:
        report = Trial(Path(folder), presentations=options.presentations, seed=options.seed, say=_say).run()
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(dataclasses.asdict(report), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    _print(report)
    return 0 if report.is_clean else 1


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _print(report: Report) -> None:
    places: Counter[str] = Counter()
    for file, size in report.searched.items():
        first = file.split("/")[0]
        places[first if first in PLACES or "/" not in file else "settings"] += size
    print(f"presentations {report.presentations} by {report.people} people, {len(report.decided)} kinds of code")
    print(f"events        {sum(report.events.values())}: {', '.join(f'{name} {count}' for name, count in sorted(report.events.items()))}")
    print(f"searched for  {report.values} values and codes, in {report.patterns} forms and pieces")
    print(f"searched in   {sum(places.values())} bytes: {', '.join(f'{place} {size}' for place, size in sorted(places.items()))}")
    print(f"sealed        {report.sealed_rows} rows, each opened by the department alone")
    for name, erasing in report.erasing.items():
        print(f"erased        {name}: {erasing}")
    print(f"seconds       {report.seconds}")
    for line in (*report.hits, *report.wrong):
        print(f"FOUND {line}")
    print("ok: nothing of a person is anywhere" if report.is_clean else "FAILED")


if __name__ == "__main__":
    sys.exit(main())
