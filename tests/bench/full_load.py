"""All that keeps a gate busy, at once: people, a disk that stalls, a backlog that is drained, a list that is swapped, a reader beside it.

Each part counts what it did, and ``Load.doubts`` names those that did too little: a gate that idles is no gate under load.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Self

from device.admission.lists import ListKind
from device.clock import NS, monotonic_ns
from device.domain import ClockTrust, EventType, Instant, StoredEvent
from device.gate.inbox import FOLDER
from device.gate.outbox import GIVE_MAX
from device.gate.store import Store
from device.links import Events, Give, Lane, ReaderState
from tests.bench.figures import NS_PER_MS
from tests.bench.stalled_disk import STORE, StalledDisk
from tests.device.gate.desk import Desk
from tests.gates import Gate, show, wait_message
from tests.lists import Province, random_body
from tests.soak.trial import Ear

PERSON_EVERY_S = 0.4  # a pulse and the drive's rest last 0.3 s
BETWEEN_STALLS_S = (1.5, 3.0)
"""Long enough for a list to be proven and swapped over a few of them."""

GIVE_EVERY_S = 0.1
"""A hundred events each time: some hundred a second, with the stalls."""

ANSWER_WITHIN_S = 30.0
LIST_WITHIN_S = 120.0

KIND = ListKind.DENY
SEED = 5

STANDS_MS = 500.0
"""The recording thread answers within some milliseconds. One that does not for so long stands at a stalled disk."""

LEAST_A_SECOND = {"frames": 2.0, "decisions": 0.5, "confirmed": 20.0, "stalls": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What went on within ``lasted_s``."""

    lasted_s: float
    frames: int  # decoded by the reader beside the gate
    decisions: int  # a durable commit each, as are passages
    passages: int
    confirmed: int  # events that left the store
    backlog: int  # events of before that were still there at the end
    swaps: int  # of lists
    stalls: int  # of the disk
    longest_commit_ms: float  # of the decisions that admitted somebody
    longest_answer_ms: float  # that the uplink waited for

    def doubts(self) -> list[str]:
        """Why the gate was not loaded as it should have been."""
        doubts = [f"{name}: {getattr(self, name)} in {self.lasted_s:.0f} s" for name, least in LEAST_A_SECOND.items() if self._rate(name) < least]
        if self.swaps == 0:
            doubts.append("no list was swapped")
        if self.backlog == 0:
            doubts.append("the backlog was drained before the end")
        if self.longest_answer_ms < STANDS_MS:
            doubts.append(f"the disk held nobody up: the longest answer took {self.longest_answer_ms:.0f} ms")
        return doubts

    def _rate(self, name: str) -> float:
        return float(getattr(self, name)) / self.lasted_s

    def __str__(self) -> str:
        return (
            f"{self.lasted_s:.0f} s: {self._rate('frames'):.0f} frames/s, {self.decisions} decisions, {self.passages} passages, "
            f"{self.confirmed} events confirmed, {self.backlog} left, {self.swaps} lists swapped, {self.stalls} stalls, "
            f"longest commit {self.longest_commit_ms:.0f} ms, longest answer {self.longest_answer_ms:.0f} ms"
        )


def fill(state: Path, events: int) -> None:
    """A store with a backlog of ``events``, as a gate without a network has one."""
    state.mkdir(mode=0o700)
    with closing(Store(state / STORE, gate="g1", boot="before")) as store:
        now = Instant(datetime.now(UTC), ClockTrust.TRUSTED)
        for begin in range(0, events, 1000):
            with store.transaction() as writing:
                for number in range(begin, min(begin + 1000, events)):
                    facts = {"presentation": f"0badcafe-{number}", "admit": True, "reason": "admitted", "direction": "entry", "people": 1}
                    writing.append(EventType.DECISION, facts, subject=f"0badcafe-{number}", now=now)


