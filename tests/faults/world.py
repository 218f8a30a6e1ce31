"""One gate and its province as processes that can be killed, and that come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from device.demo.payloads import GATE
from device.demo.processes import end, environment
from device.demo.province import Province
from tests.faults import people, records
from tests.faults.launch import WITHOUT_FAILSAFE
from tests.faults.people import Crowd
from tests.faults.points import POINTS, SELF
from tests.faults.records import Records, Rest
from tests.gates import Issuer

ISSUER = Issuer(seed=7)
PULSE_S, MAX_ON_S = 0.3, 1.0
NS = 1_000_000_000
LEAD_NS = 2 * NS
"""From the start of the gate to the first person. Each life of the reader goes on where a camera would be by then."""

PARTS = ("reader", "gate", "uplink")
PROVINCE = ("broker", "recorder")
ENDED = "the recording has ended"
"""The reader's last words."""

SETTLES_S = 120.0
BOARD_PRIORITY = -15
DIES_S = 5.0
POLL_S = 0.02  # neither another process's database nor its deeds can be awaited


@dataclass(frozen=True, slots=True)
class Edge:
    at_ns: int
    on: bool


class World:
    def __init__(self, folder: Path, *, crowd: Crowd, with_failsafe: bool, seed: int) -> None:
        self._folder = folder
        self._closing = ExitStack()
        self._order = folder / "order"
        self._launched = ("tests.faults.launch", str(self._order), *([] if with_failsafe else [WITHOUT_FAILSAFE]))
        self.edges: list[Edge] = []
        self.relay_went_on = threading.Event()
        people.record(folder / "people", ISSUER, crowd, counted_at=GATE, seed=seed)
        self._length_s = crowd.length_s
        options = (
            "reader.source=recording",
            f"reader.path={folder / 'people'}",
            f"reader.frames_per_s={float(people.FRAMES_PER_S)}",
            "reader.left_after_s=0.3",
            "pins.factory=mock",
            "passage.pin=",
            "relay.kind=lcus",
            f"relay.port={folder / 'relay'}",
            f"relay.pulse_s={PULSE_S}",
            f"relay.max_on_s={MAX_ON_S}",
            "clock.source=system",
        )
        self._province = _Province(self._order, folder / "province", options, issuer_seed=bytes([ISSUER.seed]) * 32)

    def __enter__(self) -> Self:
        with ExitStack() as closing_early:
            closing_early.enter_context(self._closing)
            self._start_board()
            self._closing.enter_context(self._province)
            self._started_ns = time.monotonic_ns() + LEAD_NS
            self._province.open_gate(f"reader.started_ns={self._started_ns}", module=self._launched)
            closing_early.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # --- processes ---------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start the broker or the recorder again."""
        self._province.start(name)

    def kill(self, name: str) -> bool:
        """SIGKILL ``name``; false if it is not there to be killed."""
        process = self._province.processes.get(name) if name in PROVINCE else None
        process_id = process.pid if process else self._part(name)
        if process_id is None:
            return False
        try:
            os.kill(process_id, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if process:
            process.wait()
        return True

    def kill_at(self, point: str, victim: str, *, within_s: float) -> bool:
        """Have ``victim`` killed when the next one passes ``point``; false if nobody did within that time, and then it lives."""
        process_id = SELF if victim == POINTS[point].owner else self._province.processes[victim].pid
        new = self._order.with_suffix(".new")
        new.write_text(f"{point} {process_id}", encoding="ascii")
        new.replace(self._order)
        give_up_s = time.monotonic() + within_s
        while self._order.exists() and time.monotonic() < give_up_s:
            time.sleep(POLL_S)
        try:
            self._order.unlink()
        except FileNotFoundError:  # it was carried out
            if victim in PROVINCE:
                self._province.processes[victim].wait(DIES_S)
            return True
        return False

    def _part(self, name: str) -> int | None:
        """The process of one part, a child of the launcher that we started."""
        launcher = self._province.processes["gate"].pid
        try:
            children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="ascii").split()
            for child in children:
                if f"\0run\0{name}\0" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
                    return int(child)
        except OSError:
            return None
        return None

    def _start_board(self) -> None:
        board = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.relay_board", str(self._folder / "relay")], stdout=subprocess.PIPE, text=True, env=environment()
        )
        assert board.stdout is not None
        assert board.stdout.readline() == "ready\n"
        with suppress(PermissionError):  # where all else waits for the processor, its moments are right all the same
            os.setpriority(os.PRIO_PROCESS, board.pid, BOARD_PRIORITY)
        watching = threading.Thread(target=self._watch_board, args=(board.stdout,), daemon=True)
        watching.start()
        self._closing.callback(watching.join, 5)
        self._closing.callback(end, board)

    def _watch_board(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                at_ns, level = line.split()
                self.edges.append(Edge(int(at_ns), level == "on"))
                if level == "on":
                    self.relay_went_on.set()

    def end_people(self) -> int:
        """Nobody comes any more; how many have come."""
        come = people.cut(self._folder / "people", (time.monotonic_ns() - self._started_ns) / NS)
        while not self.kill("reader"):  # the next one reads how short the recording has become
            time.sleep(POLL_S)
        return come

    def stop_gate(self) -> None:
        self._province.close_gate()

    # --- what can be seen --------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until the recording is over and the recorder has confirmed everything."""
        self._await(lambda: ENDED in self._province.log("gate"), "the recording does not end", within_s=self._length_s + SETTLES_S)
        self._await(Rest([self._store]), "not everything is confirmed", within_s=SETTLES_S)

    def records(self) -> Records:
        """After the end of the gate."""
        return records.read(self._store, self._archive, GATE)

    @property
    def _store(self) -> Path:
        return self._province.folder / "state" / "events.db"

    @property
    def _archive(self) -> Path:
        return self._province.layout.recorder / "events.sqlite"

    def _await(self, ready: Callable[[], bool], otherwise: str, *, within_s: float) -> None:
        give_up_s = time.monotonic() + within_s
        while not ready():
            assert time.monotonic() < give_up_s, f"{otherwise}\n{self._province.log('gate')[-3000:]}\n{self._province.log('recorder')[-1000:]}"
            time.sleep(0.2)  # another process's database cannot be awaited


class _Province(Province):
    """Its recorder has points, too."""

    def __init__(self, order: Path, folder: Path, options: Sequence[str], *, issuer_seed: bytes) -> None:
        super().__init__(folder, options, issuer_seed=issuer_seed)
        settings = str(self.layout.recorder / "recorder.toml")
        self._commands["recorder"] = [sys.executable, "-m", "tests.faults.points", str(order), "recorder", "--settings", settings]
