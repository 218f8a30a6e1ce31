"""A province with a real gate, uplink, broker and recorder; the canaries are shown over the gate's reader link."""

from __future__ import annotations

import array
import fcntl
import selectors
import shutil
import socket
import sqlite3
import sys
import termios
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from device.admission.lists import ListKind
from device.bundles.envelope import Kind
from device.clock import monotonic_ns
from device.demo.processes import end
from device.demo.province import Province
from device.domain import Track, TrackState
from device.errors import LinkError
from device.links import READER_SOCKET, Link, View, connect
from provisioning.authority import lists
from provisioning.authority.bundles import Order, sign
from provisioning.authority.office import open_office
from tests.canaries.issuers import Issuers
from tests.canaries.traffic import Traffic

OPTIONS = (
    "reader.source=folder",
    "reader.path=pictures",
    "pins.factory=mock",
    "passage.pin=",
    "lane.profile=none",  # people come faster than any lane lets them through
    "relay.pin=",
    "clock.source=system",
)
REMEMBERING = {"capacity": 100_000, "again_after_s": 0, "party_max": 2, "roll_call": ["06:00"], "shadow": {"reentry": False}}
"""Rules for which a gate must remember who came, by which names, and who reported; they refuse nobody here."""
LOGGED = ("tests.canaries.launch",)
UNREAD_BYTES = 16 * 1024
"""Of views that the gate has not taken: the sender goes at the gate's pace, and grants do not grow old in a queue."""
ASK_S, WITHIN_S = 0.05, 60.0
LIVE_FILES = ("events.db", "events.db-wal", "events.db-shm")


