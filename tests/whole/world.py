"""One gate whose lane has a played relay board, a province that may come and go, and an operator whom the gate obeys."""

from __future__ import annotations

import contextlib
import io
import json
import queue
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from os import kill
from pathlib import Path
from typing import IO, Any, Self

import segno

from device.demo.processes import end, environment
from provisioning.authority import office
from provisioning.cli import main
from tests.faults.records import ask
from tests.provisioning.live import PROVINCE, SITE, Broker, free_port, provision

GATE = "g-999"
OPERATOR = "op-1"
ROLES = ("operator", "recorder")
WITHIN_S = 60.0
"""On a machine that is busy with other tests. Nothing here takes more than a few seconds."""
POLL_S = 0.02  # another process's database, log or socket cannot be awaited

Data = dict[str, Any]


class World:
    """Broker, recorder, board and gate run while it is entered. What a gate says before there is any recorder, the broker keeps for nobody."""

    def __init__(
        self, folder: Path, *options: str, recorder: str = "provisioning recorder", tells_time: bool = False, recorder_comes_later: bool = False
    ) -> None:
        """``options`` are settings of the gate, ``recorder`` is the module to run, and its words."""
        self._recorder_comes_later = recorder_comes_later
        self._folder = folder
        self._recorder = recorder.split()
        self._closing = ExitStack()
        self._processes: dict[str, subprocess.Popen[Any]] = {}
        self._edges: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._port = free_port()
        (folder / "pictures").mkdir(parents=True)
        segno.make_qr("https://example.org/").save(str(folder / "pictures" / "a.png"), scale=6)
        own = (
            f"paths.state={self.state}",
            f"paths.runtime={folder / 'run'}",
            "reader.source=folder",
            f"reader.path={folder / 'pictures'}",
            "pins.factory=mock",
            "passage.pin=",
            "relay.kind=lcus",
            f"relay.port={folder / 'board'}",
            "relay.pulse_s=0.2",
            "relay.max_on_s=1.0",
            "links.reader_user=",
            "links.uplink_user=",
        )
        self.layout = provision(folder / "office", GATE, *own, *options, port=self._port)
        self._let_in_the_operator()
        if tells_time:
            _replace(self.layout.recorder / "recorder.toml", "#trusted = false", "trusted = true")

    @property
    def state(self) -> Path:
        return self._folder / "state"

    @property
    def archive(self) -> Path:
        return self.layout.recorder / "events.sqlite"

    @property
    def store(self) -> Path:
        return self.state / "events.db"

    def __enter__(self) -> Self:
        with ExitStack() as unless_well:
            unless_well.enter_context(self._closing)
            self.broker = Broker(self.layout, self._port)
            self._closing.callback(self.broker.stop)
            if not self._recorder_comes_later:
                self.start_recorder()
            self._plug_in_the_board()
            self._start("gate", "device", "run", "--settings", str(self.layout.gate))
            until(lambda: "session with the broker" in self.log("gate"), lambda: self.log("gate"))
            unless_well.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    # --- processes ---------------------------------------------------------------------------------------------

    def start_recorder(self) -> None:
        self._start("recorder", *self._recorder, "--settings", str(self.layout.recorder / "recorder.toml"))
        until(lambda: "recorder ready" in self.log("recorder"), lambda: self.log("recorder"))

    def stop_recorder(self) -> None:
        end(self._processes["recorder"])
        (self._folder / "recorder.log").unlink()

    def _start(self, name: str, *words: str) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen([sys.executable, "-m", *words], stdout=log, stderr=subprocess.STDOUT, env=environment())
        self._processes[name] = process
        self._closing.callback(end, process)

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def _plug_in_the_board(self) -> None:
        words = [sys.executable, "-m", "tests.faults.relay_board", str(self._folder / "board")]
        board = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment())
        assert board.stdout is not None
        assert board.stdout.readline() == "ready\n"
        watching = threading.Thread(target=self._watch_the_board, args=(board.stdout,))
        watching.start()
        self._closing.callback(watching.join)
        self._closing.callback(end, board)

    def _watch_the_board(self, lines: IO[str]) -> None:
        with lines:
            for line in lines:
                self._edges.put(line.split()[1] == "on")

    @contextmanager
    def _gate_stands_still(self) -> Iterator[None]:
        """The gate's own process does nothing, as in a swap of the machine; reader and uplink go on."""
        launcher = self._processes["gate"].pid
        for child in Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="ascii").split():
            if "\0run\0gate\0" in Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8"):
                kill(int(child), signal.SIGSTOP)
                try:
                    yield
                finally:
                    kill(int(child), signal.SIGCONT)
                return
        raise AssertionError(self.log("gate"))

    def lose_at_the_broker(self, happens: Callable[[], object]) -> None:
        """The broker takes all that the gate says while ``happens``, and forgets it for the recorder, which must be away."""
        watcher = self.broker.watcher()
        watcher.subscribe(f"qg/v1/{PROVINCE}/{SITE}/{GATE}/event/+")
        happens()
        watcher.wait(1)
        watcher.close()
        taker = self.broker.recorder()  # one certificate, one session: its clean start ends the one in which events were kept
        taker.close()

    def tear(self, sequences: range) -> None:
        """Spoil the pages of these events in the gate's store, as a worn card does."""
        until(lambda: self._torn(sequences), lambda: "the gate writes without an end")

    def _torn(self, sequences: range) -> bool:
        with self._gate_stands_still():
            return _tear(self.store, sequences)

    # --- the operator ------------------------------------------------------------------------------------------

    def _let_in_the_operator(self) -> None:
        """A key, its place in the broker's access list, and the delegations in the inbox of the gate that will start."""
        out = str(self._folder / "office")
        public = json.loads(_run("command-key", "--out", out, "--id", OPERATOR, "--json"))["public_key"]
        _replace(self.layout.authority / office.BROKER_DESCRIPTION, "#commands = []", f'commands = ["command.{OPERATOR}"]')
        _run("broker", "--out", out)
        path = self._folder / "delegations.toml"
        path.write_text(f'[holders.{OPERATOR}]\nkey = "{public}"\nroles = {json.dumps(ROLES)}\n', encoding="utf-8")
        _run("delegations", "sign", str(path), "--authority", str(self.layout.authority))
        inbox = self.state / "inbox"
        inbox.mkdir(mode=0o700, parents=True)
        shutil.move(path.with_suffix(".bundle"), inbox)

    def wait_in_force(self) -> None:
        """Until the gate knows the operator. Its log tells, also while there is no recorder."""
        until(lambda: "bundle delegations" in self.log("gate"), lambda: self.log("gate"))

    def order(self, *words: str) -> Data:
        """What the gate has answered."""
        who, where = self._folder / "office" / "commands" / OPERATOR, ("--site", SITE, "--gate", GATE)
        told: Data = json.loads(_run("command", *words, "--settings", str(who), *where, "--wait", str(WITHIN_S), "--json"))
        return told

    def wait_relay(self, *, on: bool) -> None:
        """Until the relay goes on or off; it must be the next that it does."""
        assert self._edges.get(timeout=WITHIN_S) is on

    # --- what can be seen --------------------------------------------------------------------------------------

    def events(self) -> list[Data]:
        """What the recorder has, epoch by epoch and in order."""
        rows = ask(self.archive, "SELECT body FROM events ORDER BY epoch, sequence") if self.archive.exists() else []
        return [json.loads(body) for (body,) in rows]

    def wait_event(self, kind: str, **facts: Any) -> Data:
        """The first event of this kind at the recorder whose data have ``facts``."""
        found: list[Data] = []

        def is_there() -> bool:
            found.extend(each for each in self.events() if each["type"] == f"qrgate.{kind}" and facts.items() <= each["data"].items())
            return bool(found)

        until(is_there, lambda: f"no {kind} with {facts} at the recorder\n{self.log('gate')}")
        return found[0]

    def wait_rest(self) -> None:
        """Until nothing waits in the gate."""
        until(lambda: ask(self.store, "SELECT events FROM head") == [(0,)], lambda: f"not all is confirmed\n{self.log('gate')}")

    def known(self) -> Data:
        """What `qrgate-provision gates` tells of the gate."""
        (gate,) = json.loads(_run("gates", "--settings", str(self.layout.recorder), "--json"))["gates"]
        told: Data = gate
        return told


def until(done: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    limit_s = time.monotonic() + WITHIN_S
    while not done():
        assert time.monotonic() < limit_s, otherwise()
        time.sleep(POLL_S)


def _tear(store: Path, sequences: range) -> bool:
    """False where its owner, who must stand still, does so in the middle of a write."""
    with closing(sqlite3.connect(store, timeout=0)) as database:
        (busy, _, _) = database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        (page_bytes,) = database.execute("PRAGMA page_size").fetchone()
        bodies = database.execute("SELECT body FROM event WHERE sequence BETWEEN ? AND ?", (sequences[0], sequences[-1])).fetchall()
    if busy:
        return False
    content = store.read_bytes()
    with store.open("r+b") as file:
        for (body,) in bodies:
            file.seek(content.index(body[:32]) // page_bytes * page_bytes)
            file.write(b"\xa5" * page_bytes)
    return True


def _run(*words: str) -> str:
    """What `qrgate-provision` writes to stdout."""
    told, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(errors):
        code = main(words)
    assert code == 0, (words, told.getvalue(), errors.getvalue())
    return told.getvalue()


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
