"""``qrgate failsafe``: every output into its safe state. It needs nothing of the rest, because the rest may be broken.

A Raspberry Pi keeps a pin driven after the process that drove it has died, and a serial relay board keeps its relay: a
gate that was killed with the relay on stands open until somebody says otherwise. This is that somebody. It runs
whenever the gate process ends for any reason, and at boot; running it again does no harm.

What is driven it reads from the copy of ``gate.toml`` that the gate left when it began to drive, else from the file itself.
"""

from __future__ import annotations

import os
import sys
import termios
import tomllib
from pathlib import Path

DRIVEN = "driven.toml"
"""The gate's copy of its ``gate.toml``, in the runtime folder."""

EXIT_OK, EXIT_SETTINGS, EXIT_HARDWARE = 0, 3, 5
REPEAT = 2
"""A board that was cut off in the middle of a frame takes the first of ours for its end, and obeys the second."""


def make_safe(folder: Path, runtime: Path | None = None) -> int:
    """Let go of relay, lamps and buzzer as the settings in ``folder`` name them; the exit code.

    ``runtime`` is the runtime folder where that is known: a ``gate.toml`` that was broken since cannot tell it.
    """
    tables = _driven(folder, runtime)
    if tables is None:
        _say(f"no settings in {folder}: nothing is known to be driven; if a gate was set up here, cut its lock supply")
        return EXIT_SETTINGS
    problems = [*_release_board(_table(tables, "relay")), *_release_pins(tables)]
    for problem in problems:
        _say(problem)
    return EXIT_HARDWARE if problems else EXIT_OK


def _driven(folder: Path, runtime: Path | None) -> dict[str, object] | None:
    """The tables that say what is driven; a broken file must not hide a good one."""
    own = _read(folder / "gate.toml")
    named = folder / str(_table(own or {}, "paths").get("runtime", "/run/qrgate"))
    return _read((runtime or named) / DRIVEN) or own


def _read(path: Path) -> dict[str, object] | None:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError, RecursionError):  # ValueError: no TOML, no UTF-8, a path with a zero byte
        return None


def _table(tables: dict[str, object], name: str) -> dict[str, object]:
    """Table ``name``, empty where something else stands in its place: whatever the settings hold, the rest is let go."""
    table = tables.get(name)
    return table if isinstance(table, dict) else {}


def _number(table: dict[str, object], name: str, default: int) -> int:
    number = table.get(name)
    return number if isinstance(number, int) else default


# --- a serial relay board --------------------------------------------------------------------------------------


def _release_board(relay: dict[str, object]) -> list[str]:
    """LC-Tech LCUS: the frame that opens the contact, by the kernel's own terminal calls."""
    if relay.get("kind") != "lcus":
        return []
    port, channel = str(relay.get("port")), _number(relay, "channel", 1)
    body = bytes([0xA0, channel % 256, 0])
    frame = body + bytes([sum(body) % 256])
    try:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            _set_9600_raw(descriptor)
            os.write(descriptor, frame * REPEAT)
            termios.tcdrain(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError, termios.error) as error:
        return [f"relay board at {port}: {error}"]
    return []


def _set_9600_raw(descriptor: int) -> None:
    flags = termios.CS8 | termios.CREAD | termios.CLOCAL
    control = termios.tcgetattr(descriptor)[6]
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, flags, 0, termios.B9600, termios.B9600, control])


# --- pins ------------------------------------------------------------------------------------------------------


def _release_pins(tables: dict[str, object]) -> list[str]:
    relay, lamps, buzzer, pins = (_table(tables, name) for name in ("relay", "lamps", "buzzer", "pins"))
    if pins.get("factory") != "lgpio":
        return []  # mock pins die with their process
    levels = {number: 0 for number in (lamps.get("green_pin"), lamps.get("red_pin"), buzzer.get("pin")) if isinstance(number, int)}
    if isinstance(number := relay.get("pin"), int) and relay.get("kind", "gpio") == "gpio":
        levels[number] = 0 if relay.get("active_high", True) else 1
    try:
        import lgpio  # noqa: PLC0415 - only a Pi has it, and only pins need it
    except (ImportError, OSError) as error:
        return [f"pins {sorted(levels)}: no driver: {error}"]
    problems = []
    try:
        chip = lgpio.gpiochip_open(_number(pins, "chip", 0))
    except lgpio.error as error:
        return [f"gpiochip {_number(pins, 'chip', 0)}: {error}"]
    for number, level in levels.items():
        try:
            lgpio.gpio_claim_output(chip, number, level)
        except lgpio.error as error:
            problems.append(f"pin {number}: {error}")
    lgpio.gpiochip_close(chip)
    return problems


def _say(text: str) -> None:
    sys.stderr.write(f"qrgate failsafe: {text}\n")


if __name__ == "__main__":
    # FOLDER of the settings, and the RUNTIME folder where that is known
    sys.exit(make_safe(*map(Path, sys.argv[1:3] or ["/etc/qrgate"])))
