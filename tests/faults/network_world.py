"""Gates at the near end of a network, broker and recorder at the far end: each a process of its own."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self, TypeVar

from device import clock
from device.demo.processes import end, environment, mosquitto_program
from device.domain import Track, TrackState
from device.errors import LinkError
from device.links import Link, connect
from provisioning.authority import office
from provisioning.authority.certificates import LEAF_DAYS
from provisioning.authority.init import Layout, Request, lay_out, renew
from provisioning.broker.mosquitto import PERSISTENCE
from tests.backlogs import fill
from tests.faults import records
from tests.faults.network_space import FAR_ADDRESS, End, Network
from tests.faults.records import Records, Rest
from tests.gates import Issuer, show

PROVINCE, SITE, PORT = "p-999", "s-999", 8883
ISSUER = Issuer(seed=7)
OPTIONS = (
    "links.reader_user=",
    "links.uplink_user=",
    "pins.factory=mock",
    "passage.pin=",
    "relay.pulse_s=0.1",
    "relay.max_on_s=0.5",
    "policy.settle_s=0.1",
    "clock.source=system",
)
READY_S = 30.0
WORD_S = 150.0
"""Over a bad line."""
POLL_S = 0.05  # neither another process's files nor the network can be awaited
SESSION = re.compile(r"New client connected from \S+ as ([a-z0-9-]+) ")
"""mosquitto's log, of a client that was accepted."""


Found = TypeVar("Found")


