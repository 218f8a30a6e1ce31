"""A simulated GPIO chip of the kernel (gpio-sim), and the kernel's own record of what was done to its lines (ftrace).

A line that nobody drives follows its pull: the resistor outside, or a contact to ground (pull-down: closed; pull-up: open).
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = Path("/sys/kernel/config")
TRACING = Path("/sys/kernel/tracing")
PI4_LABEL = "pinctrl-bcm2711"
SET = re.compile(r"-(?P<thread>\d+) .* (?P<at_s>\d+\.\d+): gpio_value: (?P<number>\d+) set (?P<level>[01])")


@dataclass(frozen=True)
class Driven:
    """Somebody drove a line; ``at_s`` is on the monotonic clock, ``thread`` the kernel's number."""

    at_s: float
    level: int
    thread: int


class Chip:
    """Made once; it looks like a Pi 4's to those who go by its label."""

    def __init__(self, lines: int = 54) -> None:
        for kind, place in (("configfs", CONFIGURATION), ("tracefs", TRACING)):
            subprocess.run(["mount", "-t", kind, "none", place], check=True)
        subprocess.run(["modprobe", "gpio-sim"], check=True)
        made = CONFIGURATION / "gpio-sim/lab"
        bank = made / "bank0"
        bank.mkdir(parents=True)
        (bank / "num_lines").write_text(str(lines))
        (bank / "label").write_text(PI4_LABEL)
        (made / "live").write_text("1")
        self.name = (bank / "chip_name").read_text().strip()
        self._lines = Path("/sys/devices/platform", (made / "dev_name").read_text().strip(), self.name)
        (self._base,) = (
            int((each / "base").read_text())
            for each in Path("/sys/class/gpio").glob("gpiochip*")
            if (each / "label").read_text().strip() == PI4_LABEL
        )
        (TRACING / "trace_clock").write_text("mono")
        (TRACING / "events/gpio/enable").write_text("1")

    def level(self, line: int) -> int:
        return int((self._lines / f"sim_gpio{line}/value").read_text())

    def pull(self, line: int, *, up: bool) -> None:
        (self._lines / f"sim_gpio{line}/pull").write_text("pull-up" if up else "pull-down")

    def forget(self) -> None:
        """What was driven until now is of no interest."""
        (TRACING / "trace").write_text("")

    def driven(self, line: int) -> list[Driven]:
        """Every level that somebody gave to ``line``, the first at its claiming, also where it had that level already."""
        found = map(SET.search, (TRACING / "trace").read_text().splitlines())
        return [
            Driven(float(each["at_s"]), int(each["level"]), int(each["thread"]))
            for each in found
            if each and int(each["number"]) == self._base + line
        ]


def contacts() -> Path:
    """The library that leaves an input's pull to whoever plays its contact (contacts.c), for ``LD_PRELOAD``."""
    library = Path("/run/contacts.so")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, Path(__file__).with_name("contacts.c"), "-ldl"], check=True)
    return library
