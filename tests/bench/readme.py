"""The table of figures in README.md, between two comments."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.figures import BOUNDS, Figures

BEGIN = "<!-- bench: written by python -m tests.bench --write-readme -->"
END = "<!-- bench: end -->"

UNITS = ("ms", "µs", "MB", "KiB")
"""Those that the table names; the others are ratios and counts."""

COUNTS = frozenset({"late_sequences", "wrong_payloads"})


def figures_of(path: Path) -> Figures:
    """The figures that an earlier run wrote to ``path``."""
    return {name: (each["value"], each["unit"]) for name, each in json.loads(path.read_bytes()).items()}


def write(path: Path, figures: Figures) -> None:
    """Replace what stands between the two comments.

    Raises:
        ValueError: they are not there.
    """
    before, after = _around(path.read_text(encoding="utf-8"))
    path.write_text(f"{before}{BEGIN}\n{table(figures)}{END}{after}", encoding="utf-8")


def table(figures: Figures) -> str:
    """A row for every bound; one that was not measured says so."""
    rows = ["| figure | | measured | target |", "|---|---|---|---|"]
    for name, bound in BOUNDS.items():
        value = _told(name, figures) if name in figures else "not measured"
        rows.append(f"| `{name}` | {bound.meaning} | {value} | {bound} |")
    return "\n".join(rows) + "\n"


def names_in(text: str) -> list[str]:
    """The figures named in the table within ``text``, in order."""
    before, after = _around(text)
    rows = text[len(before) : len(text) - len(after)].splitlines()
    return [row.split("`")[1] for row in rows if row.startswith("| `")]


def _around(text: str) -> tuple[str, str]:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the README has no place for the table: it wants the lines {BEGIN} and {END}")
    return before, after


def _told(name: str, figures: Figures) -> str:
    value, unit = figures[name]
    number = f"{value:.0f}" if name in COUNTS else f"{value:.3g}"
    well = "" if BOUNDS[name].keeps(value) else " **missed**"
    named = next((f" {each}" for each in UNITS if unit.startswith(each)), "")
    return f"{number}{named}{well}"