class NetworkWorld:
    """Within ``with`` broker and recorder run; the gates are there and wait to be filled and started."""

    def __init__(self, folder: Path, network: Network, gates: int) -> None:
        self._folder = folder
        self._network = network
        self._closing = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._layouts = {name: lay_out(self._request(name), now=datetime.now(UTC)) for name in (f"g-{number}" for number in range(1, gates + 1))}
        self._shown = 0
        self._readers: dict[str, Link] = {}

    @property
    def gates(self) -> list[str]:
        return list(self._layouts)

    def _request(self, gate: str) -> Request:
        return Request(
            out=self._folder,
            province=PROVINCE,
            site=SITE,
            gate=gate,
            broker_hosts=(FAR_ADDRESS,),
            broker_port=PORT,
            broker_folder=self._folder / "broker",
            broker_user="root",
            broker_listen=FAR_ADDRESS,
            options=(*OPTIONS, f"paths.state={self._state(gate)}", f"paths.runtime={self._runtime(gate)}"),
            issuer_seed=bytes([ISSUER.seed]) * 32,
        )

    def __enter__(self) -> Self:
        with ExitStack() as if_it_fails:
            if_it_fails.enter_context(self._closing)
            self.start_broker()
            self.start_recorder()
            if_it_fails.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # --- processes ---------------------------------------------------------------------------------------------

    def start_broker(self) -> None:
        self._start("broker", End.FAR, [mosquitto_program(), "-c", str(self._layout.broker / "mosquitto.conf")])

    def start_recorder(self) -> None:
        settings = str(self._layout.recorder / "recorder.toml")
        self._start("recorder", End.FAR, [sys.executable, "-m", "provisioning", "recorder", "--settings", settings])
        self.wait(self._archive.exists, "the recorder does not begin", READY_S)

    def start_gates(self, more: Mapping[str, str] | None = None) -> None:
        """Gate and uplink of each, with ``more`` in their environment."""
        for gate, layout in self._layouts.items():
            for part in ("gate", "uplink"):
                command = [sys.executable, "-m", "device", "run", part, "--settings", str(layout.gate)]
                self._start(f"{gate}-{part}", End.NEAR, command, more or {})

    def stop_gates(self) -> None:
        for gate in self.gates:
            for part in ("uplink", "gate"):
                end(self._processes[f"{gate}-{part}"])

    def stop(self, name: str, how: signal.Signals) -> None:
        """``broker`` or ``recorder``."""
        self._processes[name].send_signal(how)
        self._processes[name].wait(READY_S)

    def _start(self, name: str, at: End, command: Sequence[str], more: Mapping[str, str] | None = None) -> None:
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(
                self._network.command(at, command),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**environment(), **(more or {})},
            )
        self._processes[name] = process
        self._closing.callback(end, process)

    # --- certificates and memory -------------------------------------------------------------------------------

    def let_certificates_expire(self) -> None:
        """Those of the gates: they were made long ago."""
        chief = office.open_office(self._layout.authority)
        for gate, layout in self._layouts.items():
            chief.hand_client(layout.gate / "tls", gate, called="gate", now=datetime.now(UTC) - timedelta(LEAF_DAYS + 1))

    def renew_certificates(self) -> None:
        for gate in self.gates:
            renew(self._request(gate), now=datetime.now(UTC))

    def wipe_broker(self) -> None:
        """All that it has kept; while it is down."""
        for each in (self._layout.broker / PERSISTENCE).iterdir():
            each.unlink() if each.is_file() else shutil.rmtree(each)

    # --- events and people -------------------------------------------------------------------------------------

    def fill(self, events: int) -> None:
        """A backlog in every gate's store, before they are started."""
        for gate in self.gates:
            fill(self._store(gate), events, gate=gate, boot=clock.boot_id())

    def show_somebody(self, gate: str) -> None:
        """Somebody with a good pass holds it up and goes."""
        if gate not in self._readers:
            self._readers[gate] = self._connect_reader(gate)
        self._shown += 1
        number, now_ns = self._shown, clock.monotonic_ns()
        payload = ISSUER.issue(number)
        moments = {"frame_ns": now_ns, "decoded_ns": now_ns, "last_seen_ns": now_ns}
        track = Track(f"0badcafe-{number}", TrackState.APPEARED, payload, frame=number, stage="half", **moments)
        show(self._readers[gate], track)
        show(self._readers[gate])

    def _connect_reader(self, gate: str) -> Link:
        link = self.wait(lambda: _connected(self._runtime(gate) / "reader.sock"), f"{gate} does not listen", READY_S)
        assert link is not None
        self._closing.callback(link.close)
        return link

    # --- what can be seen --------------------------------------------------------------------------------------

    def sessions(self) -> dict[str, int]:
        """How often each gate has come to the broker so far."""
        found = SESSION.findall(self._log("broker").read_text(encoding="utf-8", errors="replace"))
        return {gate: found.count(gate) for gate in self.gates}

    def recorded(self, gate: str) -> int:
        """The last sequence."""
        return int(records.ask(self._store(gate), "SELECT sequence FROM head")[0][0])

    def wait_recorded(self, gate: str, sequence: int) -> None:
        self.wait(lambda: self.recorded(gate) >= sequence, f"{gate} does not record its event {sequence}", WORD_S)

    def wait_arrived(self, gate: str, sequence: int) -> None:
        """At the recorder."""
        question = "SELECT count(*) FROM runs WHERE gate = ? AND ? BETWEEN first AND last"
        self.wait(lambda: records.ask(self._archive, question, gate, sequence) == [(1,)], f"event {sequence} of {gate} does not arrive", WORD_S)

    def waiting(self) -> int:
        """Events of all gates that nobody has confirmed yet."""
        return sum(records.waiting(self._store(gate)) for gate in self.gates)

    def rest(self) -> Rest:
        return Rest([self._store(gate) for gate in self.gates])

    def records(self) -> dict[str, Records]:
        """After the end of the gates."""
        return {gate: records.read(self._store(gate), self._archive, gate) for gate in self.gates}

    def wait(self, look: Callable[[], Found], otherwise: str, within_s: float) -> Found:
        """What ``look`` has found, once it is something. Raises TimeoutError, with what the processes said last."""
        give_up_s = time.monotonic() + within_s
        while not (found := look()):
            if time.monotonic() > give_up_s:
                said = "\n".join(f"{name}: {self._log(name).read_text(errors='replace')[-1500:]}" for name in self._processes)
                raise TimeoutError(f"{otherwise}, within {within_s:.0f} s\n{said}")
            time.sleep(POLL_S)
        return found

    @property
    def _layout(self) -> Layout:
        return next(iter(self._layouts.values()))

    @property
    def _archive(self) -> Path:
        return self._layout.recorder / "events.sqlite"

    def _state(self, gate: str) -> Path:
        return self._folder / gate / "state"

    def _runtime(self, gate: str) -> Path:
        return self._folder / gate / "run"

    def _store(self, gate: str) -> Path:
        return self._state(gate) / "events.db"

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _connected(path: Path) -> Link | None:
    try:
        return connect(path)
    except LinkError:
        return None
