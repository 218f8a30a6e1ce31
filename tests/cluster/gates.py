"""Gates that are busy: the real processes `gate` and `uplink`, and in the reader's place somebody who holds up one pass after the other."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from device.clock import monotonic_ns
from device.demo.processes import end, environment
from device.domain import Track, TrackState
from device.errors import LinkError
from device.links import READER_SOCKET, Link, View, connect
from provisioning.authority.init import Layout, Request, lay_out
from tests.gates import Issuer

HOST = "127.0.0.1"
PROVINCE = "p-999"
ISSUER = Issuer(seed=7)
ISSUER_SEED = bytes([ISSUER.seed]) * 32
OPTIONS = (
    "broker.protocol=3.1.1",
    "broker.confirm_within_s=5.0",
    "reader.source=folder",
    "reader.path=pictures",
    "pins.factory=mock",
    "passage.pin=",
    "lane.profile=none",  # people come faster than any lane lets them through
    "relay.pin=",
    "clock.source=system",
    "links.reader_user=",
    "links.uplink_user=",
)
LISTENS_S, POLL_S = 30.0, 0.05


def lay_out_gate(out: Path, name: str, port: int) -> Layout:
    """Gate ``name`` of province p-999, whose broker is at ``port`` of this machine."""
    own = (f"paths.state={out / 'state' / name}", f"paths.runtime={out / 'run' / name}")
    request = Request(
        out=out,
        province=PROVINCE,
        site="s-999",
        gate=name,
        broker_hosts=(HOST,),
        broker_port=port,
        options=(*OPTIONS, *own),
        issuer_seed=ISSUER_SEED,
    )
    return lay_out(request, now=datetime.now(UTC))


class BusyGate:
    """Its settings are ``layout.gate``; its logs lie beside them."""

    def __init__(self, out: Path, layout: Layout) -> None:
        self.name = layout.gate.name
        self._runtime = out / "run" / self.name
        self._database = out / "state" / self.name / "events.db"
        self._settings = layout.gate
        self._processes = [self._start(part) for part in ("gate", "uplink")]
        self._link = self._connect()
        self._shown = 0

    def show(self) -> None:
        """One more pass comes into view and leaves it. A gate that is behind is not pressed."""
        self._shown += 1
        now = monotonic_ns()
        track = Track(f"0badcafe-{self._shown}", TrackState.APPEARED, ISSUER.issue(self._shown), self._shown, now, now, now, "half")
        self._link.send(View((track,)))
        self._link.send(View(()))

    def outbox(self) -> tuple[int, int]:
        """The last sequence, and how many events are not confirmed."""
        with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True, timeout=5)) as database:
            ((last, waiting),) = database.execute("SELECT head.sequence, (SELECT count(*) FROM event) FROM head")
        return int(last), int(waiting)

    def end(self) -> None:
        self._link.close()
        for process in reversed(self._processes):
            end(process)

    def log(self) -> str:
        return "\n".join(path.read_text(encoding="utf-8", errors="replace")[-2000:] for path in sorted(self._settings.glob("*.log")))

    def _start(self, part: str) -> subprocess.Popen[bytes]:
        with (self._settings / f"{part}.log").open("ab") as log:
            command = [sys.executable, "-m", "device", "run", part, "--settings", str(self._settings)]
            return subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment(), process_group=0)

    def _connect(self) -> Link:
        give_up_s = time.monotonic() + LISTENS_S
        while True:
            try:
                return connect(self._runtime / READER_SOCKET)
            except LinkError:
                assert time.monotonic() < give_up_s, f"gate {self.name} does not listen\n{self.log()}"
                time.sleep(POLL_S)  # a socket that does not exist yet cannot be awaited otherwise
