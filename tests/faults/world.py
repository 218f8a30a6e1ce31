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
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from device.demo.processes import end, environment, free_port, mosquitto_program
from device.demo.stage import events_in
from provisioning.authority.init import Layout, Request, lay_out
from tests.faults import people
from tests.gates import Issuer

ISSUER = Issuer(seed=7)
PULSE_S, MAX_ON_S = 0.3, 1.0
READY_S = 20.0

PARTS = ("reader", "gate", "uplink")
PROVINCE = ("broker", "recorder")


@dataclass(frozen=True, slots=True)
class Edge:
    at_ns: int
    on: bool


class World:
    def __init__(self, folder: Path, *, number_of_people: int, with_failsafe: bool, seed: int) -> None:
        self.folder = folder
        self._closing = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._with_failsafe = with_failsafe
        self.edges: list[Edge] = []
        self.relay_went_on = threading.Event()
        people.record(folder / "people", ISSUER, number_of_people, seed=seed)
        self.length_s = people.length_s(number_of_people)
        self._port = free_port()
        self.layout = self._lay_out(started_ns=0)
        self._commands = {
            "broker": [mosquitto_program(), "-c", str(self.layout.broker / "mosquitto.conf")],
            "recorder": [sys.executable, "-m", "provisioning", "recorder", "--settings", str(self.layout.recorder / "recorder.toml")],
        }

    def _lay_out(self, *, started_ns: int, force: bool = False) -> Layout:
        options = (
            "reader.source=recording",
            f"reader.path={self.folder / 'people'}",
            f"reader.started_ns={started_ns}",
            f"reader.frames_per_s={float(people.FRAMES_PER_S)}",
            "reader.left_after_s=0.3",
            "links.reader_user=",
            "links.uplink_user=",
            "pins.factory=mock",
            "passage.pin=",
            "relay.kind=lcus",
            f"relay.port={self.folder / 'relay'}",
            f"relay.pulse_s={PULSE_S}",
            f"relay.max_on_s={MAX_ON_S}",
            "clock.source=system",
            f"paths.state={self.state}",
            f"paths.runtime={self.folder / 'run'}",
            "broker.confirm_within_s=1.5",
        )
        request = Request(
            out=self.folder / "province",
            province="p1",
            site="s1",
            gate="g1",
            broker_hosts=("127.0.0.1",),
            broker_port=self._port,
            options=options,
            issuer_seed=bytes([ISSUER.seed]) * 32,
            force=force,
        )
        return lay_out(request, now=datetime.now(UTC))

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def __enter__(self) -> Self:
        try:
            self._start_board()
            for name in PROVINCE:
                self.start(name)
            self._await(lambda: "recorder ready" in self.log("recorder"), "the recorder is not ready")
            self._lay_out(started_ns=time.monotonic_ns() + 2_000_000_000, force=True)
            self._start_gate()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # --- processes ---------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start the broker or the recorder, again if need be."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(self._commands[name], stdout=log, stderr=subprocess.STDOUT, env=environment())
        self._closing.callback(end, self._processes[name])

    def kill(self, name: str) -> bool:
        """SIGKILL ``name``; false if it is not there to be killed."""
        process_id = self._processes[name].pid if name in self._processes else self._part(name)
        if process_id is None:
            return False
        try:
            os.kill(process_id, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if name in self._processes:
            self._processes[name].wait()
        return True

    def _part(self, name: str) -> int | None:
        """The process of one part, a child of the launcher that we started."""
        launcher = self._launcher.pid
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
            [sys.executable, "-m", "tests.faults.relay_board", str(self.folder / "relay")], stdout=subprocess.PIPE, text=True, env=environment()
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

    def _start_gate(self) -> None:
        command = [sys.executable, "-m", "device", "run", "--settings", str(self.layout.gate)]
        if not self._with_failsafe:
            command = [sys.executable, "-m", "tests.faults.launch", str(self.layout.gate)]
        with (self.folder / "gate.log").open("wb") as log:
            self._launcher = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment())
        self._closing.callback(end, self._launcher)

    def stop_gate(self) -> None:
        end(self._launcher)

    # --- what can be seen --------------------------------------------------------------------------------------

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def outbox(self) -> tuple[int, int]:
        """Last sequence and number of events that are not confirmed."""
        return events_in(self.state)

    def settle(self) -> None:
        """Wait until the recording is over and the recorder has confirmed everything."""
        self._await(
            lambda: '"state":"ended"' in self._stored_text() and self.outbox()[1] == 0, "not everything is confirmed", within_s=self.length_s + 60
        )

    def _stored_text(self) -> str:
        return b"\n".join(self.stored()).decode()

    def stored(self) -> list[bytes]:
        """The bodies that the recorder has stored."""
        files = list(self.layout.recorder.glob("*.sqlite"))
        if not files:
            return []
        with closing(sqlite3.connect(f"file:{files[0]}?mode=ro", uri=True, timeout=5)) as database:
            return [bytes(body) for (body,) in database.execute("SELECT body FROM events ORDER BY epoch, sequence")]

    def _await(self, ready: Callable[[], bool], otherwise: str, *, within_s: float = READY_S) -> None:
        give_up_s = time.monotonic() + within_s
        while not ready():
            assert time.monotonic() < give_up_s, f"{otherwise}\n{self.log('gate')[-3000:]}\n{self.log('recorder')[-1000:]}"
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
