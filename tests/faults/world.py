"""One gate and its province as processes that can be killed, and that come back."""

from __future__ import annotations

import os
import queue
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from device.demo.processes import end, environment
from device.demo.province import AS_ALWAYS, Province
from tests.faults import people
from tests.gates import Issuer

ISSUER = Issuer(seed=7)
PULSE_S, MAX_ON_S = 0.3, 1.0
LEAD_NS = 2_000_000_000
"""From the start of the gate to the first person. Each life of the reader goes on where a camera would be by then."""

PARTS = ("reader", "gate", "uplink")
PROVINCE = ("broker", "recorder")
WITHOUT_FAILSAFE = ("tests.faults.launch",)


@dataclass(frozen=True, slots=True)
class Edge:
    at_ns: int
    on: bool


class World:
    def __init__(self, folder: Path, *, number_of_people: int, with_failsafe: bool, seed: int) -> None:
        self._folder = folder
        self._closing = ExitStack()
        self._with_failsafe = with_failsafe
        self.edges: list[Edge] = []
        self.relay_went_on = threading.Event()
        people.record(folder / "people", ISSUER, number_of_people, seed=seed)
        self.length_s = people.length_s(number_of_people)
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
        self._province = Province(folder / "province", options, issuer_seed=bytes([ISSUER.seed]) * 32)

    def __enter__(self) -> Self:
        with ExitStack() as closing_early:
            closing_early.enter_context(self._closing)
            self._start_board()
            self._closing.enter_context(self._province)
            started_ns = time.monotonic_ns() + LEAD_NS
            self._province.open_gate(f"reader.started_ns={started_ns}", module=AS_ALWAYS if self._with_failsafe else WITHOUT_FAILSAFE)
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

    def stop_gate(self) -> None:
        self._province.close_gate()

    # --- what can be seen --------------------------------------------------------------------------------------

    def outbox(self) -> tuple[int, int]:
        """Last sequence and number of events that are not confirmed."""
        return self._province.outbox()

    def settle(self) -> None:
        """Wait until the recording is over and the recorder has confirmed everything."""
        self._await(
            lambda: '"state":"ended"' in self._stored_text() and self.outbox()[1] == 0, "not everything is confirmed", within_s=self.length_s + 60
        )

    def _stored_text(self) -> str:
        return b"\n".join(self.stored()).decode()

    def stored(self) -> list[bytes]:
        """The bodies that the recorder has stored."""
        files = list(self._province.layout.recorder.glob("*.sqlite"))
        if not files:
            return []
        with closing(sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True, timeout=5)) as database:
            return [bytes(body) for (body,) in database.execute("SELECT body FROM events ORDER BY epoch, sequence")]

    def _await(self, ready: Callable[[], bool], otherwise: str, *, within_s: float) -> None:
        give_up_s = time.monotonic() + within_s
        while not ready():
            assert time.monotonic() < give_up_s, f"{otherwise}\n{self._province.log('gate')[-3000:]}\n{self._province.log('recorder')[-1000:]}"
            time.sleep(0.1)  # another process's database cannot be awaited


def kill_at_random(world: World, kills: int, *, seed: int, progress: Callable[[int], None]) -> dict[str, int]:
    """Kill processes at random instants; every third time the gate in the very moment when its relay goes on."""
    chance = random.Random(seed)
    killed = dict.fromkeys((*PARTS, *PROVINCE), 0)
    down: queue.PriorityQueue[tuple[float, str]] = queue.PriorityQueue()
    while sum(killed.values()) < kills:
        name = _wait_for_victim(world, chance)
        if world.kill(name):
            killed[name] += 1
            progress(sum(killed.values()))
            if name in PROVINCE:
                down.put((time.monotonic() + chance.uniform(0.0, 0.8), name))
        while not down.empty() and down.queue[0][0] <= time.monotonic():
            world.start(down.get()[1])
    while not down.empty():
        world.start(down.get()[1])
    return killed


def _wait_for_victim(world: World, chance: random.Random) -> str:
    if chance.random() < 1 / 3:
        world.relay_went_on.clear()
        if world.relay_went_on.wait(timeout=1.5):
            time.sleep(chance.uniform(0.0, PULSE_S))  # a random instant of the pulse
            return "gate"
    time.sleep(chance.uniform(0.1, 1.2))  # a random instant is what this test is made of
    return chance.choice((*PARTS, *PROVINCE))
