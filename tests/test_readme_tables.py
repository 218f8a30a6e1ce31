from __future__ import annotations

from tests.readme_tables import README, with_table


def test_readme_tells_the_degraded_modes_as_the_gate_goes_by_them() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == with_table(text)
