"""What a backlog that drains does to decisions: from the end of decoding to the durable commit, with and without it, by turns.

Gate, uplink, broker and recorder are real, at the pace of every day. Broker and recorder stand elsewhere in a province: here they
have the lowest priority, so that the drain takes from the gate what it would take on a gate's own machine.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from device.clock import boot_id, monotonic_ns
from device.demo.payloads import GATE
from device.demo.processes import end, environment
from device.demo.province import Province
from device.domain import EventType, StoredEvent, Track, TrackState
from device.errors import LinkError
from device.gate.store import Store
from device.links import Link, connect
from tests.backlogs import BATCH, fill
from tests.bench.figures import NS_PER_MS, Figures, Progress
from tests.faults.records import ask, waiting
from tests.gates import Issuer, show

BACKLOG = 150_000
PEOPLE, ROUNDS = 50, 5
PERSON_EVERY_S = 0.4  # a pulse and the drive's rest last 0.3 s
BEGINS_WITHIN_S = 30.0
POLL_S = 0.05
LOWEST_PRIORITY = 19
ISSUER = Issuer(seed=7)
OPTIONS = (
    "pins.factory=mock",
    "passage.pin=",
    "relay.pulse_s=0.1",
    "relay.max_on_s=0.5",
    "clock.source=system",
)


@dataclass(frozen=True, slots=True)
class Turn:
    begun_ns: int
    ended_ns: int
    draining: bool


def measure(_base: int, progress: Progress) -> Figures:
    with (
        tempfile.TemporaryDirectory(prefix="qrgate-bench-") as folder,
        Province(Path(folder), OPTIONS, issuer_seed=bytes([ISSUER.seed]) * 32) as province,
    ):
        for process in province.processes.values():
            os.setpriority(os.PRIO_PROCESS, process.pid, LOWEST_PRIORITY)
        store = province.folder / "state" / "events.db"
        fill(store, BACKLOG, gate=GATE, boot=boot_id())
        with _part(province, "gate"), closing(_reader(province.folder / "run" / "reader.sock")) as reader:
            turns = [each for number in range(ROUNDS) for each in _round(province, reader, number, progress)]
        assert waiting(store) > 0, "the backlog was drained before the end"
        timings = _timings(province, store)
    quiet, draining = (_p99s(timings, [turn for turn in turns if turn.draining is is_draining]) for is_draining in (False, True))
    return {
        "decision_p99_quiet": (median(quiet), "ms"),
        "decision_p99_draining": (median(draining), "ms"),
        "decision_p99_draining_vs_quiet": (median(draining) / median(quiet), "ratio"),
    }


def _round(province: Province, reader: Link, number: int, progress: Progress) -> Iterator[Turn]:
    first = 2 * number * PEOPLE
    yield _people(reader, first, draining=False)
    store = province.folder / "state" / "events.db"
    before = waiting(store)
    with _part(province, "uplink"):
        give_up_s = time.monotonic() + BEGINS_WITHIN_S
        while waiting(store) >= before:
            assert time.monotonic() < give_up_s, "the backlog does not drain"
            time.sleep(POLL_S)  # another process's file cannot be awaited
        yield _people(reader, first + PEOPLE, draining=True)
    progress(f"while draining, round {number + 1}: {before - waiting(store)} events drained")


def _people(reader: Link, first: int, *, draining: bool) -> Turn:
    """One after the other, each with a pass of his own."""
    begun_ns = monotonic_ns()
    for number in range(first, first + PEOPLE):
        now_ns = monotonic_ns()
        moments = {"frame_ns": now_ns, "decoded_ns": now_ns, "last_seen_ns": now_ns}
        show(reader, Track(f"0badcafe-{number}", TrackState.APPEARED, ISSUER.issue(number), frame=number, stage="half", **moments))
        time.sleep(PERSON_EVERY_S)
    return Turn(begun_ns, monotonic_ns(), draining)


def _timings(province: Province, path: Path) -> list[dict[str, int]]:
    """Of all passages, those at the recorder and those that are still here."""
    there = ask(province.layout.recorder / "events.sqlite", "SELECT body FROM events WHERE type = ?", "qrgate.passage")
    with closing(Store(path, gate=GATE, boot=boot_id())) as store:
        here = [event for event in _after(store, BACKLOG) if event.type is EventType.PASSAGE]
    bodies = {body for (body,) in there} | {event.body for event in here}
    return [json.loads(body)["data"]["timing"] for body in bodies]


def _after(store: Store, sequence: int) -> Iterator[StoredEvent]:
    while events := store.events_after(sequence, BATCH):
        yield from events
        sequence = events[-1].sequence


def _p99s(timings: list[dict[str, int]], turns: list[Turn]) -> list[float]:
    """One for each of ``turns``."""
    taken = [
        [(each["committed_ns"] - each["decoded_ns"]) / NS_PER_MS for each in timings if turn.begun_ns <= each["decoded_ns"] < turn.ended_ns]
        for turn in turns
    ]
    assert all(len(each) >= PEOPLE // 2 for each in taken), "hardly anybody was decided"
    return [quantiles(each, n=100, method="inclusive")[98] for each in taken]


@contextmanager
def _part(province: Province, name: str) -> Iterator[None]:
    """The gate or the uplink, until the end of the block."""
    command = [sys.executable, "-m", "device", "run", name, "--settings", str(province.layout.gate)]
    with (province.folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment())
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        end(process)


def _reader(path: Path) -> Link:
    give_up_s = time.monotonic() + BEGINS_WITHIN_S
    while True:
        try:
            return connect(path)
        except LinkError:
            assert time.monotonic() < give_up_s, "the gate does not listen"
            time.sleep(POLL_S)  # a socket that does not exist yet cannot be awaited