class FullLoad:
    """Within ``with`` it goes on. ``gate`` runs, on ``disk``, and its store holds ``backlog`` events."""

    def __init__(self, gate: Gate, disk: StalledDisk, ear: Ear, *, backlog: int, entries: int) -> None:
        self._gate = gate
        self._disk = disk
        self._ear = ear
        self._backlog = backlog
        self._province, self._body = Province(name="p1"), random_body(entries)
        self._stopping = threading.Event()
        self._parts = ThreadPoolExecutor()
        self._futures: list[Future[None]] = []
        self._begun_ns = self._frames = self._drained = self._answer_ns = 0
        self._lasted_s = 0.0
        self._facts: list[StoredEvent] = []  # of those that were drained, the gate's own of this time
        self.stalls: list[tuple[int, int]] = []
        self.swaps: list[tuple[int, int]] = []
        """From when to when each was, in monotonic nanoseconds."""

    def __enter__(self) -> Self:
        self._await_taken(self._give_list(1))
        self._begun_ns, self._frames = monotonic_ns(), self._ear.frames
        self._futures = [self._parts.submit(part) for part in (self._bring_people, self._drain, self._stall, self._swap)]
        return self

    def __exit__(self, *_: object) -> None:
        self._lasted_s, self._frames = (monotonic_ns() - self._begun_ns) / NS, self._ear.frames - self._frames
        self._stopping.set()
        self._parts.shutdown()

    def check(self) -> None:
        """Raises whatever has ended one of the parts."""
        for future in self._futures:
            if future.done():
                future.result()

    def told(self) -> Load:
        """What went on; when the gate has stopped, and its disk is still there."""
        self.check()
        with closing(Store(self._disk.state / STORE, gate="g1", boot="after")) as store:
            left = list(_all_in(store))
            confirmed = store.last_sequence - len(left)
        facts = {event.sequence: event for event in (*self._facts, *left) if event.sequence > self._backlog}
        data = [(event.type, json.loads(event.body)["data"]) for event in facts.values()]
        commits = [each["timing"]["commit_ns"] for kind, each in data if kind is EventType.PASSAGE and "commit_ns" in each.get("timing", {})]
        return Load(
            lasted_s=self._lasted_s,
            frames=self._frames,
            decisions=sum(kind is EventType.DECISION for kind, _ in data),
            passages=sum(kind is EventType.PASSAGE for kind, _ in data),
            confirmed=confirmed,
            backlog=sum(event.sequence <= self._backlog for event in left),
            swaps=max(sum(each.get("what") == "list_in_force" for _, each in data) - 1, 0),  # the first took nobody's place
            stalls=len(self.stalls),
            longest_commit_ms=max(commits, default=0) / NS_PER_MS,
            longest_answer_ms=self._answer_ns / NS_PER_MS,
        )

    # --- the parts ---------------------------------------------------------------------------------------------

    def _bring_people(self) -> None:
        """One after the other, each with a pass of his own."""
        with closing(self._gate.connect("reader")) as reader:
            for number in count():
                reader.send(ReaderState("ok", number, 0, number, 0))
                show(reader, self._gate.track(self._gate.issuer.issue(number)))
                if self._stopping.wait(PERSON_EVERY_S):
                    return

    def _drain(self) -> None:
        """As the uplink and the recorder: ask, and confirm."""
        with closing(Desk(self._gate)) as desk:
            while not self._stopping.wait(GIVE_EVERY_S):
                asked_ns = monotonic_ns()
                desk.link.send(Give(Lane.LIVE, self._drained, GIVE_MAX))
                answer = wait_message(desk.link, within_s=ANSWER_WITHIN_S)
                assert isinstance(answer, Events)
                self._answer_ns = max(self._answer_ns, monotonic_ns() - asked_ns)
                desk.confirm(answer.events, self._gate.recorder)
                self._drained = answer.events[-1].sequence
                self._facts += [event for event in answer.events if event.sequence > self._backlog]

    def _stall(self) -> None:
        rests = random.Random(SEED)
        while not self._stopping.wait(rests.uniform(*BETWEEN_STALLS_S)):
            self.stalls.append(self._disk.stall())

    def _swap(self) -> None:
        """The next list as soon as the one before it was taken."""
        for version in count(2):
            begun_ns = monotonic_ns()
            if self._await_taken(self._give_list(version)):
                self.swaps.append((begun_ns, monotonic_ns()))
            if self._stopping.is_set():
                return

    def _await_taken(self, path: Path) -> bool:
        """False where all is to stop before."""
        give_up_ns = monotonic_ns() + int(LIST_WITHIN_S * NS)
        while path.exists():
            assert monotonic_ns() < give_up_ns, "the gate does not take its list"
            if self._stopping.wait(0.02):  # nothing tells of it
                return False
        return True

    def _give_list(self, version: int) -> Path:
        folder = self._disk.state / FOLDER
        folder.mkdir(exist_ok=True)  # the gate makes it after it has begun to listen
        beside, path = folder / ".next", folder / f"{version}.list"
        beside.write_bytes(self._province.whole(KIND, version, self._body))
        return beside.rename(path)


def _all_in(store: Store) -> Iterator[StoredEvent]:
    sequence = 0
    while batch := store.events_after(sequence, 1000):
        yield from batch
        sequence = batch[-1].sequence
