from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.figures import BOUNDS
from tests.bench.readme import BEGIN, END, names_in, table, write

ROOT = Path(__file__).parents[2]


def test_the_readme_has_the_table_with_every_bound() -> None:
    assert names_in((ROOT / "README.md").read_text(encoding="utf-8")) == list(BOUNDS)


def test_writing_replaces_what_is_between_the_marks_and_nothing_else(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    figures = {"wrong_payloads": (0.0, "payloads"), "idle_worst": (21.0, "ms")}
    write(readme, figures)
    write(readme, figures)
    assert readme.read_text(encoding="utf-8") == f"before\n{BEGIN}\n{table(figures)}{END}\nafter\n"
    assert names_in(readme.read_text(encoding="utf-8")) == list(BOUNDS)


def test_the_table_tells_what_was_missed_and_what_was_not_measured() -> None:
    rows = {row.split("`")[1]: row for row in table({"wrong_payloads": (0.0, "payloads"), "idle_worst": (21.0, "ms")}).splitlines()[2:]}
    assert rows["wrong_payloads"].endswith("| 0 | ≤ 0 |")
    assert rows["idle_worst"].endswith("| 21 ms **missed** | ≤ 15 |")
    assert rows["photos_exact"].endswith("| not measured | ≥ 0.971 |")


def test_a_readme_without_the_marks_is_not_written_to(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has no place for the table"):
        write(readme, {})
    assert readme.read_text(encoding="utf-8") == "nothing\n"
