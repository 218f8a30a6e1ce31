"""The demo's stage: a province on this machine. Real mosquitto, real recorder, real gate, each a process of its own."""

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

from device.demo.payloads import GATE, ISSUER_SEED
from device.demo.processes import end, environment, free_port, mosquitto_program
from device.errors import ContactError
from provisioning.authority.init import Layout, Request, lay_out

READY_S = 15.0
RECORDER_READY = "recorder ready"
OWN_USER = ("links.reader_user=", "links.uplink_user=")
"""All three processes run as whoever started the demo."""


class Stage:
    """Everything started in order, and ended in the reverse order, whatever happens."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        """``options`` are settings of the gate, ``TABLE.KEY=VALUE``."""
        self._folder = folder
        self._options = tuple(options)
        self._closing = ExitStack()
        self.port = free_port()
        self.layout: Layout = self._lay_out()
        self.gate: subprocess.Popen[bytes] | None = None

    def _lay_out(self, *more: str, force: bool = False) -> Layout:
        request = Request(
            out=self._folder,
            province="demo",
            site="demo-site",
            gate=GATE,
            broker_hosts=("127.0.0.1",),
            broker_port=self.port,
            options=(
                *self._options,
                *OWN_USER,
                f"paths.state={self.state}",
                f"paths.runtime={self._folder / 'run'}",
                "broker.confirm_within_s=2.0",
                *more,
            ),
            issuer_seed=ISSUER_SEED,
            force=force,
        )
        return lay_out(request, now=datetime.now(UTC))

    @property
    def state(self) -> Path:
        return self._folder / "state"

    @property
    def logs(self) -> Path:
        return self._folder

    def __enter__(self) -> Self:
        """Broker and recorder are up. Raises HardwareError, ContactError."""
        try:
            self._start("broker", [mosquitto_program(), "-c", str(self.layout.broker / "mosquitto.conf")])
            self._await("broker", self._broker_listens)
            self._start("recorder", [sys.executable, "-m", "provisioning", "recorder", "--settings", str(self.layout.recorder / "recorder.toml")])
            self._await("recorder", lambda: RECORDER_READY in self._log("recorder").read_text(encoding="utf-8", errors="replace"))
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._closing.close()

    def open_gate(self, *more: str) -> None:
        """Start the gate with some last settings, now that it has somebody to talk to."""
        self._lay_out(*more, force=True)
        self.gate = self._start("gate", [sys.executable, "-m", "device", "run", "--settings", str(self.layout.gate)])

    def close_gate(self) -> None:
        if self.gate is not None:
            end(self.gate)

    # --- processes ---------------------------------------------------------------------------------------------

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def _start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment())  # noqa: S603 - our own programs
        self._closing.callback(end, process)
        return process

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        give_up_s = time.monotonic() + READY_S
        while not ready():
            if time.monotonic() > give_up_s:
                raise ContactError(f"the {name} is not ready after {READY_S:.0f} s:\n{self._log(name).read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def _broker_listens(self) -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0


def events_in(state: Path) -> tuple[int, int]:
    """Of the store in ``state``: events that the gate has recorded, and those that still wait for their confirmation."""
    with closing(sqlite3.connect(f"file:{state / 'events.db'}?mode=ro", uri=True, timeout=5.0)) as database:
        (recorded,) = database.execute("SELECT value FROM meta WHERE name='last_sequence'").fetchone()
        (waiting,) = database.execute("SELECT count(*) FROM event").fetchone()
    return int(recorded), int(waiting)
