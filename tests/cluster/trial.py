"""Gates publish, the node in use dies, the gates publish on: at the end every event of every gate is in the recorder's archive."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from device.demo.processes import end, environment
from provisioning.authority import office
from provisioning.broker.description import Clients
from provisioning.operations.recorder import READY
from tests.cluster.forwarder import Forwarder
from tests.cluster.gates import ISSUER_SEED, PROVINCE, BusyGate, lay_out_gate
from tests.cluster.nodes import Node, Nodes

POLL_S = 0.1  # another process's database cannot be awaited
MOVE_S, SETTLE_S = 90.0, 240.0
EVENTS_BETWEEN = 60
"""Stored events from one kill to the next: a kill into silence shows nothing."""


@dataclass
class Summary:
    killed: list[str] = field(default_factory=list)
    silent_s: list[float] = field(default_factory=list)  # after each kill, until the recorder stored something again
    recorded: dict[str, int] = field(default_factory=dict)
    lost: dict[str, list[int]] = field(default_factory=dict)
    tally: str = ""

    def lines(self) -> list[str]:
        kills = ", ".join(f"{name} ({silent_s:.1f} s of silence)" for name, silent_s in zip(self.killed, self.silent_s, strict=True))
        return [
            f"nodes killed        {kills}",
            f"events recorded     {sum(self.recorded.values())} at {len(self.recorded)} gates",
            f"recorder            {self.tally}",
            f"lost                {sum(map(len, self.lost.values()))}",
        ]


def missing(recorded: Mapping[str, int], stored: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """Gate -> sequences up to the last that it recorded, of which there is nothing among ``stored`` (gate, sequence)."""
    there = set(stored)
    gaps = {gate: [sequence for sequence in range(1, last + 1) if (gate, sequence) not in there] for gate, last in recorded.items()}
    return {gate: gap for gate, gap in gaps.items() if gap}


class Trial:
    """Use it in a ``with``: all processes are up then, and gone after it."""

    def __init__(self, folder: Path, *, gates: int, passes_per_s: float, tell: Callable[[str], None]) -> None:
        self._names = [f"g-{number}" for number in range(1, gates + 1)]
        self._folder = folder
        self._apart_s = 1 / passes_per_s
        self._tell = tell
        self._stopping = threading.Event()
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as closing_early:
            closing_early.enter_context(self._closing)
            self._begin()
            closing_early.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def run(self, kills: int) -> Summary:
        """Raises AssertionError where the province does not come back; what was lost stands in the summary."""
        summary = Summary()
        for _ in range(kills):
            self._await_events(EVENTS_BETWEEN)
            node = next(each for each in self._nodes if each.port == self._forwarder.in_use)
            node.kill()
            began_s = time.monotonic()
            self._tell(f"{node.name} is killed, with the lines of all clients")
            self._await_events(1)
            summary.killed.append(node.name)
            summary.silent_s.append(time.monotonic() - began_s)
            self._await_events(EVENTS_BETWEEN)
            node.start()
            self._tell(f"{node.name} is back; events came again after {summary.silent_s[-1]:.1f} s")
        self._stopping.set()
        self._showing.join()
        self._await(lambda: all(gate.outbox()[1] == 0 for gate in self._gates), "not everything is confirmed", SETTLE_S)
        summary.recorded = {gate.name: gate.outbox()[0] for gate in self._gates}
        summary.lost = missing(summary.recorded, self._stored())
        end(self._recorder)
        summary.tally = (re.findall(r"ends; (.*)", self._recorder_log()) or ["said nothing"])[-1]
        return summary

    # --- the province ------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        chief = office.found(self._folder / "authority", PROVINCE, seed=ISSUER_SEED, now=datetime.now(UTC))
        clients = Clients(gates=tuple(self._names))
        self._nodes: list[Node] = self._closing.enter_context(Nodes(self._folder / "nodes", chief, clients)).nodes
        self._tell(f"{len(self._nodes)} nodes are up")
        self._forwarder = self._closing.enter_context(Forwarder([node.port for node in self._nodes]))
        layouts = [lay_out_gate(self._folder, name, self._forwarder.port) for name in self._names]
        self._recorder = self._start_recorder(layouts[0].recorder)
        self._closing.callback(end, self._recorder)
        self._await(lambda: READY in self._recorder_log(), "the recorder is not ready", MOVE_S)
        self._gates: list[BusyGate] = []
        for layout in layouts:
            self._gates.append(BusyGate(self._folder, layout))
            self._closing.callback(self._gates[-1].end)
        self._showing = threading.Thread(target=self._show)
        self._showing.start()
        self._closing.callback(self._showing.join)
        self._closing.callback(self._stopping.set)
        self._tell(f"{len(self._gates)} gates are at work")

    def _start_recorder(self, folder: Path) -> subprocess.Popen[bytes]:
        """As `init` made it, but for the version of MQTT that the cluster speaks."""
        settings = folder / "recorder.toml"
        settings.write_text(re.sub(r"(?m)^#protocol = .*$", 'protocol = "3.1.1"', settings.read_text(encoding="utf-8")), encoding="utf-8")
        with (folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "provisioning", "recorder", "--settings", str(settings)]
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment(), process_group=0)

    def _show(self) -> None:
        while not self._stopping.wait(self._apart_s):
            for gate in self._gates:
                gate.show()

    # --- what can be seen --------------------------------------------------------------------------------------

    def _await_events(self, count: int) -> None:
        """Until the recorder has stored so many more."""
        wanted = len(self._stored()) + count
        self._await(lambda: len(self._stored()) >= wanted, "no events come", MOVE_S)

    def _await(self, done: Callable[[], bool], otherwise: str, within_s: float) -> None:
        give_up_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > give_up_s:
                raise AssertionError("\n".join([otherwise, self._recorder_log()[-2000:], *(gate.log() for gate in getattr(self, "_gates", []))]))
            time.sleep(POLL_S)

    def _stored(self) -> set[tuple[str, int]]:
        """Gate and sequence of all that the recorder has."""
        with closing(sqlite3.connect(f"file:{self._folder / 'recorder' / 'events.sqlite'}?mode=ro", uri=True, timeout=5)) as database:
            return {(source.rpartition("/")[2], sequence) for source, sequence in database.execute("SELECT source, sequence FROM events")}

    def _recorder_log(self) -> str:
        return (self._folder / "recorder" / "log").read_text(encoding="utf-8", errors="replace")
