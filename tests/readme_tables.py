"""README's tables that come from the program: ``python -m tests.readme_tables`` writes them anew, a test compares."""

from __future__ import annotations

from pathlib import Path

from device.degraded import CONDUCT

README = Path(__file__).parents[1] / "README.md"
BEGIN = "<!-- degraded: written by python -m tests.readme_tables -->\n"
END = "<!-- degraded: end -->\n"


def degraded() -> str:
    """The table of degraded modes."""
    rows = ["| trouble | when | entry | exit | lamps while nobody is answered | `health` on MQTT |", "|---|---|---|---|---|---|"]
    for trouble, conduct in CONDUCT.items():
        lamps = "nothing" if conduct.signal == "dark" else f"`{conduct.signal}`"
        rows.append(f"| `{trouble}` | {conduct.when} | {conduct.entry} | {conduct.exit} | {lamps} | `{conduct.health}` |")
    return "\n".join(rows) + "\n"


def with_table(text: str) -> str:
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + degraded() + END + after


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