class World(Province):
    """Everything lies in ``folder``: what the processes write, and in ``copies`` the gate's files as they were in the midst of it."""

    def __init__(self, folder: Path, issuers: Issuers, module: Sequence[str] = LOGGED) -> None:
        super().__init__(folder, OPTIONS, issuer_seed=bytes([issuers.passes.seed]) * 32)
        self.department = X25519PrivateKey.generate()
        self.shown: dict[str, bytes] = {}
        self._issuers = issuers
        self._link: Link | None = None
        self._bundles = self._lists = 0
        with (self.layout.broker / "acl").open("a", encoding="ascii") as access:
            access.write("topic read #\n")  # of the last user in it, the watcher: here it hears what gates are told, too
        for name in ("gate", "uplink"):
            self._commands[name] = [sys.executable, "-m", *module, "run", name, "--settings", str(self.layout.gate)]
        self.traffic = Traffic(self.port, self.layout.watcher, folder / "traffic.bin")

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def begin(self) -> None:
        """What was handed over is in force, with it whom the gate believes, and the reader's place at the gate is ours."""
        self._closing.enter_context(self.traffic)
        self._hand_over(Kind.TRUST, self._issuers.trust())
        self.start("gate")
        self.start("uplink")
        self._link = self._connect()
        self._closing.callback(self._link.close)
        self.await_bundles()

    def go_by(self, mode: str) -> None:
        """Hand over a policy of ``mode``, by which who is admitted is sealed for the department."""
        identity = {"sealed": True, "recipient": self.department.public_key().public_bytes_raw().hex(), "retention_days": 30}
        accepts = {"accepts": ["kd1", "kd2", "hc1", "shc", "vds"]} if mode == "verify" else {}
        policy = {"place": "quarantine", "mode": mode, "identity": identity, **accepts, **REMEMBERING}
        self._hand_over(Kind.POLICY, policy)

    def hand_over_list(self, kind: ListKind, table: Path) -> None:
        """A list of the people in ``table`` (CSV), which lies where nobody searches: the office knows them by name."""
        office, now = open_office(self.layout.authority), datetime.now(UTC)
        request = lists.Request(
            kind=kind, table=table, province=office.root.province, sites=(), version=1, issued_s=int(now.timestamp()), valid_for_s=86_400
        )
        built = lists.build(request, lists.list_key(office.folder), lists.signing_key(office.folder), progress=lambda _line: None)
        self._put(f"{kind}.list", built.content)
        self._lists += 1

    def await_bundles(self) -> None:
        """Until the gate has told that all of them are in force, and the lists too."""
        self.traffic.wait(lambda: self.traffic.audits("bundle_in_force") >= self._bundles, WITHIN_S, "no bundle in force")
        self.traffic.wait(lambda: self.traffic.audits("list_in_force") >= self._lists, WITHIN_S, "no list in force")

    def show(self, code: bytes) -> None:
        """One presentation: the code comes into view, and leaves it. Waits while the gate has not taken those before."""
        now = monotonic_ns()
        number = len(self.shown) + 1
        track = Track(f"0badcafe-{number}", TrackState.APPEARED, code, number, now, now, now, "half")
        self.shown[track.id] = code
        self._send(View((track,)))
        self._send(View(()))

    def settle(self) -> None:
        """Until all that was shown is decided, passed or too late, seen at the broker, and confirmed if there is a recorder."""
        give_up_s = time.monotonic() + 4 * WITHIN_S
        while self._busy():
            assert time.monotonic() < give_up_s, f"not settled: {self.outbox()}\n{self.log('gate')[-2000:]}\n{self.log('uplink')[-2000:]}"
            time.sleep(ASK_S)  # another process's database cannot be awaited

    def copy_live_files(self, name: str) -> None:
        """The store as it is now, with its log of writes, out of the hands of the process that holds it."""
        copies = self.folder / "copies" / name
        copies.mkdir(parents=True)
        for file in LIVE_FILES:
            shutil.copyfile(self.state / file, copies / file)

    def copy_memory(self, name: str) -> None:
        """All that the process ``name`` holds in memory of its own (man 5 proc: mem): what it once handled may still lie there."""
        process_id = self.processes[name].pid
        copy = self.folder / "copies" / "memory" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        ranges = Path(f"/proc/{process_id}/maps").read_text(encoding="utf-8").splitlines()
        with Path(f"/proc/{process_id}/mem").open("rb") as memory, copy.open("wb") as written:
            for line in ranges:
                span, rights, *_ = line.split()
                if rights.startswith("rw"):
                    begin, end_ = (int(number, 16) for number in span.split("-"))
                    memory.seek(begin)
                    written.write(memory.read(end_ - begin))

    def end(self, name: str) -> None:
        end(self.processes[name])

    def _busy(self) -> bool:
        if self._unread():
            return True
        recorded, waiting = self.outbox()
        has_recorder = self.processes["recorder"].poll() is None
        return self._open_grants() > 0 or len(self.traffic.bodies) < recorded or (has_recorder and waiting > 0)

    def _unread(self) -> int:
        """Bytes of views that the gate has not taken (man 7 unix: SIOCOUTQ, the same number as TIOCOUTQ)."""
        assert self._link is not None
        count = array.array("i", [0])
        fcntl.ioctl(self._link.fileno(), termios.TIOCOUTQ, count)
        return count[0]

    def _open_grants(self) -> int:
        with closing(sqlite3.connect(f"file:{self.state / 'events.db'}?mode=ro", uri=True, timeout=5.0)) as database:
            return int(database.execute("SELECT count(*) FROM open_grant").fetchone()[0])

    def _hand_over(self, kind: Kind, content: dict[str, object]) -> None:
        self._bundles += 1
        bundle = sign(open_office(self.layout.authority), kind, content, Order(), now=datetime.now(UTC))
        self._put(f"{self._bundles}.bundle", bundle)

    def _put(self, name: str, content: bytes) -> None:
        inbox = self.state / "inbox"
        inbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        (inbox / ".coming").write_bytes(content)
        (inbox / ".coming").rename(inbox / name)

    def _connect(self) -> Link:
        give_up_s = time.monotonic() + WITHIN_S
        while True:
            try:
                link = connect(self.folder / "run" / READER_SOCKET)
            except LinkError:
                assert time.monotonic() < give_up_s, f"the gate does not listen\n{self.log('gate')}"
                time.sleep(ASK_S)  # a socket that does not exist yet cannot be awaited
            else:
                link._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
                return link

    def _send(self, view: View) -> None:
        assert self._link is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._link, selectors.EVENT_WRITE)
            while not self._link.send(view):
                assert selector.select(WITHIN_S), "the gate takes nothing"
