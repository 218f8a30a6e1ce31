"""``qrgate failsafe``: every output into its safe state. It needs nothing of the rest, because the rest may be broken.

A Raspberry Pi keeps a pin driven after the process that drove it has died, and a serial relay board keeps its relay: a
gate that was killed with the relay on stands open until somebody says otherwise. This is that somebody. It runs
whenever the gate process ends for any reason, and at boot; running it again does no harm.

Off is safe for all outputs but one. ``free_relay`` is on, and the green lamp with it, as long as the lane must be free: the file
``fire`` in the state folder, which outlives a loss of power, or ``free`` in the runtime folder. Pins that must stay on are left to a keeper
(``keeper.py``), since other kernels than Raspberry Pi's take a line back when its owner ends.

What is driven it reads from the copy of ``gate.toml`` that the gate left when it began to drive, else from the file itself.
"""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
import termios
import time
import tomllib
from pathlib import Path

DRIVEN = "driven.toml"
"""The gate's copy of its ``gate.toml``, in the runtime folder."""
FREE = "free"
"""In the runtime folder: the lane stands free, whatever the cause."""
LATCHED = "fire"
"""In the state folder: there was a fire, and nobody has reset it."""
KEEPER = "keeper"
"""In the runtime folder: the keeper's record (``keeper.RECORD``)."""

STATE, RUNTIME = "/var/lib/qrgate", "/run/qrgate"

EXIT_OK, EXIT_SETTINGS, EXIT_HARDWARE = 0, 3, 5
REPEAT = 2
"""A board that was cut off in the middle of a frame takes the first of ours for its end, and obeys the second."""
ANSWER_S, PAUSE_S = 0.3, 0.02
"""Of a Modbus board: four relays on one that is silent take 2.6 s, and the launcher waits 5 s."""
KEEPER_S = 3.0
"""It takes a second to start on a small Pi, and two more to end another one that hangs."""

CHIP_LABELS = {"pi4": "pinctrl-bcm2711", "pi5": "pinctrl-rp1", "zero2w": "pinctrl-bcm2835"}
"""What the kernel calls the chip of the header's pins, by ``board.model``. Its number differs from kernel to kernel."""
GET_CHIP_INFO, CHIP_INFO_BYTES = 0x8044B401, 68
"""GPIO_GET_CHIPINFO_IOCTL (linux/gpio.h): name and label of 32 bytes each, and the number of lines."""


def make_safe(folder: Path, runtime: Path | None = None) -> int:
    """Put every output that the settings in ``folder`` name into its safe state; the exit code.

    ``runtime`` is the runtime folder where that is known: a ``gate.toml`` that was broken since cannot tell it.
    """
    own = _read(folder / "gate.toml")
    runtime = runtime or folder / str(_table(own or {}, "paths").get("runtime", RUNTIME))
    tables = _read(runtime / DRIVEN) or own  # a broken file must not hide a good one
    if tables is None:
        _say(f"no settings in {folder}: nothing is known to be driven; if a gate was set up here, cut its lock supply")
        return EXIT_SETTINGS
    free = must_be_free(folder / str(_table(tables, "paths").get("state", STATE)), runtime)
    problems = [*_switch_board(tables, free=free), *_switch_pins(tables, runtime, free=free)]
    for problem in problems:
        _say(problem)
    return EXIT_HARDWARE if problems else EXIT_OK


def must_be_free(state: Path, runtime: Path) -> bool:
    """Whether the lane must stand free, whoever runs or does not."""
    return _is_there(state / LATCHED) or _is_there(runtime / FREE)


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a path with a zero byte
        return False
    except OSError:
        return True  # a lane that may have to be free is not guessed to be closed
    return True


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


def _relays(tables: dict[str, object], *, free: bool) -> list[tuple[dict[str, object], bool]]:
    """The table of each relay, and whether it has to be on. What goes off comes first."""
    off = [(_table(tables, name), False) for name in ("relay", "exit_relay", "lower_relay")]
    return [*off, (_table(tables, "free_relay"), free)]


# --- a serial relay board --------------------------------------------------------------------------------------


def _switch_board(tables: dict[str, object], *, free: bool) -> list[str]:
    """LC-Tech LCUS or Modbus RTU, by the kernel's own terminal calls."""
    relay = _table(tables, "relay")
    if (kind := relay.get("kind")) not in {"lcus", "modbus"}:
        return []
    port = str(relay.get("port"))
    orders = [(_number(relay, "channel", 1), False)]
    orders += [(channel, on) for table, on in _relays(tables, free=free)[1:] if isinstance(channel := table.get("channel"), int)]
    problems = []
    try:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            _set_raw(descriptor, _number(relay, "baud_rate", 9600) if kind == "modbus" else 9600)
            for channel, on in orders:
                if kind == "lcus":
                    os.write(descriptor, _lcus(channel, on=on) * REPEAT)
                elif not _answered(descriptor, _modbus(_number(relay, "address", 1), channel, on=on)):
                    problems.append(f"relay board at {port}: no answer from channel {channel}")
            termios.tcdrain(descriptor)
        finally:
            os.close(descriptor)
    except (OSError, ValueError, termios.error) as error:
        problems.append(f"relay board at {port}: {error}")
    return problems


def _set_raw(descriptor: int, baud_rate: int) -> None:
    speed = getattr(termios, f"B{baud_rate}", termios.B9600)
    flags = termios.CS8 | termios.CREAD | termios.CLOCAL
    control = termios.tcgetattr(descriptor)[6]
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, flags, 0, speed, speed, control])


