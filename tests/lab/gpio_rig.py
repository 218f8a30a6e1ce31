"""A gate on simulated lines: ``qrgate run`` with the gate alone, a reader that holds up passes, and somebody who does it harm."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from device.gate.packing import unpack
from device.links import Link
from tests.gates import Gate, show
from tests.lab.gpio_lines import Chip
from tests.lab.guest import wait
from tests.lab.report import Report

SOON_S = 60.0  # for what takes a moment: the machine is some ten times slower than the host, which may be busy, too
LOOK_S = 0.005
MAX_ON_S = 3.0  # as the settings come
GREEN, RED, AMBER, BUZZER = 22, 23, 25, 24
FIRE, BREAK_GLASS, KEY_RESET = 26, 19, 13
PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 0x4206, 0x4207, 0x40000000

_numbers = iter(range(1, 1_000_000))
"""No two passes of a run are the same."""


INDICATORS = {"lamps.green_pin": f"{GREEN}", "lamps.red_pin": f"{RED}", "lamps.amber_pin": f"{AMBER}", "buzzer.pin": f"{BUZZER}"}
CONTACTS = {"inputs.fire_pin": f"{FIRE}", "inputs.break_glass_pin": f"{BREAK_GLASS}", "inputs.key_reset_pin": f"{KEY_RESET}"}


@dataclass(frozen=True)
class Wiring:
    """Relays on pins that close at the level ``on``; a resistor outside pulls their lines to the other one."""

    name: str
    on: int
    relay: int
    free: int

    @property
    def off(self) -> int:
        return 1 - self.on

    def lines(self) -> dict[str, str]:
        """Settings, as ``tests.gates.Gate`` takes them."""
        high = "true" if self.on else "false"
        relay = {"relay.pin": f"{self.relay}", "relay.active_high": high, "relay.max_on_s": f"{MAX_ON_S}"}
        return {**relay, "free_relay.pin": f"{self.free}", "free_relay.active_high": high}


HIGH = Wiring("active-high", on=1, relay=17, free=16)  # pulled down as a Pi starts
LOW = Wiring("active-low", on=0, relay=5, free=6)  # pulled up


class Lab:
    """The machine with its chip, and a gate after another."""

    def __init__(self, report: Report, chip: Chip, folder: Path) -> None:
        self.report, self.chip = report, chip
        self._folder, self._rigs = folder, 0
        for wiring in (HIGH, LOW):
            for line in (wiring.relay, wiring.free):
                chip.pull(line, up=bool(wiring.off))

    def rig(self, lines: dict[str, str]) -> Rig:
        """Fire contact and button are closed then, as they should be, and nobody turns the key."""
        for line in (FIRE, BREAK_GLASS):
            self.contact(line, closed=True)
        self.contact(KEY_RESET, closed=False)
        self._rigs += 1
        return Rig(self.chip, self._folder / str(self._rigs), lines)

    def contact(self, line: int, *, closed: bool) -> None:
        self.chip.pull(line, up=not closed)


class Rig:
    """One gate on a Pi 4's pins; ``lines`` are settings, as ``tests.gates.Gate`` takes them."""

    def __init__(self, chip: Chip, folder: Path, lines: dict[str, str]) -> None:
        self.chip = chip
        self.gate = Gate(folder, {"board.model": '"pi4"', "pins.factory": '"lgpio"', **INDICATORS, **CONTACTS, **lines})
        self.reader: Link | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            print(self.log(), flush=True)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        if kind is not None:
            print(self.log(), flush=True)

    def start(self) -> None:
        """Start ``qrgate run``, and wait until the gate listens."""
        with (self.gate.folder / "log").open("ab") as log:
            self.gate.process = subprocess.Popen([sys.executable, "-m", "tests.lab.gpio_launch", str(self.gate.folder)], stderr=log, text=True)
        self.hold_up_codes()

    def stop(self) -> None:
        process = self.gate.process
        if process is not None and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(SOON_S)
            process.kill()

    def log(self) -> str:
        return (self.gate.folder / "log").read_text("utf-8", "replace")

    def hold_up_codes(self) -> None:
        """Be the reader of the gate that listens now."""
        if self.reader is not None:
            self.reader.close()
        self.reader = self.gate.connect("reader", within_s=2 * SOON_S)

    def show_pass(self) -> None:
        """Somebody holds up a good pass that was never seen before."""
        assert self.reader is not None
        show(self.reader, self.gate.track(self.gate.issuer.issue(next(_numbers))))

    def gate_process(self) -> int | None:
        """The gate's own process, where there is one just now."""
        assert self.gate.process is not None
        launcher = self.gate.process.pid
        with suppress(OSError):
            for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split():
                with suppress(OSError):
                    if Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[-5:-3] == [b"run", b"gate"]:
                        return int(child)
        return None

    def signalled(self, number: signal.Signals) -> int:
        """The gate gets signal ``number``; its process id."""
        process = self.gate_process()
        assert process is not None
        os.kill(process, number)
        return process

    def next_gate(self, old: int) -> bool:
        """Wait until another process than ``old`` is the gate, and be its reader."""
        if not wait(lambda: self.gate_process() not in {None, old}, SOON_S):
            return False
        self.hold_up_codes()
        return True

    def alarms(self) -> list[dict[str, Any]]:
        """What the gate has recorded as alarms, the oldest first."""
        with closing(sqlite3.connect(f"file:{self.gate.state}/events.db?mode=ro", uri=True)) as database:
            bodies = [unpack(body) for (body,) in database.execute("SELECT body FROM event WHERE type = 'alarm' ORDER BY sequence")]
        return [json.loads(body)["data"] for body in bodies]

    def becomes(self, line: int, level: int, limit_s: float = SOON_S) -> float | None:
        """The moment when ``line`` is seen to have ``level``, on the monotonic clock; None where it does not get there."""
        give_up_s = time.monotonic() + limit_s
        while self.chip.level(line) != level:
            if time.monotonic() > give_up_s:
                return None
            time.sleep(LOOK_S)
        return time.monotonic()


@contextmanager
def watched(chip: Chip, line: int) -> Iterator[list[tuple[float, int]]]:
    """What ``line`` is seen to be meanwhile: the first level and each that differs from the one before, with its moment."""
    seen, ending = [(time.monotonic(), chip.level(line))], threading.Event()

    def look() -> None:
        while not ending.wait(LOOK_S):
            if (level := chip.level(line)) != seen[-1][1]:
                seen.append((time.monotonic(), level))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        ending.set()
        looking.join()


def hang(thread: int) -> Callable[[], None]:
    """Halt one thread of another process, as a driver that never returns would; the others go on. Returns once it stands.

    What is returned waits until the thread is gone: a process that somebody traces does not end before.
    """
    stands = threading.Event()

    def hold() -> None:
        system = ctypes.CDLL(None, use_errno=True)
        for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
            if system.ptrace(request, thread, None, None) != 0:
                raise OSError(ctypes.get_errno(), "ptrace")
        os.waitpid(thread, WALL)
        stands.set()
        with suppress(ChildProcessError):
            while not os.WIFSIGNALED(status := os.waitpid(thread, WALL)[1]) and not os.WIFEXITED(status):
                pass

    holding = threading.Thread(target=hold, daemon=True)
    holding.start()
    assert stands.wait(SOON_S)
    return lambda: holding.join(SOON_S)
