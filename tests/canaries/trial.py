"""One whole trial: show, wait, end, search, and open what is sealed."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path

import device
import provisioning
from device.admission.lists import ListKind
from tests.canaries import sealed
from tests.canaries.catalogue import CODE, catalogue_of
from tests.canaries.codes import KINDS
from tests.canaries.issuers import Issuers
from tests.canaries.people import Person, people
from tests.canaries.sealed import Erasing
from tests.canaries.search import Search
from tests.canaries.world import LOGGED, World

VERIFY, WITHOUT_RECORDER = 0.3, 0.95
"""Shares of the presentations: the first are shown in mode verify, the rest in mode record; the last to a province whose recorder is
away, so that events stay in the gate's store and in the broker's memory."""
DENIED_EVERY = 6
"""One person of so many is on the deny list; all are expected at the roll-call."""
HITS_MAX = 50
SOURCES = sorted(path for package in (device, provisioning) for path in Path(package.__path__[0]).rglob("*.py"))
"""The programs' own text lies in their memory: a docstring shows how a seal's JSON goes on (seen). Words that it shares with
somebody's address are searched all the same."""
PROGRESS_EVERY = 500

Say = Callable[[str], None]


@dataclass
class Report:
    presentations: int
    people: int = 0
    events: dict[str, int] = field(default_factory=dict)
    decided: dict[str, list[str]] = field(default_factory=dict)  # kind of code -> reasons that were given
    values: int = 0
    patterns: int = 0
    ignored: int = 0  # pieces that were there before anybody came
    searched: dict[str, int] = field(default_factory=dict)  # place -> bytes
    hits: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    sealed_rows: int = 0
    erasing: dict[str, Erasing] = field(default_factory=dict)  # in the store of a gate that has ended, and of one that runs
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return not self.hits and not self.wrong


