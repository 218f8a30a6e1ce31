"""``make mutants``: small faults in the rules of admission, one at a time. Tests that do not notice one are too weak.

ARGS="--module device.admission.decide": one module only. Exit code 1 where fewer are noticed than the floor.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.mutants.mutations import mutants_of
from tests.mutants.trial import Fate, fate_of

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "device/admission"
TESTS = ROOT / "tests/device/admission"
BESIDE = {"policy_document": [ROOT / "tests/provisioning/test_policies.py"]}
"""Other tests that judge a module: the page of every key has its words from there."""
FLOOR = 0.9


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", action="append", default=[], help="such as device.admission.decide; all of device.admission")
    parser.add_argument("--json", type=Path, metavar="FILE", default=ROOT / "build/mutants.json")
    parser.add_argument("--at-least", type=float, default=FLOOR, metavar="SHARE", help=f"exit code 1 below it ({FLOOR})")
    options = parser.parse_args()
    import hypothesis  # noqa: F401, PLC0415 - once for all children
    import pytest  # noqa: F401, PLC0415

    survivors: list[dict[str, Any]] = []
    total, began = 0, time.monotonic()
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if options.module and module not in options.module:
            continue
        made, survived = _module(module, path, survivors)
        total += made
        if made:
            print(f"{module:<44} {made - survived:4} of {made:4} noticed   {time.monotonic() - began:6.0f} s", flush=True)
    share = 1 - len(survivors) / total if total else 0.0
    print(f"mutants_killed {share:.3f} share   ({total - len(survivors)} of {total}, floor {options.at_least})")
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps({"total": total, "killed": total - len(survivors), "share": share, "survivors": survivors}, indent=1))
    return 0 if share >= options.at_least else 1


def _module(module: str, path: Path, survivors: list[dict[str, Any]]) -> tuple[int, int]:
    """A module's own tests judge it; where it has none, those of its folder."""
    folder = TESTS / path.relative_to(PACKAGE).parent
    own = folder / f"test_{path.stem}.py"
    suites = [[str(each)] for each in (own if own.exists() else folder, *BESIDE.get(path.stem, ()))]
    text = path.read_text(encoding="utf-8")
    if fate_of(module, path, text, suites) is not Fate.SURVIVED:
        raise SystemExit(f"the tests of {module} fail without any mutant: mend them first")
    made = survived = 0
    for mutant in mutants_of(text):
        made += 1
        if fate_of(module, path, mutant.source, suites) is Fate.SURVIVED:
            survived += 1
            survivors.append({"module": module, "line": mutant.line, "what": mutant.what})
            print(f"  survived: {path.relative_to(ROOT)}:{mutant.line} {mutant.what}", flush=True)
    return made, survived


if __name__ == "__main__":
    sys.exit(main())