def _lcus(channel: int, *, on: bool) -> bytes:
    body = bytes([0xA0, channel % 256, on])
    return body + bytes([sum(body) % 256])


def _modbus(address: int, channel: int, *, on: bool) -> bytes:
    """Function 05, write one coil, with CRC-16/MODBUS."""
    body = bytes([address % 256, 5, *((channel - 1) % 65536).to_bytes(2, "big"), 0xFF if on else 0, 0])
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xA001 if crc & 1 else 0)
    return body + crc.to_bytes(2, "little")


def _answered(descriptor: int, question: bytes) -> bool:
    """Ask, up to ``REPEAT`` times; a Modbus board answers an order by the order itself."""
    for _ in range(REPEAT):
        time.sleep(PAUSE_S)  # frames are parted by silence
        termios.tcflush(descriptor, termios.TCIFLUSH)
        os.write(descriptor, question)
        received, until_s = b"", time.monotonic() + ANSWER_S
        while (left_s := until_s - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left_s)[0]:
                received += os.read(descriptor, 256)
                if question in received:
                    return True
    return False


# --- pins ------------------------------------------------------------------------------------------------------


def _switch_pins(tables: dict[str, object], runtime: Path, *, free: bool) -> list[str]:
    pins = _table(tables, "pins")
    if pins.get("factory") != "lgpio":
        return []  # mock pins die with their process
    off, on = _levels(tables, free=free)
    try:
        chip = _number(pins, "chip", -1)
        chip = find_chip(_table(tables, "board").get("model")) if chip < 0 else chip
    except OSError as error:
        return [f"pins {sorted({**off, **on})}: {error}"]
    if not on:
        return [*_keep(runtime, chip, {}), *_claim(chip, off)]  # it may have held what goes off now
    problems = [*_claim(chip, off), *(kept := _keep(runtime, chip, on))]
    without_keeper = any(each.startswith("keeper: ") for each in kept)
    return problems + (_claim(chip, on) if without_keeper else [])  # for as long as this kernel lets them be


def _levels(tables: dict[str, object], *, free: bool) -> tuple[dict[int, int], dict[int, int]]:
    """The pins of all outputs with their levels: those that go off, and those that must stay on."""
    lamps, buzzer = _table(tables, "lamps"), _table(tables, "buzzer")
    outputs = [(pin, False, True) for pin in (lamps.get("red_pin"), lamps.get("amber_pin"), buzzer.get("pin"))]
    outputs.append((lamps.get("green_pin"), free, True))
    if _table(tables, "relay").get("kind", "gpio") == "gpio":
        outputs += [(table.get("pin"), on, bool(table.get("active_high", True))) for table, on in _relays(tables, free=free)]
    off, on = ({pin: int(is_on is high) for pin, is_on, high in outputs if isinstance(pin, int) and is_on is state} for state in (False, True))
    return off, on


def find_chip(model: object) -> int:
    """The number of the gpiochip that has the header's pins on such a board, 0 for one that is not named. Raises OSError."""
    label = CHIP_LABELS.get(str(model))
    if label is None:
        return 0
    for path in sorted(Path("/dev").glob("gpiochip*")):
        with path.open("rb") as file:
            info = fcntl.ioctl(file, GET_CHIP_INFO, bytes(CHIP_INFO_BYTES))
        if info[32:64].partition(b"\0")[0] == label.encode():
            return int(path.name.removeprefix("gpiochip"))
    raise FileNotFoundError(f"no gpiochip has the label {label}")


def _claim(chip: int, levels: dict[int, int]) -> list[str]:
    """Each pin at its level in one step: an output that is made first and set afterwards would give a pulse."""
    if not levels:
        return []
    try:
        import lgpio  # noqa: PLC0415 - only a Pi has it, and only pins need it
    except (ImportError, OSError) as error:
        return [f"pins {sorted(levels)}: no driver: {error}"]
    try:
        handle = lgpio.gpiochip_open(chip)
    except lgpio.error as error:
        return [f"gpiochip {chip}: {error}"]
    problems = []
    for number, level in levels.items():
        try:
            lgpio.gpio_claim_output(handle, number, level)
        except lgpio.error as error:
            problems.append(f"pin {number}: {error}")
    lgpio.gpiochip_close(handle)
    return problems


def _keep(runtime: Path, chip: int, levels: dict[int, int]) -> list[str]:
    """See to it that a keeper holds just ``levels``, or that there is none; what is wrong, beginning with ``keeper:`` if nothing is held."""
    pins = [f"{pin}={level}" for pin, level in levels.items()]
    command = [sys.executable, "-I", str(Path(__file__).with_name("keeper.py")), str(runtime), str(chip), *pins]
    silent = subprocess.DEVNULL
    try:
        if not levels and not (runtime / KEEPER).exists():
            return []
        keeper = subprocess.Popen(command, stdin=silent, stdout=subprocess.PIPE, stderr=silent, start_new_session=True)  # noqa: S603 - our own file
    except OSError as error:
        return [f"keeper: {error}"]
    assert keeper.stdout is not None  # noqa: S101
    with keeper.stdout as words:
        told = os.read(words.fileno(), 4096).decode() if select.select([words], [], [], KEEPER_S)[0] else "it says nothing"
    first, *problems = told.splitlines() or ["it ended"]
    return problems if first == "held" else [f"keeper: {first}"]


def _say(text: str) -> None:
    sys.stderr.write(f"qrgate failsafe: {text}\n")


if __name__ == "__main__":
    # FOLDER of the settings, and the RUNTIME folder where that is known
    sys.exit(make_safe(*map(Path, sys.argv[1:3] or ["/etc/qrgate"])))