class Trial:
    def __init__(self, folder: Path, *, presentations: int, seed: int, say: Say, module: Sequence[str] = LOGGED) -> None:
        """``module`` is what runs as gate and uplink."""
        self._folder = folder
        self._say = say
        self._module = module
        self._issuers = Issuers()
        self.people: list[Person] = []
        self._crowd = people(seed)
        self._listed = list(islice(people(seed), -(-presentations // len(KINDS))))
        self._shown: list[tuple[int, str, bytes]] = []  # number of the person, kind, code
        self._begun_s = time.monotonic()
        self.search = Search({})
        self.report = Report(presentations)

    def run(self) -> Report:
        with World(self._folder / "world", self._issuers, self._module) as world:
            before = [file.read_bytes() for file in files(world.folder)]
            self._show_all(world)
            world.copy_live_files("at the end")
            for name in ("uplink", "broker"):
                world.copy_memory(name)
            for name in ("gate", "uplink", "broker"):
                world.end(name)
        self._lap("shown")
        self._search(world.folder, before)
        self._lap("searched")
        self._judge(world)
        self._lap("opened")
        return self.report

    # --- showing -----------------------------------------------------------------------------------------------

    def _show_all(self, world: World) -> None:
        presented = self._presentations()
        turns = [int(share * self.report.presentations) for share in (VERIFY, WITHOUT_RECORDER, 1)]
        world.go_by("verify")
        for kind, listed in ((ListKind.DENY, self._listed[::DENIED_EVERY]), (ListKind.EXPECTED, self._listed)):
            world.hand_over_list(kind, self._table(kind, listed))
        world.begin()
        self._show(world, presented, turns[0])
        world.settle()
        world.go_by("record")
        world.await_bundles()
        world.copy_live_files("between")
        self._show(world, presented, turns[1])
        world.settle()
        world.copy_memory("recorder")
        world.end("recorder")
        self._show(world, presented, turns[2])
        world.settle()

    def _table(self, kind: ListKind, listed: list[Person]) -> Path:
        table = self._folder / f"{kind}.csv"
        state = {ListKind.EXPECTED: "stay"}.get(kind, "")
        rows = [f"cccd,{person.paper},{state}\nbhxh,{person.insurance},{state}\n" for person in listed]
        table.write_text("type,value,state\n" + "".join(rows), encoding="ascii")
        return table

    def _presentations(self) -> Iterator[tuple[int, str, bytes]]:
        for number in count():
            person = next(self._crowd)
            self.people.append(person)
            for kind, make in KINDS.items():
                yield number, kind, make(person, self._issuers)

    def _show(self, world: World, presented: Iterator[tuple[int, str, bytes]], until: int) -> None:
        while len(self._shown) < until:
            each = next(presented)
            self._shown.append(each)
            world.show(each[2])
            if len(self._shown) % PROGRESS_EVERY == 0:
                self._say(f"{len(self._shown)} of {self.report.presentations} presentations")

    # --- searching ---------------------------------------------------------------------------------------------

    def _search(self, folder: Path, before: list[bytes]) -> None:
        """What was there before anybody came is nobody's: certificates of the same make begin alike."""
        catalogue = catalogue_of(self.people, self._shown)
        self.search = search = Search(catalogue.patterns())
        for data in before:
            search.ignore(data)
        for source in SOURCES:
            search.ignore(source.read_bytes(), only=CODE)
        self.report.ignored = len(search.ignored)
        if known := [what for what in search.ignored.values() if CODE not in what]:
            self.report.wrong.append(f"before anybody came, there was {', '.join(known)}")
        self.report.people, self.report.values, self.report.patterns = len(self.people), catalogue.values, len(search)
        self._say(f"{self.report.values} values and codes in {len(search)} forms and pieces")
        self.report.searched, self.report.hits = search_folder(search, folder)
        self._say(f"{sum(self.report.searched.values()) / 1e6:.0f} MB searched")

    # --- judging -----------------------------------------------------------------------------------------------

    def _judge(self, world: World) -> None:
        report, bodies = self.report, dict(sorted(world.traffic.bodies.items()))
        events = {sequence: json.loads(body) for sequence, body in bodies.items()}
        kinds = {presentation: kind for presentation, (_, kind, _) in zip(world.shown, self._shown, strict=True)}
        report.events = dict(Counter(event["type"] for event in events.values()))
        reasons: dict[str, set[str]] = {}
        for event in events.values():
            if event["type"] == "qrgate.decision":
                reasons.setdefault(kinds[event["data"]["presentation"]], set()).add(event["data"]["reason"])
        report.decided = {kind: sorted(reasons.get(kind, ())) for kind in KINDS}
        if never := [kind for kind, given in report.decided.items() if not given]:
            report.wrong.append(f"never decided: {', '.join(never)}")
        if links := sealed.broken_links(bodies):
            report.wrong.append(f"the hash chain breaks at {links[:5]}")
        found = sealed.rows(world.state / "events.db")
        report.sealed_rows = len(found)
        report.wrong += sealed.faults(found, events, world.shown, world.department)
        for name, state in (("ended", world.state), ("running", world.folder / "copies" / "at the end")):
            report.erasing[name] = erasing = sealed.erase_all(state, self._folder / f"erased {name}")
            if (
                not erasing.events_unchanged
                or erasing.erased != len(sealed.rows(state / "events.db"))
                or erasing.left
                or erasing.in_the_file
                or erasing.in_the_log
            ):
                report.wrong.append(f"erasing: {erasing}")

    def _lap(self, name: str) -> None:
        now_s = time.monotonic()
        self.report.seconds[name] = round(now_s - self._begun_s - sum(self.report.seconds.values()), 1)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def search_folder(search: Search, folder: Path) -> tuple[dict[str, int], list[str]]:
    """Bytes searched in each file, and the hits in words: in its content and its name."""
    searched: dict[str, int] = {}
    hits: list[str] = []
    for file in files(folder):
        place, data = str(file.relative_to(folder)), file.read_bytes()
        searched[place] = len(data)
        for hit in (*search.find(data), *search.find(place.encode())):
            if len(hits) < HITS_MAX:
                hits.append(f"{place}, byte {hit.at}: {hit.what}, as {hit.form!r}")
    return searched, hits
