"""A province on this machine: real mosquitto, real recorder, real gate, each a process of its own. For the demo, and for whoever kills them."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from device.demo.payloads import GATE
from device.demo.processes import end, environment, free_port, mosquitto_program
from device.errors import ContactError
from provisioning.authority.init import Layout, Request, lay_out

READY_S = 20.0
POLL_S = 0.02  # another process's port or log cannot be awaited
RECORDER_READY = "recorder ready"
OWN_USER = ("links.reader_user=", "links.uplink_user=")
"""All three processes run as whoever started them."""

AS_ALWAYS = ("device", "run", "--settings")


class Province:
    """Everything started in order, and ended in the reverse order, whatever happens."""

    def __init__(self, folder: Path, options: Sequence[str], *, issuer_seed: bytes) -> None:
        """``options`` are settings of the gate, ``TABLE.KEY=VALUE``; settings, store and logs go into ``folder``."""
        self.folder = folder
        self._options = tuple(options)
        self._issuer_seed = issuer_seed
        self._closing = ExitStack()
        self.port = free_port()
        self.layout: Layout = self._lay_out()
        self._commands = {
            "broker": [mosquitto_program(), "-c", str(self.layout.broker / "mosquitto.conf")],
            "recorder": [sys.executable, "-m", "provisioning", "recorder", "--settings", str(self.layout.recorder / "recorder.toml")],
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def _lay_out(self, *more: str, force: bool = False) -> Layout:
        own = (*OWN_USER, f"paths.state={self.folder / 'state'}", f"paths.runtime={self.folder / 'run'}", "broker.confirm_within_s=2.0")
        request = Request(
            out=self.folder,
            province="demo",
            site="demo-site",
            gate=GATE,
            broker_hosts=("127.0.0.1",),
            broker_port=self.port,
            options=(*self._options, *own, *more),
            issuer_seed=self._issuer_seed,
            force=force,
        )
        return lay_out(request, now=datetime.now(UTC))

    def __enter__(self) -> Self:
        """Broker and recorder are up. Raises ContactError."""
        try:
            self.start("broker")
            self._await("broker", self._broker_listens)
            self.start("recorder")
            self._await("recorder", lambda: RECORDER_READY in self.log("recorder"))
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.close()

    # --- processes ---------------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Start ``broker`` or ``recorder``, again if need be."""
        with (self.folder / f"{name}.log").open("ab") as log:
            # In a group of its own, so that a Ctrl-C is ours alone: the gate says goodbye first, the broker last.
            process = subprocess.Popen(  # noqa: S603 - our own programs
                self._commands[name], stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment(), process_group=0
            )
        self.processes[name] = process
        self._closing.callback(end, process)

    def open_gate(self, *more: str, module: Sequence[str] = AS_ALWAYS) -> None:
        """Start the gate, now that it has somebody to talk to; ``more`` are settings that were not known before."""
        if more:
            self._lay_out(*more, force=True)
        self._commands["gate"] = [sys.executable, "-m", *module, str(self.layout.gate)]
        self.start("gate")

    def close_gate(self) -> None:
        end(self.processes["gate"])

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        give_up_s = time.monotonic() + READY_S
        while not ready():
            if time.monotonic() > give_up_s:
                raise ContactError(f"the {name} is not ready after {READY_S:.0f} s:\n{self.log(name)[-2000:]}")
            time.sleep(POLL_S)

    def _broker_listens(self) -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0

    # --- what can be seen --------------------------------------------------------------------------------------

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def outbox(self) -> tuple[int, int]:
        """Events that the gate has recorded, and those of them that still wait for their confirmation."""
        database_file = self.folder / "state" / "events.db"
        with closing(sqlite3.connect(f"file:{database_file}?mode=ro", uri=True, timeout=5.0)) as database:
            recorded, waiting = database.execute("SELECT sequence, events FROM head").fetchone()
        return int(recorded), int(waiting)
